package io.github.voicelet.text;

import io.github.voicelet.text.pronunciation.LetterToSound;
import io.github.voicelet.text.pronunciation.Lexicon;
import io.github.voicelet.text.pronunciation.Linked;
import io.github.voicelet.text.pronunciation.PhraseWord;
import io.github.voicelet.text.pronunciation.Phrases;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Clauses of words → clauses of phones: every word gets its phones, then the phrase rules of the language join, weaken and link them.
 * Threads may share one.
 */
final class Phonemizer {
  /** Marks that end a phrase; a quote alone doesn't. */
  private static final String PHRASE_MARKS = ".,?!;:…—()";

  final ReadLanguage language;
  private final Pronouncer words;

  /** As {@link Pronouncer}. */
  Phonemizer(ReadLanguage language, Lexicon lexicon, LetterToSound letters, PhoneInventory inventory) {
    this.language = language;
    words = new Pronouncer(language, lexicon, letters, inventory);
  }

  /** A word on its way through the phrase rules. */
  private static final class Member {
    final Word word;
    PhraseWord spoken;

    /** The phrase may not change the form: the caller gave it, or asked for its emphasis. */
    final boolean fixed;

    /** A quotation mark comes before it. */
    final boolean afterQuote;

    /** There is no space before it. */
    boolean joined;

    boolean grouped;

    Member(Word word, PhraseWord spoken, boolean afterQuote) {
      this.word = word;
      this.spoken = spoken;
      this.afterQuote = afterQuote;
      fixed = word.phones != null || word.spell || word.emphasis != Emphasis.NONE;
      joined = word.joined && !afterQuote;
    }

    void say(String phones) {
      spoken = spoken.with(phones);
    }
  }

  /** Whether the lexicons have a word (any case), or the stem of its regular ending. */
  boolean knows(String word) {
    return words.knows(word);
  }

  /**
   * Phones of one clause, and where each of its words lies in them.
   *
   * @throws io.github.voicelet.PhoneException phones that the caller gave hold a symbol the voice doesn't know.
   */
  PhoneClause phonemize(Clause clause) {
    List<Member> members = members(clause.tokens);
    List<Member> phrase = new ArrayList<>();
    for (int i = 0; i < members.size(); i++) {
      Token token = clause.tokens.get(i);
      if (members.get(i) != null) {
        phrase.add(members.get(i));
      } else if (token instanceof Mark && PHRASE_MARKS.contains(token.text())) {
        shape(phrase);
        phrase = new ArrayList<>();
      }
    }
    shape(phrase);
    return assembled(clause, members);
  }

  /** For every token its word with phones; null for marks and silent words. */
  private List<Member> members(List<Token> tokens) {
    List<String> keys = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    for (Token token : tokens) {
      if (token instanceof Word) {
        keys.add(words.key(token.text()));
        texts.add(token.text());
      }
    }
    List<Member> members = new ArrayList<>();
    int place = 0;
    boolean afterQuote = false;
    for (Token token : tokens) {
      Member member = null;
      if (token instanceof Word) {
        Word word = (Word) token;
        boolean asks = word.phones == null && !word.spell;
        List<String> senses =
            asks ? language.pronunciation.senses(keys, place, texts) : Collections.<String>emptyList();
        PhraseWord spoken = words.spoken(word, keys.get(place), senses);
        if (!spoken.phones.isEmpty()) {
          member = new Member(word, spoken, afterQuote);
          afterQuote = false;
        }
        place++;
      } else {
        afterQuote = true;
      }
      members.add(member);
    }
    return members;
  }

  /** Apply the phrase rules, in place: groups, then forms, then links. */
  private void shape(List<Member> phrase) {
    Phrases rules = language.pronunciation.phrases();
    group(phrase, rules);
    List<PhraseWord> spoken = new ArrayList<>();
    for (Member member : phrase) {
      spoken.add(member.spoken);
    }
    boolean stressedAfter = false;
    for (int place = phrase.size() - 1; place >= 0; place--) {
      Member member = phrase.get(place);
      if (!member.fixed && !member.grouped) {
        member.say(rules.inPhrase(spoken, place, stressedAfter));
      }
      stressedAfter |= member.spoken.phones.indexOf('ˈ') >= 0;
    }
    for (int place = 1; place < phrase.size(); place++) {
      Member member = phrase.get(place - 1);
      Member following = phrase.get(place);
      if (member.word.phones == null && !following.afterQuote) {
        Linked linked = rules.linked(member.spoken, following.spoken, "phrase");
        member.say(linked.before);
        if (following.word.phones == null) {
          following.say(linked.after);
        }
        following.joined |= linked.joined;
      }
    }
    rewrite(phrase, rules);
  }

