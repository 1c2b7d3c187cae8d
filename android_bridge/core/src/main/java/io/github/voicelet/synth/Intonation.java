package io.github.voicelet.synth;

import io.github.voicelet.text.Accent;
import io.github.voicelet.text.PhoneClause;
import io.github.voicelet.text.Tone;
import java.util.List;

/**
 * Tones, accents and exclamations, laid over the melody that the acoustic model predicts.
 *
 * <p>The sizes are those of neutral read English: a yes-no question ends some six semitones above the speaker's mean, an item of
 * a list about two above (Wells 2006; 't Hart, Collier and Cohen 1990, ch. 4).
 */
final class Intonation {
  private static final double CAPITAL_SEMITONES = 4.0;
  private static final int LAST_PHONE_FRAMES = 5;
  private static final double EXCLAIMED_ENERGY = 1.26; // 2 dB
  private static final double EXCLAIMED_SEMITONES = 0.8;
  private static final double EXCLAIMED_RANGE = 1.25;
  private static final double ASIDE_ENERGY = 0.8;
  private static final double ASIDE_SEMITONES = -1.5;
  private static final double ASIDE_SPEED = 1.06;
  // A stress mark's label holds most of its vowel.
  private static final String VOICED = Phones.VOWELS + Phones.STRESS + "jlmnwŋɹ";

  private Intonation() {}

  /** What the accents of a clause change, phone by phone, pads included. */
  static final class Accented {
    final float[] semitones;
    final float[] louderDb;
    /** Added to the natural log of the duration. */
    final float[] logDuration;

    Accented(int count) {
      semitones = new float[count];
      louderDb = new float[count];
      logDuration = new float[count];
    }
  }

  /**
   * How emphasized words stand out: a stressed word of read English lies some two to four semitones above its neighbours, is
   * louder by some decibels and longer by a quarter (Ladd 2008, "Intonational Phonology", 2.2).
   *
   * @param count of the clause's phones, pads included.
   */
  static Accented accented(List<Accent> accents, int count) {
    Accented changes = new Accented(count);
    for (Accent accent : accents) {
      double semitones = 0;
      double louderDb = 0;
      double longer = 1;
      switch (accent.level) {
        case REDUCED:
          semitones = -2.0;
          louderDb = -3.0;
          longer = 0.85;
          break;
        case MODERATE:
          semitones = 2.5;
          louderDb = 3.0;
          longer = 1.15;
          break;
        case STRONG:
          semitones = 4.5;
          louderDb = 5.0;
          longer = 1.35;
          break;
        default:
      }
      int last = Math.min(accent.end + 1, count - 1);
      for (int i = accent.start + 1; i < last; i++) {
        changes.semitones[i] = (float) semitones;
        changes.louderDb[i] = (float) louderDb;
        changes.logDuration[i] = (float) Math.log(longer);
      }
    }
    return changes;
  }

  /**
   * The caller's controls for one clause: with its SSML prosody, and exclaimed if it is.
   *
   * <p>What stands in parentheses is said lower, softer and a little faster (Wells 2006, 4.3).
   */
  static Controls ofClause(Controls controls, PhoneClause clause) {
    Controls requested =
        controls.times(clause.prosody.speed, clause.prosody.pitchSemitones, clause.prosody.energy);
    if (clause.aside) {
      requested = requested.times(ASIDE_SPEED, ASIDE_SEMITONES * requested.pitchRange, ASIDE_ENERGY);
    }
    if (!clause.exclaimed) {
      return requested;
    }
    double wider = Math.min(requested.pitchRange * EXCLAIMED_RANGE, Math.max(3.0, requested.pitchRange));
    return requested
        .times(1.0, EXCLAIMED_SEMITONES * requested.pitchRange, EXCLAIMED_ENERGY)
        .withPitchRange(wider);
  }

