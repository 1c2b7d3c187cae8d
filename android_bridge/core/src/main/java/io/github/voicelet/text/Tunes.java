package io.github.voicelet.text;

import io.github.voicelet.text.pronunciation.Stresses;
import io.github.voicelet.text.unicode.Case;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Sentence intonation by rule: questions rise, choices and lists fall, exclamations are louder.
 *
 * <p>The voice learnt its melody from read prose, which holds few questions. So where a melody carries meaning, it is set by rules
 * that grammars of spoken English agree on (Pierrehumbert &amp; Hirschberg 1990; Wells 2006). One finds the tones of one text's
 * clauses, given in order; it remembers how a sentence began.
 */
final class Tunes {
  private static final String STRONG = ".?!…";
  private static final String BREAKS = ",;:()";

  /** A stretch between commas is an item of a list if it has no more words than this. */
  private static final int LIST_ITEM_WORDS = 4;

  private final Melody melody;

  /** Whether the sentence began with a wh-word; null before its first clause. */
  private Boolean isWhQuestion;

  /** And with that word alone ("Why, then, did you go?"). */
  private boolean isAlone;

  /** Stretches of a list that the sentence's clauses before this one held. */
  private int items;

  /** For a text of a language. */
  Tunes(Melody melody) {
    this.melody = melody;
  }

  /** The clause with its tones; {@code spoken} is what the phonemizer made of it. */
  PhoneClause of(Clause clause, PhoneClause spoken) {
    List<List<Word>> phrases = phrases(clause, spoken);
    if (spoken.phones.isEmpty() || phrases.isEmpty()) {
      return spoken;
    }
    if (isWhQuestion == null) {
      isWhQuestion = melody.questionWords.contains(firstWord(phrases.get(0)));
      int own = 0;
      for (Word word : phrases.get(0)) {
        own += melody.openers.contains(Case.lower(word.text)) ? 0 : 1;
      }
      isAlone = own == 1;
    }
    String closing = closing(clause);
    List<Tone> tones = Collections.emptyList();
    if (closing.equals("?")) {
      tones = question(phrases, spoken);
    } else if (isList(phrases, items)) {
      tones = listTones(phrases, spoken, closing);
    } else if (closing.isEmpty() && endsAtComma(clause) && areItems(phrases.subList(1, phrases.size()))) {
      tones = risingTones(phrases, spoken);
      items += phrases.size();
    }
    if (clause.sentenceEnd || !closing.isEmpty()) {
      isWhQuestion = null;
      items = 0;
    }
    return spoken.with(tones, closing.equals("!"));
  }

  private List<Tone> question(List<List<Word>> phrases, PhoneClause spoken) {
    List<Word> last = phrases.get(phrases.size() - 1);
    String first = firstWord(last);
    boolean wh =
        melody.questionWords.contains(first) || (isWhQuestion && (isAlone || !melody.asking.contains(first)));
    int choice = choice(last);
    List<Tone> tones = new ArrayList<>();
    if (choice > 0 && !wh) {
      int before = count(phrases) - last.size() + choice;
      add(tones, Tone.Turn.GO_ON, spoken, 0, before);
      add(tones, Tone.Turn.FALL, spoken, before, spoken.words.size());
    } else if (phrases.size() > 2 && !wh && isList(phrases, 0)) {
      return listTones(phrases, spoken, "?");
    } else if (!wh) {
      add(tones, Tone.Turn.RISE, spoken, 0, spoken.words.size());
    }
    return tones;
  }

  /** The strong mark that ends the clause, or "". */
  private static String closing(Clause clause) {
    for (int i = clause.tokens.size() - 1; i >= 0 && clause.tokens.get(i) instanceof Mark; i--) {
      if (STRONG.contains(clause.tokens.get(i).text())) {
        return clause.tokens.get(i).text();
      }
    }
    return "";
  }

  /** The words between the breaks, in step with those of {@code spoken}; no phrase is empty. */
  private static List<List<Word>> phrases(Clause clause, PhoneClause spoken) {
    List<List<Word>> phrases = new ArrayList<>();
    List<Word> phrase = new ArrayList<>();
    int index = 0;
    for (Token token : clause.tokens) {
      if (token instanceof Mark) {
        if (BREAKS.contains(token.text()) && !phrase.isEmpty()) {
          phrases.add(phrase);
          phrase = new ArrayList<>();
        }
      } else if (index < spoken.words.size() && spoken.words.get(index).isOf((Word) token)) {
        phrase.add((Word) token); // a word without phones isn't there
        index++;
      }
    }
    if (!phrase.isEmpty()) {
      phrases.add(phrase);
    }
    return phrases;
  }

  /** What a phrase begins with, past "and", "oh", "in" and the like; "what" for "what's". */
  private String firstWord(List<Word> phrase) {
    String first = null;
    for (int i = 0; i < phrase.size() && first == null; i++) {
      String word = plain(phrase.get(i));
      first = melody.openers.contains(word) ? null : word;
    }
    if (first == null) {
      first = plain(phrase.get(phrase.size() - 1));
    }
    int apostrophe = first.indexOf('\'');
    String stem = apostrophe < 0 ? first : first.substring(0, apostrophe);
    return melody.questionWords.contains(stem) ? stem : first;
  }

