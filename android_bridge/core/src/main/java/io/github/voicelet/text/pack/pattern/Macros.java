package io.github.voicelet.text.pack.pattern;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.pack.Nearest;
import io.github.voicelet.text.unicode.Case;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What {@code {{…}}} stands for in a pattern.
 *
 * <p>{@code {{name}}} is a macro, {@code {{keys:NAME}}} the keys of a table or words of a set (longest first),
 * {@code {{keys-any-case:NAME}}} the same in capitals or not, {@code {{chars:NAME}}} single characters for the inside
 * of a class.
 */
public final class Macros {
  /** The end of the text, for {@code {{END}}}. */
  public static final String END = "(?![\\s\\S])";

  private static final int MAX_NESTED = 8;
  private static final int MAX_NAME = 80;
  private static final String ESCAPED = "\\.[](){}*+?^$|-&~#/% ";

  private static final Comparator<String> LONGEST_FIRST =
      new Comparator<String>() {
        @Override
        public int compare(String a, String b) {
          int longer = Integer.compare(CodePoints.count(b), CodePoints.count(a));
          return longer != 0 ? longer : CodePoints.compare(a, b);
        }
      };

  /** The words of a set, or the keys of a table. */
  public interface WordSets {
    /**
     * By name.
     *
     * @throws PackException there is neither.
     */
    Set<String> words(String name);
  }

  /** Whether patterns are parsed and asked what they cost; without, they are known to be right. */
  final boolean check;

  private final Map<String, String> macros = new LinkedHashMap<>();
  private final WordSets sets;
  private final Map<String, String> keys = new ConcurrentHashMap<>();

  /**
   * Of one pack.
   *
   * @param macros name → pattern, which may use others.
   * @throws PackException a macro is too long.
   */
  public Macros(Map<String, String> macros, WordSets sets, boolean check) {
    this.macros.put("END", END);
    this.macros.putAll(macros);
    this.sets = sets;
    this.check = check;
    if (check) {
      for (Map.Entry<String, String> entry : macros.entrySet()) {
        checkLength(entry.getValue(), "the macro '" + entry.getKey() + "' is ");
      }
    }
  }

  /** {@code text} as a pattern that matches just it. */
  static String escaped(String text) {
    StringBuilder out = new StringBuilder(text.length() + 8);
    for (int i = 0; i < text.length(); i++) {
      if (ESCAPED.indexOf(text.charAt(i)) >= 0) {
        out.append('\\');
      }
      out.append(text.charAt(i));
    }
    return out.toString();
  }

  /**
   * A pattern without macros.
   *
   * @throws PackException one isn't there, they call one another in a circle, or grow too long.
   */
  public String expand(String pattern) {
    return expand(pattern, true);
  }

  /**
   * A pattern without macros.
   *
   * @param lists without, {@code {{keys:…}}} and {@code {{keys-any-case:…}}} stay, and no table is read.
   * @throws PackException one isn't there, they call one another in a circle, or grow too long.
   */
  String expand(String pattern, boolean lists) {
    String expanded = pattern;
    for (int i = 0; i < MAX_NESTED; i++) {
      if (!expanded.contains("{{")) {
        return expanded;
      }
      String before = expanded;
      expanded = once(expanded, lists);
      if (expanded.equals(before)) {
        return expanded;
      }
    }
    int left = expanded.indexOf("{{");
    if (lists && left >= 0) {
      String place = expanded.substring(left, Math.min(expanded.length(), left + 40));
      throw new PackException(
          "macros nest deeper than " + MAX_NESTED + " or call one another in a circle: '" + place + "'");
    }
    return expanded;
  }