  /**
   * Bend the melody of a clause to its tones, in place.
   *
   * <p>A tone begins at the pitch that is there already, if that is on the right side of the contour, so that nothing jumps.
   * Rises are kept voiced and made a little louder, for some voices creak or fade at the end of a sentence.
   *
   * @param pitch [frames], about the speaker's mean, in the model's units.
   * @param energy [frames], in the model's units.
   * @param phones of the clause, without pads.
   * @param ends frames until the end of each phone, pads included.
   * @param semitone in the model's units.
   * @param decibel in the model's units.
   * @param pitchRange how wide the speaker is to be; scales every contour.
   * @param labelDelayFrames by how much {@code ends} lies behind what is heard.
   * @return frames that are voiced; null without tones.
   */
  static boolean[] turn(
      float[] pitch, float[] energy, String phones, int[] ends, List<Tone> tones, double semitone, double decibel,
      double pitchRange, double labelDelayFrames) {
    if (tones.isEmpty()) {
      return null;
    }
    boolean[] voiced = new boolean[pitch.length];
    int delay = (int) Math.rint(labelDelayFrames);
    int lastPhoneFrames = delay != 0 ? LAST_PHONE_FRAMES : pitch.length;
    for (Tone tone : tones) {
      if (tone.end + 1 >= ends.length) {
        continue; // of another clause
      }
      int first = start(ends, tone.start + 1, delay);
      int stop =
          Math.min(
              Math.min(start(ends, tone.end, delay) + lastPhoneFrames, ends[tone.end] - delay), pitch.length);
      if (tone.turn == Tone.Turn.CAPITAL) {
        float higher = (float) (CAPITAL_SEMITONES * semitone);
        for (int i = first; i < ends[tone.end]; i++) {
          pitch[i] += higher;
        }
        continue;
      }
      if (stop - first < 2) {
        continue;
      }
      double begin = beginOf(tone.turn);
      double end = endOf(tone.turn);
      boolean rises = end > begin;
      double from = begin * semitone * pitchRange;
      from = rises ? Math.min(pitch[first], from) : Math.max(pitch[first], from);
      double to = end * semitone * pitchRange;
      double bend = tone.turn == Tone.Turn.FALL ? 0.0 : 0.1; // share of the stretch that passes before it turns
      int count = stop - first;
      for (int i = 0; i < count; i++) {
        double ramp = Math.max(0.0, (double) i / (count - 1) - bend) / (1.0 - bend);
        pitch[first + i] = (float) (from + (to - from) * ramp * ramp * (3.0 - 2.0 * ramp));
      }
      // The silent end of its last phone's label, and the mark behind it.
      for (int i = stop; i < ends[tone.end + 1]; i++) {
        pitch[i] = (float) to;
      }
      float louder = (float) ((tone.turn == Tone.Turn.RISE ? 4.0 : 0.0) * decibel);
      for (int i = first; i < stop; i++) {
        energy[i] += louder;
      }
      if (rises) {
        for (int place = tone.start; place < tone.end; place++) {
          if (VOICED.indexOf(phones.charAt(place)) >= 0) {
            int last = Math.min(ends[place + 1] - delay, stop);
            for (int i = start(ends, place + 1, delay); i < last; i++) {
              voiced[i] = true;
            }
          }
        }
      }
    }
    return voiced;
  }

  /** The first frame of a phone as it is heard. */
  private static int start(int[] ends, int phone, int delay) {
    return phone == 0 ? 0 : Math.max(ends[phone - 1] - delay, 0);
  }

  /** Semitones about the mean where a turn begins at the highest (a rise) or at the lowest (a fall). */
  private static double beginOf(Tone.Turn turn) {
    return turn == Tone.Turn.RISE ? 0.0 : 0.5;
  }

  private static double endOf(Tone.Turn turn) {
    switch (turn) {
      case RISE:
        return 6.5;
      case GO_ON:
        return 2.0;
      default:
        return -5.0;
    }
  }
}