  private static String plain(Word word) {
    return Case.lower(word.text).replace('’', '\'');
  }

  /** How many words stand before the "or" of a choice; 0 if there is none. */
  private int choice(List<Word> words) {
    for (int place = words.size() - 2; place > 0; place--) {
      if (Case.lower(words.get(place).text).equals(melody.choice)
          && !melody.noChoice.contains(Case.lower(words.get(place + 1).text))) {
        return place;
      }
    }
    return 0;
  }

  private static boolean endsAtComma(Clause clause) {
    Token last = clause.tokens.get(clause.tokens.size() - 1);
    return last instanceof Mark && last.text().equals(",");
  }

  /** Whether all are short, and none is set off by "after", "with", "but". */
  private boolean areItems(List<List<Word>> phrases) {
    for (List<Word> phrase : phrases) {
      if (phrase.size() > LIST_ITEM_WORDS || melody.openers.contains(Case.lower(phrase.get(0).text))) {
        return false;
      }
    }
    return !phrases.isEmpty();
  }

  /** Whether it says "pears, plums, and figs", or "pears, plums and figs", of which an earlier clause may have said some. */
  private boolean isList(List<List<Word>> phrases, int before) {
    if (phrases.size() < (before > 0 ? 1 : 2)) {
      return false;
    }
    int joined = coordinator(phrases.get(phrases.size() - 1));
    for (int i = 1; i < phrases.size() - 1; i++) {
      if (phrases.get(i).size() > LIST_ITEM_WORDS) {
        return false;
      }
    }
    int size = phrases.get(phrases.size() - 1).size();
    boolean several = phrases.size() + before > 2;
    if (joined <= 0) { // a comma before "and": two items at least stand before it
      return joined == 0 && several && size <= LIST_ITEM_WORDS + 2;
    }
    int limit = several ? LIST_ITEM_WORDS : LIST_ITEM_WORDS - 2;
    return joined <= limit && size - joined <= limit + 1;
  }

  /** The place of the first "and" or "or"; -1 for none. */
  private int coordinator(List<Word> phrase) {
    for (int i = 0; i < phrase.size(); i++) {
      if (melody.coordinators.contains(Case.lower(phrase.get(i).text))) {
        return i;
      }
    }
    return -1;
  }

  private static int count(List<List<Word>> phrases) {
    int count = 0;
    for (List<Word> phrase : phrases) {
      count += phrase.size();
    }
    return count;
  }

  /** A rise at the end of every phrase. */
  private static List<Tone> risingTones(List<List<Word>> phrases, PhoneClause spoken) {
    List<Tone> tones = new ArrayList<>();
    int begin = 0;
    for (List<Word> phrase : phrases) {
      add(tones, Tone.Turn.GO_ON, spoken, begin, begin + phrase.size());
      begin += phrase.size();
    }
    return tones;
  }

  /** A rise at the end of every item, a fall at the end of the last. */
  private List<Tone> listTones(List<List<Word>> phrases, PhoneClause spoken, String closing) {
    List<Word> last = phrases.get(phrases.size() - 1);
    List<List<Word>> before = new ArrayList<>(phrases.subList(0, phrases.size() - 1));
    int joined = coordinator(last);
    if (joined > 0) { // "plums and figs": the last phrase holds two items
      before.add(last.subList(0, joined));
    }
    List<Tone> tones = risingTones(before, spoken);
    if (!closing.isEmpty()) {
      add(tones, Tone.Turn.FALL, spoken, count(before), spoken.words.size());
    }
    return tones;
  }

  /** Add a tone over some words, from their last stress mark on. */
  private static void add(List<Tone> tones, Tone.Turn turn, PhoneClause spoken, int begin, int end) {
    if (begin >= Math.min(end, spoken.words.size())) {
      return;
    }
    int first = spoken.words.get(begin).phoneStart;
    int stop = spoken.words.get(Math.min(end, spoken.words.size()) - 1).phoneEnd;
    while (stop > first && PhoneInventory.PUNCTUATION.indexOf(spoken.phones.charAt(stop - 1)) >= 0) {
      stop--;
    }
    int start = nucleus(spoken.phones, first, stop);
    if (start < stop) {
      tones.add(new Tone(turn, start, stop));
    }
  }

  /** Where the last primary stress is, else the last secondary one, else the last vowel. */
  private static int nucleus(String phones, int first, int stop) {
    for (char mark : new char[] {'ˈ', 'ˌ'}) {
      int place = stop > 0 ? phones.lastIndexOf(mark, stop - 1) : -1;
      if (place >= first) {
        return place;
      }
    }
    for (int place = stop - 1; place >= first; place--) {
      if (Stresses.VOWELS.indexOf(phones.charAt(place)) >= 0) {
        return place;
      }
    }
    return first;
  }
}
