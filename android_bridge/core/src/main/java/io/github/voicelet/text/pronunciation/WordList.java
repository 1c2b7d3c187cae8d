package io.github.voicelet.text.pronunciation;

import io.github.voicelet.PackException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The words of a {@code lexicon.tsv} or {@code names.tsv}: a word, a tab, what is known of it. */
public final class WordList {
  private final Map<String, String> words = new HashMap<>();

  /**
   * @param utf8 the file.
   * @param where its name for messages.
   * @throws PackException it isn't UTF-8.
   */
  public WordList(byte[] utf8, String where) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw new PackException(where + " is not UTF-8 text; save it as UTF-8", e);
    }
    int start = 0;
    while (start < text.length()) {
      int newline = text.indexOf('\n', start);
      int end = newline < 0 ? text.length() : newline;
      int last = end;
      while (last > start && text.charAt(last - 1) == '\r') {
        last--;
      }
      int tab = text.indexOf('\t', start);
      if (tab >= 0 && tab < last && text.charAt(start) != '#') {
        words.put(text.substring(start, tab), text.substring(tab + 1, last));
      }
      start = end + 1;
    }
  }

  /** What is known of a word in lower case, perhaps with a sense; or null. */
  public String get(String key) {
    return words.get(key);
  }
}
