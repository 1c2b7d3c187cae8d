package io.github.voicelet.text.pronunciation;

import io.github.voicelet.text.pack.Settings;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What becomes of two sounds that meet. */
final class PhraseLink {
  private static final Set<String> SPANS = new HashSet<>(Arrays.asList("phrase", "word", "letters"));

  private final Set<String> spans;
  private final Set<String> word;
  private final Set<String> notWord;
  private final Set<String> nextWord;
  private final Set<String> notNextWord;
  private final Set<String> wordClass;
  private final Set<String> notWordClass;
  private final Set<String> nextClass;
  private final Set<String> notNextClass;
  private final List<String> ends;
  private final List<String> next;
  private final String say;
  private final String put;
  private final String add;
  private final String nextPut;
  private final boolean liaison;
  private final boolean join;

  PhraseLink(Settings data, WordLists lists) {
    List<String> at = WordLists.names(data, "at", SPANS);
    spans = at.isEmpty() ? SPANS : new HashSet<>(at);
    word = lists.maybe(data, "word");
    notWord = lists.maybe(data, "not_word");
    nextWord = lists.maybe(data, "next_word");
    notNextWord = lists.maybe(data, "not_next_word");
    wordClass = classes(data, "word_class");
    notWordClass = classes(data, "not_word_class");
    nextClass = classes(data, "next_class");
    notNextClass = classes(data, "not_next_class");
    ends = Whitespace.words(data.string("ends", ""));
    next = Whitespace.words(data.string("next", ""));
    say = data.string("say", "");
    put = data.stringOrNull("put");
    add = data.string("add", "");
    nextPut = data.stringOrNull("next_put");
    liaison = Boolean.TRUE.equals(data.flagOrNull("liaison"));
    join = Boolean.TRUE.equals(data.flagOrNull("join"));
    if ((put != null && (ends.isEmpty() || !say.isEmpty())) || (nextPut != null && next.isEmpty())) {
      throw data.error("a link's put needs ends and no say, and its next_put needs next");
    }
    data.close();
  }

  private static Set<String> classes(Settings data, String key) {
    String names = data.stringOrNull(key);
    return names == null ? null : new HashSet<>(Whitespace.words(names));
  }

  /** The two after they have met; null where this doesn't fit. */
  Linked apply(PhraseWord before, PhraseWord after, String span) {
    if (!spans.contains(span)
        || (liaison && before.latent.isEmpty())
        || !lists(word, notWord, before.key)
        || !lists(nextWord, notNextWord, after.key)
        || !shares(wordClass, notWordClass, before.classes)
        || !shares(nextClass, notNextClass, after.classes)) {
      return null;
    }
    int marks = Stresses.leadingMarks(after.phones);
    int ending = edge(before.phones, ends, true);
    int opening = edge(after.phones.substring(marks), next, false);
    if (ending < 0 || opening < 0) {
      return null;
    }
    String phones = before.phones;
    if (!say.isEmpty()) {
      phones = say;
    } else if (put != null) {
      phones = phones.substring(0, phones.length() - ending) + put;
    }
    phones += add + (liaison ? before.latent : "");
    String following = after.phones;
    if (nextPut != null) {
      following = following.substring(0, marks) + nextPut + following.substring(marks + opening);
    }
    return new Linked(phones, following, join);
  }

  private static boolean lists(Set<String> wanted, Set<String> unwanted, String key) {
    return (wanted == null || wanted.contains(key)) && (unwanted == null || !unwanted.contains(key));
  }

  private static boolean shares(Set<String> wanted, Set<String> unwanted, Set<String> classes) {
    return (wanted == null || !Collections.disjoint(wanted, classes)) && (unwanted == null || Collections.disjoint(unwanted, classes));
  }

  /** How many symbols of an edge one of the patterns matches, 0 where there are none; -1 for no match. */
  private static int edge(String phones, List<String> patterns, boolean last) {
    if (patterns.isEmpty()) {
      return 0;
    }
    for (String pattern : patterns) {
      if (pattern.equals("vowel") || pattern.equals("consonant")) {
        if (phones.isEmpty()) {
          continue;
        }
        boolean modified = last && Stresses.MODIFIERS.indexOf(phones.charAt(phones.length() - 1)) >= 0;
        int size = modified ? 2 : 1;
        char symbol = last ? phones.charAt(Math.max(0, phones.length() - size)) : phones.charAt(0);
        String kind = pattern.equals("vowel") ? Stresses.VOWELS : Stresses.CONSONANTS;
        if (kind.indexOf(symbol) >= 0) {
          return size;
        }
      } else if (last ? phones.endsWith(pattern) : phones.startsWith(pattern)) {
        return pattern.length();
      }
    }
    return -1;
  }
}
