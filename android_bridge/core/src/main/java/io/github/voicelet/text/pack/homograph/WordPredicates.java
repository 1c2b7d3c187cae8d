package io.github.voicelet.text.pack.homograph;

import io.github.voicelet.PackException;
import io.github.voicelet.text.pack.Nearest;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** What a homograph's rules may ask of the words around it; the manual lists the predicates. */
final class WordPredicates {
  private static final List<String> PLACES =
      Arrays.asList(
          "w-1", "w+1", "skip-1", "skip-2", "before", "after", "before-2", "clause", "word", "capital", "first",
          "last");

  /** Whether a predicate holds. */
  interface Predicate {
    boolean holds(WordContext context);
  }

  /** A word of the clause. */
  private interface One {
    String of(WordContext context);
  }

  /** Words of the clause, from the first to before the second place. */
  private interface Several {
    int[] of(WordContext context);
  }

  private WordPredicates() {}

  /**
   * The predicates of a {@code when}; each must hold.
   *
   * @throws PackException a line isn't a predicate.
   */
  static Predicate[] allOf(List<String> lines, WordClasses classes, String where) {
    Predicate[] predicates = new Predicate[lines.size()];
    for (int i = 0; i < predicates.length; i++) {
      predicates[i] = either(lines.get(i), classes, where);
    }
    return predicates;
  }

  private static Predicate either(String line, WordClasses classes, String where) {
    String[] parts = line.split("\\|", -1);
    Predicate[] options = new Predicate[parts.length];
    for (int i = 0; i < parts.length; i++) {
      options[i] = denied(Whitespace.strip(parts[i]), classes, where);
    }
    if (options.length == 1) {
      return options[0];
    }
    return context -> {
      for (Predicate option : options) {
        if (option.holds(context)) {
          return true;
        }
      }
      return false;
    };
  }

  private static Predicate denied(String line, WordClasses classes, String where) {
    String bare = line;
    boolean denied = false;
    while (bare.startsWith("not ")) {
      bare = Whitespace.strip(bare.substring(4));
      denied = !denied;
    }
    Predicate predicate = one(bare, classes, where);
    return denied ? context -> !predicate.holds(context) : predicate;
  }

  private static Predicate one(String line, WordClasses classes, String where) {
    int space = line.indexOf(' ');
    String name = space < 0 ? line : line.substring(0, space);
    String rest = space < 0 ? "" : line.substring(space + 1);
    if (rest.isEmpty()) {
      switch (name) {
        case "capital":
          return context -> isCapital(context.texts.get(context.place));
        case "first":
          return context -> context.place == 0;
        case "last":
          return context -> context.place == context.keys.size() - 1;
        default:
          break;
      }
    }
    if (name.equals("capital") && rest.matches("w[-+][1-9]")) {
      int offset = offset(rest);
      return context -> isCapital(context.written(offset));
    }
    if (name.equals("score") && rest.matches("-?[0-9]{1,4}")) {
      int points = Integer.parseInt(rest);
      return context -> context.score == points;
    }
    boolean ends = rest.startsWith("ends ");
    Set<String> words = classes.words(ends ? rest.substring(5) : rest, where);
    if (words.isEmpty() || (ends && words.contains(""))) {
      throw new PackException(
          where + ": '" + line + "' isn't a predicate; write a place and words, as in \"w-1 the a @owners\"");
    }
    return ends ? ending(name, words.toArray(new String[0]), where) : membership(name, words, where);
  }

  private static boolean isCapital(String word) {
    return !word.isEmpty() && Characters.isUpper(word.codePointAt(0));
  }

  private static int offset(String place) {
    int number = place.charAt(2) - '0';
    return place.charAt(1) == '-' ? -number : number;
  }

  private static Predicate membership(String name, Set<String> words, String where) {
    One single = single(name, where);
    if (single != null) {
      return context -> words.contains(single.of(context));
    }
    Several several = several(name, where);
    return context -> {
      int[] range = several.of(context);
      for (int i = Math.max(0, range[0]); i < Math.min(range[1], context.keys.size()); i++) {
        if (words.contains(context.keys.get(i))) {
          return true;
        }
      }
      return false;
    };
  }

  private static Predicate ending(String name, String[] endings, String where) {
    One single = single(name, where);
    if (single != null) {
      return context -> WordContext.endsWith(single.of(context), endings);
    }
    Several several = several(name, where);
    return context -> {
      int[] range = several.of(context);
      for (int i = Math.max(0, range[0]); i < Math.min(range[1], context.keys.size()); i++) {
        if (WordContext.endsWith(context.keys.get(i), endings)) {
          return true;
        }
      }
      return false;
    };
  }

  /** A place of one word; null where it isn't one. */
  private static One single(String name, String where) {
    if (name.matches("skip-[1-9]")) {
      int number = name.charAt(5) - '0';
      if (number > 2) {
        throw unknown(name, where);
      }
      return context -> context.pastAdverbs(number);
    }
    if (name.matches("w[-+][1-9]")) {
      int offset = offset(name);
      return context -> context.at(offset);
    }
    return null;
  }

  private static Several several(String name, String where) {
    switch (name) {
      case "clause":
        return context -> new int[] {0, context.keys.size()};
      case "word":
        return context -> new int[] {context.place, context.place + 1};
      case "before":
        return context -> new int[] {0, context.place};
      case "after":
        return context -> new int[] {context.place + 1, context.keys.size()};
      default:
        break;
    }
    if (name.matches("before-[1-9]")) {
      int count = name.charAt(7) - '0';
      return context -> new int[] {context.place - count, context.place};
    }
    if (name.matches("after-[1-9]")) {
      int count = name.charAt(6) - '0';
      return context -> new int[] {context.place + 1, context.place + 1 + count};
    }
    throw unknown(name, where);
  }

  private static PackException unknown(String name, String where) {
    return new PackException(
        where + ": '" + name + "' is no place a predicate may look at" + Nearest.didYouMean(name, PLACES));
  }
}
