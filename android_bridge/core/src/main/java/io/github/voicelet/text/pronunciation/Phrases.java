package io.github.voicelet.text.pronunciation;

import io.github.voicelet.PackException;
import io.github.voicelet.text.pack.Settings;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How the words of a phrase join, weaken and link ({@code weak.json}). Safe to share between threads.
 *
 * <p>A phrase is a stretch of words without punctuation. Words that are said as one group take the group's phones;
 * every other word takes the form of its place; ends of words adapt to the words after them; then rewriting passes go
 * over the whole phrase.
 */
public final class Phrases {
  private final Map<List<String>, List<GroupPart>> clitics = new HashMap<>();
  private final Set<String> strongAtEnd;
  private final Map<String, Set<String>> joined = new HashMap<>();
  private final Map<String, List<WordForm>> forms = new HashMap<>();
  private final List<PhraseLink> links = new ArrayList<>();
  private final Map<String, Set<String>> classes = new HashMap<>();
  private final LetterRules passes;
  private int longestGroup;

  /** A word of a group: its phones, and whether it is joined to the one before. */
  public static final class GroupPart {
    public final String phones;
    public final boolean joined;

    GroupPart(String phones, boolean joined) {
      this.phones = phones;
      this.joined = joined;
    }
  }

  /**
   * @param data the object of {@code weak.json}, what is inherited merged into it; an empty one for a language
   *     without rules.
   * @param where its name for messages.
   * @param check whether the patterns of its passes are looked into at once; without, they are known to be right.
   * @throws PackException it is wrong.
   */
  public Phrases(Map<String, Object> data, String where, boolean check) {
    try (Settings all = new Settings(data, where)) {
      if (all.integer("format") != 1) {
        throw all.error("format " + all.integer("format") + ": this voicelet reads format 1; update voicelet");
      }
      WordLists lists = new WordLists(all.texts("sets"));
      for (Map.Entry<String, String> group : all.texts("clitics").entrySet()) {
        if (!group.getValue().isEmpty()) {
          List<String> words = Whitespace.words(group.getKey());
          clitics.put(words, parts(group.getValue()));
          longestGroup = Math.max(longestGroup, words.size());
        }
      }
      strongAtEnd = lists.of(all.string("strong_at_end", ""), all);
      for (Object pair : all.list("joined")) {
        join(all.listOf(pair, "joined"), lists, all);
      }
      for (Object form : all.list("forms")) {
        add(new WordForm(all.of(form, "forms"), lists));
      }
      for (Object link : all.list("links")) {
        links.add(new PhraseLink(all.of(link, "links"), lists));
      }
      for (Map.Entry<String, String> named : all.texts("classes").entrySet()) {
        for (String word : lists.of(named.getValue(), all)) {
          addAll(classes, word, Collections.singleton(named.getKey()));
        }
      }
      passes = all.list("passes").isEmpty() ? null : new LetterRules(rewriting(all), where, check);
      all.has("macros");
    }
  }

  /** What letters.json would hold for the passes over the whole phrase. */
  private static Map<String, Object> rewriting(Settings all) {
    Map<String, Object> rules = new LinkedHashMap<>();
    rules.put("format", 1L);
    rules.put("macros", all.objects("macros"));
    rules.put("passes", all.list("passes"));
    return rules;
  }

  private void join(List<?> pair, WordLists lists, Settings all) {
    if (pair.size() != 2 || !(pair.get(0) instanceof String) || !(pair.get(1) instanceof String)) {
      throw all.error("joined holds pairs of word lists");
    }
    Set<String> before = lists.of((String) pair.get(0), all);
    for (String word : lists.of((String) pair.get(1), all)) {
      addAll(joined, word, before);
    }
  }

  private void add(WordForm form) {
    for (String word : form.words) {
      List<WordForm> known = forms.get(word);
      if (known == null) {
        known = new ArrayList<>();
        forms.put(word, known);
      }
      known.add(form);
    }
  }

  private static void addAll(Map<String, Set<String>> sets, String key, Set<String> members) {
    Set<String> known = sets.get(key);
    if (known == null) {
      known = new HashSet<>();
      sets.put(key, known);
    }
    known.addAll(members);
  }

  private static List<GroupPart> parts(String phones) {
    List<GroupPart> parts = new ArrayList<>();
    for (String apart : Whitespace.words(phones)) {
      boolean first = true;
      for (String part : apart.split("\\|", -1)) {
        parts.add(new GroupPart(part, !first));
        first = false;
      }
    }
    return parts;
  }

  /** The phones of words that are said as one group; null where they aren't. */
  public List<GroupPart> group(List<String> words) {
    return clitics.get(words);
  }

  /** The most words of a group. */
  public int longestGroup() {
    return longestGroup;
  }

  /** Whether a group is no group where this word ends it and the phrase. */
  public boolean isStrongAtEnd(String word) {
    return strongAtEnd.contains(word);
  }

  /** The classes that {@code weak.json} gives a word. */
  public Set<String> classesOf(String word) {
    Set<String> found = classes.get(word);
    return found == null ? Collections.<String>emptySet() : Collections.unmodifiableSet(found);
  }

  /** Whether a word is said in one group with the word before it. */
  public boolean isJoined(String before, String word) {
    Set<String> found = joined.get(word);
    return found != null && found.contains(before);
  }

  /** The phones of a word at its place in the phrase; {@code stressedAfter}: a word with a primary stress follows. */
  public String inPhrase(List<PhraseWord> words, int place, boolean stressedAfter) {
    PhraseWord word = words.get(place);
    List<WordForm> known = forms.get(word.key);
    if (known != null) {
      for (WordForm form : known) {
        if (form.fits(words, place, stressedAfter)) {
          return form.change(word.phones);
        }
      }
    }
    return word.phones;
  }

  /** How two sounds that meet change each other; {@code span}: "phrase", "word" or "letters". */
  public Linked linked(PhraseWord before, PhraseWord after, String span) {
    for (PhraseLink link : links) {
      Linked changed = link.apply(before, after, span);
      if (changed != null) {
        return changed;
      }
    }
    return new Linked(before.phones, after.phones, false);
  }

  /** The words' phones after the passes over the whole phrase. */
  public List<String> rewritten(List<String> phones) {
    if (passes == null || phones.isEmpty()) {
      return phones;
    }
    StringBuilder line = new StringBuilder(phones.get(0));
    for (String word : phones.subList(1, phones.size())) {
      line.append(' ').append(word);
    }
    String[] said = passes.phones(line.toString()).split(" ", -1);
    return said.length == phones.size() ? Arrays.asList(said) : phones;
  }
}
