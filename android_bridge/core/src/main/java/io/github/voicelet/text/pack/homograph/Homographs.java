package io.github.voicelet.text.pack.homograph;

import io.github.voicelet.PackException;
import io.github.voicelet.text.pack.homograph.HomographData.Entry;
import io.github.voicelet.text.pack.homograph.HomographData.Line;
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
import java.util.concurrent.ConcurrentHashMap;

/**
 * Homographs as data: which sense of a word the lexicon is asked for.
 *
 * <p>In this order of authority: the decision list of a word; points for parts of speech, whose sign says which
 * senses; a linear model over the words around, which overrules the rules only where it prefers another reading by so
 * many points. Threads may share one.
 */
public final class Homographs {
  private static final List<String> NOTHING = Collections.emptyList();

  private final HomographData data;
  private final String where;
  private final WordClasses classes;
  private final Map<String, WordContext.Skipped> skipped = new HashMap<>();
  private final WordContext.Skipped usualSkipped;
  private final Map<String, Cases> rules = new ConcurrentHashMap<>();
  private final Set<String> scored;
  private final Set<String> known;
  private final List<Cases> chains = new ArrayList<>();
  private final Cases above;
  private final Cases below;
  private final Cases groups;
  private final LinearModel model;
  private final Map<String, Set<String>> tags = new LinkedHashMap<>();

  /**
   * From the content of homographs.json.
   *
   * @param weights the file that its {@code model} names; null leaves the model out.
   * @param where the file, for messages.
   * @param check make the rules of all words now, so that what is wrong shows at once.
   * @throws PackException a key is unknown or missing, a rule isn't one, or the weights are damaged.
   */
  public Homographs(Map<String, Object> raw, byte[] weights, String where, boolean check) {
    this.where = where;
    this.data = new HomographData(raw, where);
    classes = new WordClasses(data.classes, where);
    String[] endings = Whitespace.words(data.adverbEndings).toArray(new String[0]);
    usualSkipped = new WordContext.Skipped(words(data.adverbs, "adverbs"), endings, data.adverbLetters);
    for (Map.Entry<String, Entry> word : data.words.entrySet()) {
      if (check) {
        rulesOf(word.getKey());
      }
      if (!word.getValue().adverbs.isEmpty()) {
        Set<String> own = words(word.getValue().adverbs, "words." + word.getKey());
        skipped.put(word.getKey(), new WordContext.Skipped(own, endings, data.adverbLetters));
      }
    }
    scored = words(data.scored, "part_of_speech.words");
    known = new HashSet<>(scored);
    known.addAll(data.words.keySet());
    for (List<Line> chain : data.chains) {
      chains.add(new Cases(chain, "part_of_speech"));
    }
    above = new Cases(data.above, "part_of_speech");
    below = new Cases(data.below, "part_of_speech");
    groups = new Cases(data.groups, "part_of_speech");
    model = data.weights != null && weights != null ? new LinearModel(weights) : null;
    for (String name : data.tagClasses) {
      tags.put(name, words("@" + name, "model.classes"));
    }
  }

  /** The name of the file of weights that a homographs.json asks for; null for none. */
  public static String weightsOf(Map<String, Object> raw) {
    Object model = raw.get("model");
    Object name = model instanceof Map ? ((Map<?, ?>) model).get("weights") : null;
    return name == null ? null : name.toString();
  }

  private Set<String> words(String text, String place) {
    return classes.words(text, where + ": " + place);
  }

  /** The lines of a list or chain, compiled. */
  private final class Cases {
    final List<Line> lines;
    final WordPredicates.Predicate[][] when;

    Cases(List<Line> lines, String place) {
      this.lines = lines;
      when = new WordPredicates.Predicate[lines.size()][];
      for (int i = 0; i < when.length; i++) {
        when[i] = WordPredicates.allOf(lines.get(i).when, classes, where + ": " + place);
      }
    }

    /** The first line that holds; null for none. */
    Line first(WordContext context) {
      for (int i = 0; i < when.length; i++) {
        boolean holds = true;
        for (int j = 0; j < when[i].length && holds; j++) {
          holds = when[i][j].holds(context);
        }
        if (holds) {
          return lines.get(i);
        }
      }
      return null;
    }

    List<String> senses(WordContext context) {
      Line line = first(context);
      return line == null ? NOTHING : line.senses;
    }
  }

  /** What the rules say, before the model is asked. */
  private static final class Choice {
    final List<String> senses;
    final int points;
    final boolean byList;