  private static void group(List<Member> phrase, Phrases rules) {
    List<String> keys = new ArrayList<>();
    for (Member member : phrase) {
      keys.add(member.spoken.key);
    }
    int place = 0;
    while (place < phrase.size()) {
      int size = groupAt(phrase, keys, place, rules);
      if (size > 0) {
        List<Phrases.GroupPart> parts = rules.group(keys.subList(place, place + size));
        for (int i = 0; i < parts.size(); i++) {
          Member member = phrase.get(place + i);
          member.say(parts.get(i).phones);
          member.joined = parts.get(i).joined;
          member.grouped = true;
        }
      } else if (place > 0 && rules.isJoined(keys.get(place - 1), keys.get(place))) {
        phrase.get(place).joined = !phrase.get(place).afterQuote;
      }
      place += Math.max(size, 1);
    }
  }

  /** How many words from a place on are said as one group; 0 for none. */
  private static int groupAt(List<Member> phrase, List<String> keys, int place, Phrases rules) {
    for (int size = Math.min(rules.longestGroup(), phrase.size() - place); size > 1; size--) {
      boolean closes = place + size == phrase.size();
      if (closes && rules.isStrongAtEnd(keys.get(keys.size() - 1))) {
        continue; // "to be.": the last word stands alone, and strong
      }
      boolean fits = rules.group(keys.subList(place, place + size)) != null;
      for (int i = 0; i < size && fits; i++) {
        Member member = phrase.get(place + i);
        fits = !member.fixed && !(i > 0 && member.afterQuote);
      }
      if (fits) {
        return size;
      }
    }
    return 0;
  }

  /** Let the rules go over each stretch of words whose phones the caller didn't give. */
  private static void rewrite(List<Member> phrase, Phrases rules) {
    int start = 0;
    while (start < phrase.size()) {
      int end = start;
      List<String> phones = new ArrayList<>();
      while (end < phrase.size() && phrase.get(end).word.phones == null) {
        phones.add(phrase.get(end++).spoken.phones);
      }
      List<String> said = rules.rewritten(phones);
      for (int i = 0; i < phones.size(); i++) {
        phrase.get(start + i).say(said.get(i));
      }
      start = Math.max(end, start + 1);
    }
  }

  /** A space between words, marks on the word before, openers on the next. */
  private static PhoneClause assembled(Clause clause, List<Member> members) {
    StringBuilder phones = new StringBuilder();
    List<SpokenWord> words = new ArrayList<>();
    List<Accent> accents = new ArrayList<>();
    int[] starts = new int[members.size() + 1];
    boolean noSpace = true; // at the start and after an opening mark
    boolean quoted = false;
    for (int i = 0; i < members.size(); i++) {
      starts[i] = phones.length();
      Token token = clause.tokens.get(i);
      Member member = members.get(i);
      if (token instanceof Mark) {
        // A quote that began in an earlier clause closes at this one's end.
        boolean isQuote = token.text().equals("\"");
        boolean opening = token.text().equals("(") || (isQuote && !quoted && i < members.size() - 1);
        quoted ^= isQuote;
        if (opening) {
          phones.append(noSpace ? "" : " ").append(token.text());
          noSpace = true;
        } else if (phones.length() > 0) {
          phones.append(token.text());
          noSpace = false;
        }
      } else if (member != null) {
        phones.append(noSpace || member.joined ? "" : " ");
        Word word = member.word;
        int start = phones.length();
        starts[i] = start;
        phones.append(member.spoken.phones);
        words.add(new SpokenWord(word.text, word.spanStart, word.spanEnd, start, phones.length(), word.capital));
        if (word.emphasis != Emphasis.NONE) {
          accents.add(new Accent(word.emphasis, start, phones.length()));
        }
        noSpace = false;
      }
    }
    starts[members.size()] = phones.length();
    List<InnerMark> marks = new ArrayList<>();
    for (InnerMark mark : clause.innerMarks) {
      marks.add(new InnerMark(mark.name, starts[mark.at]));
    }
    return new PhoneClause(
        phones.toString(), words, clause.pauseAfterMs, clause.prosody, clause.marks, clause.sentenceEnd,
        Collections.<Tone>emptyList(), false, accents, marks, clause.aside, clause.pauseIsFixed);
  }
}