  private String once(String pattern, boolean lists) {
    StringBuilder out = new StringBuilder(pattern.length() + 64);
    int done = 0;
    for (int open = pattern.indexOf("{{"); open >= 0; open = pattern.indexOf("{{", open)) {
      int end = open + 2;
      while (end < pattern.length() && "{}".indexOf(pattern.charAt(end)) < 0) {
        end++;
      }
      int size = pattern.codePointCount(open + 2, end);
      if (size < 1 || size > MAX_NAME || !pattern.startsWith("}}", end)) {
        open++;
        continue;
      }
      out.append(pattern, done, open).append(value(pattern.substring(open + 2, end), lists));
      done = end + 2;
      open = done;
      if (check) {
        checkLength(out, "");
      }
    }
    out.append(pattern, done, pattern.length());
    if (check) {
      checkLength(out, "");
    }
    return out.toString();
  }

  /** The code points that {@code {{keys:…}}} or {@code {{keys-any-case:…}}} may begin with. */
  Set<Integer> firstChars(String name) {
    int colon = name.indexOf(':');
    boolean anyCase = !name.substring(0, Math.max(0, colon)).equals("keys");
    Set<Integer> chars = new HashSet<>();
    for (String key : sets.words(name.substring(colon + 1))) {
      int first = key.codePointAt(0);
      if (anyCase) {
        String lower = Case.lower(CodePoints.string(first));
        chars.add(lower.codePointAt(0));
        chars.add(upper(lower.codePointAt(0)));
      } else {
        chars.add(first);
      }
    }
    return chars;
  }

  private static void checkLength(CharSequence pattern, String what) {
    if (Character.codePointCount(pattern, 0, pattern.length()) > Parser.MAX_PATTERN_CHARS) {
      throw new PackException(what + "longer than " + Parser.MAX_PATTERN_CHARS + " characters with its macros");
    }
  }

  private String value(String name, boolean lists) {
    int colon = name.indexOf(':');
    String kind = colon < 0 ? name : name.substring(0, colon);
    if (!lists && (kind.equals("keys") || kind.equals("keys-any-case"))) {
      return "{{" + name + "}}";
    }
    if (colon < 0) {
      String macro = macros.get(name);
      if (macro == null) {
        throw new PackException("there is no macro '" + name + "'" + Nearest.didYouMean(name, macros.keySet()));
      }
      return macro;
    }
    String made = keys.get(name);
    if (made == null) {
      made = ofTable(kind, name.substring(colon + 1));
      keys.put(name, made);
    }
    return made;
  }

  private String ofTable(String kind, String table) {
    List<String> sorted = new ArrayList<>(sets.words(table));
    if (sorted.isEmpty()) {
      throw new PackException("{{" + kind + ":" + table + "}}: '" + table + "' is empty");
    }
    StringBuilder out = new StringBuilder();
    switch (kind) {
      case "keys":
        Collections.sort(sorted, LONGEST_FIRST);
        for (String key : sorted) {
          out.append(out.length() == 0 ? "(?:" : "|").append(escaped(key));
        }
        return out.append(')').toString();
      case "keys-any-case":
        Set<String> folded = new HashSet<>();
        for (String key : sorted) {
          folded.add(Case.lower(key));
        }
        sorted = new ArrayList<>(folded);
        Collections.sort(sorted, LONGEST_FIRST);
        for (String key : sorted) {
          out.append(out.length() == 0 ? "(?:" : "|");
          for (int code : CodePoints.of(key)) {
            int upper = upper(code);
            String lower = CodePoints.string(code);
            out.append(upper == code ? escaped(lower) : "[" + lower + CodePoints.string(upper) + "]");
          }
        }
        return out.append(')').toString();
      case "chars":
        Collections.sort(sorted, LONGEST_FIRST);
        for (String key : sorted) {
          out.append(CodePoints.count(key) == 1 ? escaped(key) : "");
        }
        return out.toString();
      default:
        throw new PackException(
            "{{" + kind + ":" + table + "}}: write {{keys:…}}, {{keys-any-case:…}} or {{chars:…}}");
    }
  }

  /** Its capital, if that is one code point. */
  private static int upper(int code) {
    String upper = Case.upper(CodePoints.string(code));
    return CodePoints.count(upper) == 1 ? upper.codePointAt(0) : code;
  }
}
