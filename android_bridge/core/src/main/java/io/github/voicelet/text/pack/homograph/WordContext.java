package io.github.voicelet.text.pack.homograph;

import java.util.List;
import java.util.Set;

/** A word among the words of its clause. */
final class WordContext {
  /** What {@code skip-1} passes over: words, and words of so many letters with one of the endings. */
  static final class Skipped {
    private final Set<String> words;
    private final String[] endings;
    private final int letters;

    Skipped(Set<String> words, String[] endings, int letters) {
      this.words = words;
      this.endings = endings;
      this.letters = letters;
    }

    boolean has(String word) {
      return words.contains(word)
          || (word.codePointCount(0, word.length()) >= letters && endsWith(word, endings));
    }
  }

  /** The clause's words as the lexicon knows them, in lower case. */
  final List<String> keys;

  /** Which of them. */
  final int place;

  /** The same words as they were written. */
  final List<String> texts;

  /** Points that were counted so far. */
  int score;

  private final Skipped skipped;
  private int stop = Integer.MIN_VALUE;

  WordContext(List<String> keys, int place, List<String> texts, Skipped skipped) {
    this.keys = keys;
    this.place = place;
    this.texts = texts;
    this.skipped = skipped;
  }

  static boolean endsWith(String word, String[] endings) {
    for (String ending : endings) {
      if (word.endsWith(ending)) {
        return true;
      }
    }
    return false;
  }

  /** The word of this place. */
  String word() {
    return keys.get(place);
  }

  /** The word so many places away; "" beyond the clause. */
  String at(int offset) {
    return of(keys, offset);
  }

  /** The word so many places away as it was written; "" beyond the clause. */
  String written(int offset) {
    return of(texts, offset);
  }

  private String of(List<String> words, int offset) {
    int index = place + offset;
    return index >= 0 && index < words.size() ? words.get(index) : "";
  }

  /** The word before, adverbs skipped (1), or the one just before that (2); "" for none. */
  String pastAdverbs(int number) {
    if (stop == Integer.MIN_VALUE) {
      stop = place - 1;
      while (stop >= 0 && skipped.has(keys.get(stop))) {
        stop--;
      }
    }
    int index = stop + 1 - number;
    return stop >= 0 && index >= 0 ? keys.get(index) : "";
  }
}
