package io.github.voicelet.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Words of other languages within a clause: each stretch of them gets its phones from its own.
 *
 * <p>A clause that is wholly in another language is spoken by that language's phonemizer. In a clause of several, a foreign stretch
 * is spoken by itself and its phones then stand in the clause as if the caller had given them, so that the phrase rules of neither
 * language change the other's words.
 */
final class Foreign {
  /** Finds phonemizers. */
  interface Phonemizers {
    /** That of a word's language; "" for that of the text. */
    Phonemizer of(String tag);
  }

  private Foreign() {}

  /** The language that most words of a clause are in; "" for that of the text. */
  static String language(Clause clause) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    for (Token token : clause.tokens) {
      if (token instanceof Word) {
        String tag = ((Word) token).language;
        counts.put(tag, counts.containsKey(tag) ? counts.get(tag) + 1 : 1);
      }
    }
    String best = "";
    int most = 0;
    for (Map.Entry<String, Integer> count : counts.entrySet()) {
      boolean isOwn = count.getKey().isEmpty();
      if (count.getValue() > most || (count.getValue() == most && isOwn)) {
        best = count.getKey();
        most = count.getValue();
      }
    }
    return best;
  }

  /** The phones of a clause, every word's by the phonemizer of its language. */
  static PhoneClause phonemize(Clause clause, Phonemizers phonemizers) {
    String only = null;
    boolean areSeveral = false;
    for (Token token : clause.tokens) {
      if (token instanceof Word) {
        String tag = ((Word) token).language;
        areSeveral |= only != null && !only.equals(tag);
        only = tag;
      }
    }
    if (!areSeveral) {
      return phonemizers.of(only == null ? "" : only).phonemize(clause);
    }
    List<Token> tokens = new ArrayList<>();
    for (List<Token> stretch : stretches(clause.tokens)) {
      String tag = stretch.get(0) instanceof Word ? ((Word) stretch.get(0)).language : "";
      tokens.addAll(tag.isEmpty() ? stretch : spoken(stretch, phonemizers.of(tag)));
    }
    return phonemizers.of("").phonemize(clause.with(tokens));
  }

  /** Runs of words of one language with the marks between them; other marks by themselves. */
  private static List<List<Token>> stretches(List<Token> tokens) {
    List<List<Token>> stretches = new ArrayList<>();
    List<Token> run = new ArrayList<>();
    List<Token> marks = new ArrayList<>();
    for (Token token : tokens) {
      if (token instanceof Mark) {
        marks.add(token);
        continue;
      }
      if (!run.isEmpty() && ((Word) run.get(0)).language.equals(((Word) token).language)) {
        run.addAll(marks);
        run.add(token);
      } else {
        end(run, marks, stretches);
        run = new ArrayList<>();
        run.add(token);
      }
      marks = new ArrayList<>();
    }
    end(run, marks, stretches);
    return stretches;
  }

  private static void end(List<Token> run, List<Token> marks, List<List<Token>> stretches) {
    if (!run.isEmpty()) {
      stretches.add(run);
    }
    for (Token mark : marks) {
      stretches.add(Collections.singletonList(mark));
    }
  }

  /** The stretch with the phones of its words given. */
  private static List<Token> spoken(List<Token> stretch, Phonemizer phonemizer) {
    PhoneClause spoken = phonemizer.phonemize(Clause.of(stretch));
    List<Token> tokens = new ArrayList<>();
    int next = 0;
    int end = -1;
    for (Token token : stretch) {
      if (!(token instanceof Word)) {
        tokens.add(token);
        continue;
      }
      String phones = "";
      boolean joined = false;
      if (next < spoken.words.size() && spoken.words.get(next).isOf((Word) token)) {
        SpokenWord word = spoken.words.get(next++);
        phones = spoken.phones.substring(word.phoneStart, word.phoneEnd);
        joined = word.phoneStart == end;
        end = word.phoneEnd;
      }
      tokens.add(((Word) token).copy().phones(phones).joined(joined).build());
    }
    return tokens;
  }
}
