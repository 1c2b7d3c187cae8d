package io.github.voicelet.synth;

/**
 * Where the sound of a clause begins and ends in its frames.
 *
 * <p>The model was trained on recordings with silence at both ends, so it makes some 0.2 s of it before a clause and 0.5 s
 * behind.  What is heard between two clauses is to be the pause that the text asks for, so the silence is cut by its level, down
 * to a few frames.
 */
final class ClauseEdges {
  private static final double SILENCE_DB = -26.0; // of the sum of a frame's bands
  private static final float SILENCE = (float) Math.exp(SILENCE_DB / 20.0 * Math.log(10.0));
  private static final int LEAD_FRAMES = 2;
  private static final int TAIL_FRAMES = 2;
  private static final int LAST_PHONE_FRAMES = 12;
  private static final int ONSET_FRAMES = 8;
  private static final int EARLY_FRAMES = 8;

  private final float[] mean;
  private final float[] deviation;
  private final int kept;
  private final int lead;
  private final int lastPhone;
  /** The frames from 0 on that have to be known to find the first that sounds. */
  final int head;
  /** The frame from which on they have to be known to find the last. */
  final int tail;

  /**
   * Look at a clause.
   *
   * @param phones without pads.
   * @param ends frames until the end of each phone, pads included.
   * @param mean of the mels, by band.
   * @param deviation of the mels, by band.
   */
  ClauseEdges(String phones, int[] ends, float[] mean, float[] deviation) {
    this.mean = mean;
    this.deviation = deviation;
    int total = ends[ends.length - 1];
    int firstSound = -1;
    int lastSound = -1;
    for (int i = 0; i < phones.length(); i++) {
      if (!Phones.isPunctuation(phones.charAt(i)) && !Phones.isStress(phones.charAt(i))) {
        firstSound = firstSound < 0 ? i : firstSound;
        lastSound = i;
      }
    }
    int first = firstSound >= 0 ? ends[firstSound] : total;
    int last = lastSound >= 0 ? ends[lastSound] : 0;
    // A clause that was cut between two words goes on in the next.
    boolean closed = !phones.isEmpty() && Phones.isPunctuation(phones.charAt(phones.length() - 1));
    kept = closed || phones.isEmpty() ? TAIL_FRAMES : 0;
    lead = ends[0];
    lastPhone = lastSound;
    head = Math.min(total, first + ONSET_FRAMES);
    tail = Math.min(total, Math.max(0, last - EARLY_FRAMES));
  }

  /** The first frame to be heard; the mels are known up to {@link #head}. */
  int first(float[] mel) {
    int onset = 0;
    while (onset < head && !sounds(mel, onset)) {
      onset++;
    }
    return Math.max(0, (onset < head ? onset : lead) - LEAD_FRAMES);
  }

  /** How many frames of {@code total} the clause has up to the last one to be heard; all mels are known. */
  int last(float[] mel, int total) {
    int end = total;
    while (end > tail && !sounds(mel, end - 1)) {
      end--;
    }
    return Math.min(end + kept, total);
  }

  /**
   * When each phone is over as it is heard, in frames, pads included.  Where labels are late, that of the last phone holds the
   * silence behind it as well.
   */
  double[] heard(int[] ends, double delayFrames) {
    double[] heard = new double[ends.length];
    for (int i = 0; i < ends.length; i++) {
      heard[i] = ends[i] - delayFrames;
    }
    if (delayFrames != 0 && lastPhone >= 0) {
      double over = heard[lastPhone] + LAST_PHONE_FRAMES;
      for (int i = lastPhone + 1; i < heard.length; i++) {
        heard[i] = Math.min(heard[i], over);
      }
    }
    return heard;
  }

  private boolean sounds(float[] mel, int frame) {
    int bands = mean.length;
    double level = 0;
    for (int i = 0; i < bands; i++) {
      level += Math.exp(mel[frame * bands + i] * deviation[i] + mean[i]);
    }
    return level > SILENCE;
  }
}
