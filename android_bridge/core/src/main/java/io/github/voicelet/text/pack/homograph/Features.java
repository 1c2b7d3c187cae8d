package io.github.voicelet.text.pack.homograph;

import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The features of a word among the words of its clause: strings, {@code TEMPLATE=VALUE}, of the words in lower case,
 * the words as written, and a tag for each word. {@code voicelet.text.pack.linear} in Python lists them all.
 */
final class Features {
  /** How many places away a word may be and still count for {@code bag}. */
  private static final int WINDOW = 8;

  private static final int MAX_POINTS = 6;

  /** What gives a word its tag. */
  interface Tags {
    String of(String word);
  }

  private static final Comparator<String> BY_CODE_POINT =
      new Comparator<String>() {
        @Override
        public int compare(String a, String b) {
          return CodePoints.compare(a, b);
        }
      };

  private Features() {}

  /**
   * In UTF-8.
   *
   * @param before the word before, adverbs skipped; "" for none.
   * @param sense what the rules chose; "" for nothing.
   * @param points of the parts of speech.
   */
  static List<byte[]> of(WordContext context, Tags tags, String before, String sense, int points) {
    String c = word(context, -3);
    String b = word(context, -2);
    String a = word(context, -1);
    String d = word(context, 1);
    String e = word(context, 2);
    String f = word(context, 3);
    String tc = tagged(c, tags);
    String tb = tagged(b, tags);
    String ta = tagged(a, tags);
    String td = tagged(d, tags);
    String te = tagged(e, tags);
    String tf = tagged(f, tags);
    String skipped = before.isEmpty() ? "<" : tags.of(before);
    String[] plain = {
      "b=",
      "w-3=" + c, "w-2=" + b, "w-1=" + a, "w1=" + d, "w2=" + e, "w3=" + f,
      "w-1,w1=" + a + "," + d, "w-2,w-1=" + b + "," + a, "w1,w2=" + d + "," + e,
      "t-3=" + tc, "t-2=" + tb, "t-1=" + ta, "t1=" + td, "t2=" + te, "t3=" + tf,
      "t-1,t1=" + ta + "," + td, "t-2,t-1=" + tb + "," + ta, "t1,t2=" + td + "," + te,
      "t-2,t-1,t1=" + tb + "," + ta + "," + td, "t-1,t1,t2=" + ta + "," + td + "," + te,
      "s=" + skipped, "s,t1=" + skipped + "," + td
    };
    List<byte[]> found = new ArrayList<>(64);
    for (String feature : plain) {
      add(feature, found);
    }
    ending(-2, b, found);
    ending(-1, a, found);
    ending(1, d, found);
    ending(2, e, found);
    capitals(context, found);
    for (String word : around(context)) {
      add("bag=" + word, found);
    }
    String chosen = sense.isEmpty() ? "-" : sense;
    add("r=" + chosen, found);
    add("r,p=" + chosen + "," + Math.max(-MAX_POINTS, Math.min(MAX_POINTS, points)), found);
    return found;
  }

  private static void add(String feature, List<byte[]> found) {
    found.add(feature.getBytes(StandardCharsets.UTF_8));
  }

  private static String word(WordContext context, int offset) {
    int index = context.place + offset;
    return index < 0 ? "<" : index >= context.keys.size() ? ">" : context.keys.get(index);
  }

  private static String tagged(String word, Tags tags) {
    return "<>".contains(word) ? word : tags.of(word);
  }

  private static void ending(int offset, String word, List<byte[]> found) {
    if (CodePoints.count(word) >= 5) {
      add("e" + offset + "=" + CodePoints.last(word, 3), found);
    }
  }

  private static void capitals(WordContext context, List<byte[]> found) {
    for (int offset = -1; offset <= 1; offset++) {
      String text = context.written(offset);
      if (!text.isEmpty() && Characters.isUpper(text.codePointAt(0))) {
        boolean first = offset == 0 && context.place == 0;
        add((first ? "c0,first" : "c" + offset) + "=A", found);
        if (CodePoints.count(text) >= 2 && Case.isUpper(text)) {
          add("c" + offset + "=AA", found);
        }
      }
    }
  }

  private static Set<String> around(WordContext context) {
    Set<String> words = new TreeSet<>(BY_CODE_POINT);
    int end = Math.min(context.keys.size(), context.place + 1 + WINDOW);
    for (int i = Math.max(0, context.place - WINDOW); i < end; i++) {
      if (CodePoints.count(context.keys.get(i)) >= 4) {
        words.add(context.keys.get(i));
      }
    }
    words.remove(context.word());
    return words;
  }
}
