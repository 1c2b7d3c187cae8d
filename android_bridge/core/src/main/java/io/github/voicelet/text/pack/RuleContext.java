package io.github.voicelet.text.pack;

import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import java.util.Collections;
import java.util.Set;

/** Where the scanner stands. All places are in UTF-16 units of {@link #text}. */
public final class RuleContext {
  private static final int FOLLOWING = 40;
  private static final int AROUND = 60;

  /** Whether a lower-case word is in a lexicon. */
  public interface Known {
    boolean has(String word);
  }

  /** The window of clean text (at least 512 code points ahead, unless the text ends). */
  public String text = "";

  /** The last word that was said, or "" at the start of a sentence. */
  public String previous = "";

  /** Whether the window reaches the end of the paragraph or document. */
  public boolean isFinal = true;

  /** Tells whether a word is in the lexicon; null where none can be asked. */
  public Known known;

  /** Capitalized words that seldom follow an abbreviation inside a sentence. */
  public Set<String> sentenceStarters = Collections.emptySet();

  /** The language's letters. */
  public Alphabet alphabet = Alphabet.ENGLISH;

  /** The capitalized word after a place, past white space and quotes, or "". */
  public String nextWord(int end) {
    int at = end;
    while (at < text.length() && "\"')".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    int space = at;
    while (at < text.length() && Characters.isSpace(text.codePointAt(at))) {
      at += Character.charCount(text.codePointAt(at));
    }
    if (at == space) {
      return "";
    }
    while (at < text.length() && "\"'(¿¡".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    int start = at;
    while (at < text.length() && alphabet.has(text.codePointAt(at), at > start)) {
      at += Character.charCount(text.codePointAt(at));
    }
    return text.substring(start, at);
  }

  /** Whether a full stop that belongs to an abbreviation ending at {@code end} ends a sentence. */
  public boolean endsSentence(int end) {
    int stop = CodePoints.forward(text, end, FOLLOWING);
    int at = end;
    while (at < stop && "\"')".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    boolean isBlank = true;
    for (int i = at; i < stop && isBlank; i += Character.charCount(text.codePointAt(i))) {
      isBlank = Characters.isSpace(text.codePointAt(i));
    }
    if (isBlank) {
      return isFinal;
    }
    return text.startsWith("\n\n", at) || sentenceStarters.contains(nextWord(end));
  }

  /** Whether the words around are in capitals as well. */
  public boolean isShouting(int start, int end) {
    String before = text.substring(CodePoints.back(text, start, AROUND), start);
    int paragraph = before.lastIndexOf("\n\n");
    before = paragraph < 0 ? before : before.substring(paragraph + 2);
    String after = text.substring(end, CodePoints.forward(text, end, AROUND));
    paragraph = after.indexOf("\n\n");
    after = paragraph < 0 ? after : after.substring(0, paragraph);
    String around = before + " " + after;
    int words = 0;
    int loud = 0;
    for (int at = 0; at < around.length(); ) {
      int from = at;
      int letters = 0;
      while (at < around.length() && alphabet.has(around.codePointAt(at), true)) {
        at += Character.charCount(around.codePointAt(at));
        letters++;
      }
      if (letters >= 2) {
        words++;
        loud += Case.isUpper(around.substring(from, at)) ? 1 : 0;
      }
      if (letters == 0) {
        at += Character.charCount(around.codePointAt(at));
      }
    }
    return words >= 2 && loud >= 0.7 * words;
  }
}
