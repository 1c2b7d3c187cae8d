package io.github.voicelet.text;

import java.util.Collections;
import java.util.List;

/** A clause, ready for the acoustic model. */
public final class PhoneClause {
  /** Symbols of the inventory, one char each; empty where the clause is only a pause or marks. */
  public final String phones;
  /** Where each word lies in {@link #phones}, in order. */
  public final List<SpokenWord> words;
  /** Silence to add after it. */
  public final int pauseAfterMs;
  public final Prosody prosody;
  /** Names of the SSML marks reached just before it. */
  public final List<String> marks;
  /** Whether a sentence ends with it. */
  public final boolean sentenceEnd;
  /** Where the pitch turns, in order. */
  public final List<Tone> tones;
  /** Whether it belongs to an exclamation. */
  public final boolean exclaimed;
  /** Words that SSML emphasizes, in order. */
  public final List<Accent> accents;
  /** SSML marks reached later, in order. */
  public final List<InnerMark> innerMarks;
  /** Whether it stands in parentheses. */
  public final boolean aside;
  /** Whether SSML asked for the pause, which then doesn't change with the speed. */
  public final boolean pauseIsFixed;

  /** A clause of phones and nothing else. */
  public PhoneClause(String phones) {
    this(
        phones, Collections.emptyList(), 0, Prosody.PLAIN, Collections.emptyList(), false, Collections.emptyList(), false,
        Collections.emptyList(), Collections.emptyList(), false, false);
  }

  /** A clause. */
  public PhoneClause(
      String phones,
      List<SpokenWord> words,
      int pauseAfterMs,
      Prosody prosody,
      List<String> marks,
      boolean sentenceEnd,
      List<Tone> tones,
      boolean exclaimed,
      List<Accent> accents,
      List<InnerMark> innerMarks,
      boolean aside,
      boolean pauseIsFixed) {
    this.phones = phones;
    this.words = words;
    this.pauseAfterMs = pauseAfterMs;
    this.prosody = prosody;
    this.marks = marks;
    this.sentenceEnd = sentenceEnd;
    this.tones = tones;
    this.exclaimed = exclaimed;
    this.accents = accents;
    this.innerMarks = innerMarks;
    this.aside = aside;
    this.pauseIsFixed = pauseIsFixed;
  }

  /** The same clause with other tones. */
  PhoneClause with(List<Tone> otherTones, boolean isExclaimed) {
    return new PhoneClause(
        phones, words, pauseAfterMs, prosody, marks, sentenceEnd, otherTones, isExclaimed, accents, innerMarks, aside, pauseIsFixed);
  }
}
