package io.github.voicelet.text.pack;

import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.List;

/** How addresses, names in mixed case and single characters are said with a pack's words: its tables name the signs. */
final class SignVerbalizers {
  /** Of an address; the rest isn't read. */
  static final int MAX_PARTS = 60;

  private static final int FIRST_YEAR = 1100;
  private static final int AFTER_YEARS = 2100;

  private final Verbalizers numbers;
  private final Tables tables;
  private final String vowels;

  SignVerbalizers(PackConfig config, Verbalizers numbers, Tables tables) {
    this.numbers = numbers;
    this.tables = tables;
    this.vowels = config.vowelLetters;
  }

  private static boolean isLower(char c) {
    return c >= 'a' && c <= 'z';
  }

  private static boolean isUpper(char c) {
    return c >= 'A' && c <= 'Z';
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static int digitsEnd(String text, int from) {
    int end = from;
    while (end < text.length() && isDigit(text.charAt(end))) {
      end++;
    }
    return end;
  }

  /** The name of a sign, or "". */
  String sign(String sign) {
    return cell("signs", sign);
  }

  private String cell(String table, String key) {
    List<String> row = tables.has(table) ? tables.table(table).rows.get(key) : null;
    return row == null ? "" : row.get(0);
  }

  /** An address piece by piece: names of its signs (but those of {@code silent}), words, numbers. */
  String address(String text, String silent) {
    List<String> said = new ArrayList<>();
    int parts = 0;
    for (int at = 0; at < text.length() && parts < MAX_PARTS; parts++) {
      char c = text.charAt(at);
      int end = at;
      if (isDigit(c)) {
        end = digitsEnd(text, at);
        String part = text.substring(at, end);
        said.add(part.length() <= 4 ? numbers.number(part, "") : numbers.digits(part, part.length()));
      } else if (isLower(c) || isUpper(c)) {
        while (end < text.length() && (isLower(text.charAt(end)) || isUpper(text.charAt(end)))) {
          end++;
        }
        said.add(addressWord(text.substring(at, end)));
      } else {
        end = at + Character.charCount(text.codePointAt(at));
        String part = text.substring(at, end);
        String name = silent.contains(part) ? "" : sign(part);
        if (!name.isEmpty()) {
          said.add(name);
        }
      }
      at = end;
    }
    return Whitespace.join(" ", said);
  }

  private String addressWord(String part) {
    String low = Case.lower(part);
    if (tables.wordsOrNone("spelled_in_addresses").contains(low)) {
      return Verbalizers.spelled(low);
    }
    boolean hasVowel = false;
    for (int i = 0; i < low.length(); i++) {
      hasVowel |= vowels.indexOf(low.charAt(i)) >= 0;
    }
    if (part.length() <= 3 && !hasVowel && !tables.wordsOrNone("said_in_addresses").contains(low)) {
      return Verbalizers.spelled(part);
    }
    return part.length() == 1 || Case.isLower(part.substring(1)) ? part : low;
  }

  /** A name in mixed case, word by word: "NoMoreWar2024", "my_list". */
  String camel(String text) {
    List<String> said = new ArrayList<>();
    int parts = 0;
    for (int at = 0; at < text.length() && parts < MAX_PARTS; ) {
      int end = camelEnd(text, at);
      if (end == at) {
        at++;
        continue;
      }
      String part = text.substring(at, end);
      at = end;
      parts++;
      if (isDigit(part.charAt(0))) {
        int year = part.length() == 4 ? Integer.parseInt(part) : 0;
        said.add(year >= FIRST_YEAR && year < AFTER_YEARS ? numbers.year(part) : numbers.number(part, ""));
      } else if (Case.isUpper(part)) {
        said.add(part.length() > 1 && part.length() <= 4 ? "^" + part : Case.lower(part));
      } else {
        said.add(part.length() > 1 ? part : Case.lower(part));
      }
    }
    return Whitespace.join(" ", said);
  }

  /** Capitals (the last left to the lower-case letters after it), a word, or digits; the same place for none. */
  private static int camelEnd(String text, int at) {
    int end = at;
    while (end < text.length() && isUpper(text.charAt(end))) {
      end++;
    }
    if (end > at && end < text.length() && isLower(text.charAt(end))) {
      end--;
    }
    if (end > at) {
      return end;
    }
    end = at < text.length() && isUpper(text.charAt(at)) ? at + 1 : at;
    int letters = end;
    while (end < text.length() && isLower(text.charAt(end))) {
      end++;
    }
    return end > letters ? end : digitsEnd(text, at);
  }

  /** Every character by its name; white space is a comma. */
  String characters(String text) {
    List<String> said = new ArrayList<>();
    for (int code : CodePoints.of(text)) {
      String character = CodePoints.string(code);
      if (Characters.isLetter(code)) {
        said.add(Verbalizers.spelled(character));
      } else if (code >= '0' && code <= '9') {
        said.add(numbers.whole(character));
      } else if (Characters.isSpace(code)) {
        said.add(",");
      } else {
        String name = cell("characters", character);
        said.add(name.isEmpty() ? cell("pictographs", character) : name);
      }
    }
    return Whitespace.join(" ", said);
  }
}
