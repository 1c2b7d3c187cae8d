package io.github.voicelet.synth;

import io.github.voicelet.text.Accent;
import io.github.voicelet.text.InnerMark;
import io.github.voicelet.text.PhoneClause;
import io.github.voicelet.text.SpokenWord;
import io.github.voicelet.text.Tone;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Cuts clauses that are longer than those of the training corpus. */
final class ClauseSplitter {
  static final int MAX_PHONES = 200;

  private ClauseSplitter() {}

  /**
   * Cut a clause at spaces into parts of at most 200 phones (in mid-word only if need be).
   *
   * <p>The marks go with the first part, pause and sentence end with the last; a word that is cut belongs to the part it begins in.
   */
  static List<PhoneClause> split(PhoneClause clause) {
    String phones = clause.phones;
    if (phones.length() <= MAX_PHONES) {
      return Collections.singletonList(clause);
    }
    List<PhoneClause> parts = new ArrayList<>();
    int start = 0;
    int word = 0;
    while (start < phones.length()) {
      int end = Math.min(phones.length(), start + MAX_PHONES);
      if (end < phones.length()) {
        int space = phones.lastIndexOf(' ', end - 1);
        end = space > start ? space + 1 : end;
      }
      List<SpokenWord> words = new ArrayList<>();
      while (word < clause.words.size() && clause.words.get(word).phoneStart < end) {
        SpokenWord w = clause.words.get(word++);
        words.add(
            new SpokenWord(
                w.text, w.spanStart, w.spanEnd, w.phoneStart - start, Math.min(w.phoneEnd, end) - start, w.capital));
      }
      parts.add(part(clause, start, end, words));
      start = end;
    }
    return parts;
  }

  private static PhoneClause part(PhoneClause clause, int start, int end, List<SpokenWord> words) {
    boolean last = end == clause.phones.length();
    List<Tone> tones = new ArrayList<>();
    for (Tone tone : clause.tones) {
      if (start <= tone.start && tone.end <= end) {
        tones.add(new Tone(tone.turn, tone.start - start, tone.end - start));
      }
    }
    List<Accent> accents = new ArrayList<>();
    for (Accent accent : clause.accents) {
      if (accent.start < end && accent.end > start) {
        accents.add(
            new Accent(accent.level, Math.max(accent.start, start) - start, Math.min(accent.end, end) - start));
      }
    }
    List<InnerMark> marks = new ArrayList<>();
    for (InnerMark mark : clause.innerMarks) {
      if ((start <= mark.at && mark.at < end) || (last && mark.at >= end)) {
        marks.add(new InnerMark(mark.name, mark.at - start));
      }
    }
    return new PhoneClause(
        clause.phones.substring(start, end),
        words,
        last ? clause.pauseAfterMs : 0,
        clause.prosody,
        start == 0 ? clause.marks : Collections.<String>emptyList(),
        clause.sentenceEnd && last,
        tones,
        clause.exclaimed,
        accents,
        marks,
        clause.aside,
        clause.pauseIsFixed);
  }
}