    Choice(List<String> senses, int points, boolean byList) {
      this.senses = senses;
      this.points = points;
      this.byList = byList;
    }

    /** Which of the model's senses the rules chose; "" for none of them. */
    String knownSense(Entry entry) {
      for (String sense : senses) {
        if (entry.senses.contains(sense)) {
          return sense;
        }
      }
      return "";
    }
  }

  /**
   * Senses of a word to ask the lexicon for, in turn; none for its usual one.
   *
   * @param keys the clause's words in lower case.
   * @param place which of them.
   * @param texts the same words as they were written, for capitals.
   */
  public List<String> senses(List<String> keys, int place, List<String> texts) {
    String word = keys.get(place);
    if (!known.contains(word)) {
      return NOTHING;
    }
    WordContext.Skipped own = skipped.get(word);
    WordContext context = new WordContext(keys, place, texts, own == null ? usualSkipped : own);
    Choice choice = choose(context);
    Entry entry = model == null ? null : entry(context);
    return entry == null ? choice.senses : withModel(context, entry, choice);
  }

  /** What the model chooses from; null where it isn't asked. */
  private Entry entry(WordContext context) {
    Entry entry = data.words.get(context.word());
    if (entry != null && !entry.senses.isEmpty()) {
      return entry;
    }
    boolean hasRules = entry != null && !entry.rules.isEmpty();
    if (groups.lines.isEmpty() || !scored.contains(context.word()) || hasRules) {
      return null;
    }
    Line group = groups.first(context);
    List<String> lower = below.senses(context);
    List<String> upper = above.senses(context);
    if (group == null || lower.isEmpty() || upper.isEmpty()) {
      return null;
    }
    return Entry.ofPartOfSpeech(lower.get(0), upper.get(0), group.text);
  }

  private Choice choose(WordContext context) {
    int points = scored.contains(context.word()) ? points(context) : 0;
    Line line = rulesOf(context.word()).first(context);
    if (line != null && line.text != null) {
      return new Choice(Collections.singletonList(line.text), points, true);
    }
    List<String> senses = points == 0 ? NOTHING : (points > 0 ? above : below).senses(context);
    return new Choice(senses, points, false);
  }

  /** The decision list of a word, made at the first call. */
  private Cases rulesOf(String word) {
    Cases made = rules.get(word);
    if (made == null) {
      Entry entry = data.words.get(word);
      made = new Cases(entry == null ? Collections.<Line>emptyList() : entry.rules, "words." + word);
      rules.put(word, made);
    }
    return made;
  }

  private int points(WordContext context) {
    context.score = 0;
    for (Cases chain : chains) {
      Line line = chain.first(context);
      context.score += line == null ? 0 : line.points;
    }
    return context.score;
  }

  private List<String> withModel(WordContext context, Entry entry, Choice choice) {
    String byRules = choice.knownSense(entry);
    List<byte[]> features =
        Features.of(context, this::tag, context.pastAdverbs(1), byRules, choice.points);
    int[] scores = new int[entry.senses.size()]; // the first sense scores 0
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      scores[i] = model.score(context.word() + "|" + entry.senses.get(i), features);
      if (i == 1 && !entry.shared.isEmpty()) {
        scores[i] += model.score("|" + entry.shared, features);
      }
      best = scores[i] > scores[best] ? i : best;
    }
    if (entry.senses.get(best).equals(byRules)) {
      return choice.senses;
    }
    int second = Integer.MIN_VALUE;
    for (int i = 0; i < scores.length; i++) {
      second = i == best ? second : Math.max(second, scores[i]);
    }
    int margin = choice.byList ? data.overRules : byRules.isEmpty() ? data.alone : data.overPoints;
    if (scores[best] - second < margin) {
      return choice.senses;
    }
    List<String> senses = new ArrayList<>(Arrays.asList(entry.senses.get(best)));
    if (best == 0 && scored.contains(context.word())) { // the lexicon may name it otherwise: noun or adj
      senses.addAll(below.senses(context));
    }
    return senses;
  }

  /** The tag of a word: its class, its ending, or "*". */
  private String tag(String word) {
    for (Map.Entry<String, Set<String>> named : tags.entrySet()) {
      if (named.getValue().contains(word)) {
        return named.getKey();
      }
    }
    int length = word.codePointCount(0, word.length());
    for (String ending : data.tagEndings) {
      if (length >= ending.codePointCount(0, ending.length()) + 2 && word.endsWith(ending)) {
        return "*" + ending;
      }
    }
    return "*";
  }
}
