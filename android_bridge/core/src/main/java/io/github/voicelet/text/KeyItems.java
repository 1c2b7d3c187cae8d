package io.github.voicelet.text;

import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A single character or a key, by its name: what a screen reader says at every keystroke. */
final class KeyItems {
  /** Longer texts are no keys, and read as any text. */
  private static final int MAX_KEY_CHARS = 64;

  private static final Pattern NUMBERED = Pattern.compile("([a-z]+)([0-9]{1,3})");
  private static final Pattern BETWEEN_KEYS = Pattern.compile("(?<=[^\n])\\+(?=[^\n])");
  private static final Map<String, String> CONTROLS = new HashMap<>();

  static {
    CONTROLS.put(" ", "space");
    CONTROLS.put("\t", "tab");
    CONTROLS.put("\n", "newline");
    CONTROLS.put("\r", "enter");
    CONTROLS.put("\b", "backspace");
    CONTROLS.put("\u001b", "escape");
    CONTROLS.put("\u007f", "delete");
    CONTROLS.put("\u00a0", "nobreakspace");
  }

  /** Reads a text as usual, and gives its items a span. */
  interface Read {
    List<Item> items(String text, int spanStart, int spanEnd);
  }

  private final CharacterNames names;
  private final String loneLetters;
  private final Read read;
  private final Reading.Capitals capitals;
  private int spanEnd;

  /**
   * Of a language.
   *
   * @param capitals how a capital is made known.
   * @param read reads digits, emoji and whatever has no name here.
   */
  KeyItems(ReadLanguage language, Reading.Capitals capitals, Read read) {
    names = language.pack.characters();
    loneLetters = language.pack.normalization().loneLetters;
    this.capitals = capitals;
    this.read = read;
  }

  /**
   * What is said for a character or a key; never nothing, unless the text is empty.
   *
   * @param text one character, the name of a key ("Enter", "PageUp", "F5"; case, spaces and hyphens don't matter), or several
   *     joined by "+" ("Ctrl+Shift+T"). Anything else is read as usual.
   */
  List<Item> of(String text) {
    int end = text.length();
    while (end > 0 && "\r\n".indexOf(text.charAt(end - 1)) >= 0) {
      end--;
    }
    String key = end == 0 ? text : text.substring(0, end); // the end of a line isn't the key that was asked for
    spanEnd = CodePoints.count(key);
    List<Item> items = null;
    if (spanEnd <= MAX_KEY_CHARS) {
      items = single(key, capitals);
      if (items == null && key.indexOf('+') >= 0) {
        items = together(Arrays.asList(BETWEEN_KEYS.split(key, -1)));
      }
    }
    if (items == null) {
      items = read.items(key, 0, spanEnd);
    }
    boolean speaks = false;
    for (Item item : items) {
      speaks |= item instanceof Word;
    }
    return speaks || key.isEmpty() ? items : codePoint(key.codePointAt(0));
  }

  /** One character, or the name of one key; null for anything else. */
  private List<Item> single(String key, Reading.Capitals how) {
    String character = Normalizer.nfc(key);
    if (CodePoints.count(character) == 1 && !CONTROLS.containsKey(character)) {
      return character(character, how);
    }
    String name = CONTROLS.get(character);
    name = name == null ? plain(key) : name;
    if (names.keys.containsKey(name)) {
      return said(names.keys.get(name));
    }
    Matcher numbered = NUMBERED.matcher(name);
    String said = numbered.matches() ? names.keys.get(numbered.group(1) + "*") : null;
    if (said == null) {
      return null;
    }
    List<Item> items = said(said);
    items.addAll(read.items(numbered.group(2), 0, spanEnd));
    return items;
  }

  private static String plain(String key) {
    StringBuilder name = new StringBuilder();
    for (int code : CodePoints.of(key)) {
      if (code != '_' && code != '-' && !Characters.isSpace(code)) {
        name.appendCodePoint(code);
      }
    }
    return Case.lower(name.toString());
  }

  /** Keys that are pressed together; null where one of them isn't known. */
  private List<Item> together(List<String> keys) {
    List<Item> items = new ArrayList<>();
    for (String key : keys) {
      List<Item> one = single(key, Reading.Capitals.NONE);
      if (one == null) {
        return null;
      }
      items.addAll(one);
    }
    return items;
  }

  /** A character that nobody has a name for: its number, as Unicode writes it. */
  private List<Item> codePoint(int code) {
    List<Item> items = new ArrayList<>();
    items.add(letter("U"));
    for (char digit : String.format(Locale.ROOT, "%04X", code).toCharArray()) {
      if (digit <= '9') {
        items.addAll(read.items(String.valueOf(digit), 0, spanEnd));
      } else {
        items.add(letter(String.valueOf(digit)));
      }
    }
    return items;
  }

  private Word letter(String letter) {
    return new Word.Builder(letter, 0, spanEnd).spell(true).build();
  }

  private List<Item> character(String character, Reading.Capitals how) {
    CharacterNames.MarkName mark = names.marks.get(character);
    if (mark != null) {
      return said(mark.name);
    }
    String lower = Case.lower(character);
    if (names.letters.containsKey(lower)) {
      return capital(character, said(names.letters.get(lower)), how);
    }
    int[] parts = CodePoints.of(Normalizer.nfd(lower));
    if (parts[0] < 'a' || parts[0] > 'z') {
      return null;
    }
    List<Item> items = new ArrayList<>();
    items.add(letter(String.valueOf((char) (parts[0] - 'a' + 'A'))));
    for (int i = 1; i < parts.length; i++) {
      String name = names.letters.get(CodePoints.string(parts[i]));
      if (name == null) {
        return null;
      }
      items.addAll(said(name));
    }
    return capital(character, items, how);
  }

  private List<Item> capital(String character, List<Item> items, Reading.Capitals how) {
    if (!Case.isUpper(character) || items.isEmpty() || !(items.get(0) instanceof Word)) {
      return items;
    }
    List<Item> announced = new ArrayList<>();
    CapitalWords.announce((Word) items.get(0), names, how, false, announced);
    announced.addAll(items.subList(1, items.size()));
    return announced;
  }

  private List<Item> said(String name) {
    return new ArrayList<Item>(new Notation(loneLetters).tokens(name, 0, spanEnd, "", ""));
  }
}
