package io.github.voicelet.synth;

import java.util.Arrays;

/**
 * When each moment of a clause is heard once it is compressed: pauses give way before sounds do.
 *
 * <p>Listeners follow compressed speech better where it is shortened as people shorten it who talk fast: silences most, then
 * long steady sounds, short sounds least (Covell, Withgott and Slaney 1998, "Mach1").  Here the voice itself says where its
 * phones lie.  Piecewise linear, from seconds as spoken to seconds as heard.
 */
final class TimeMap {
  private static final double SILENCE_SHARE = 0.05;
  private static final double USUAL_S = 0.05;
  private static final double LENGTH_EXPONENT = 0.6;
  private static final double SHORTEST_S = 0.0125;
  private static final double LAST_PHONE_S = 0.1;
  private static final double LEAST_S = 1e-4;

  private final double[] spokenS;
  private final double[] heardS;

  /**
   * Lay out a clause that is to be heard in less time, up to its last sound.
   *
   * @param phones without pads.
   * @param endsS when each ends, pads included.
   * @param lengthS of the clause.
   * @param factor how much less, above 1.
   */
  TimeMap(String phones, double[] endsS, double lengthS, double factor) {
    double[] places = new double[2 * endsS.length + 2];
    double[] shares = new double[places.length];
    int count = 0; // of shares; places has one more
    int last = 0;
    for (int i = 0; i < endsS.length; i++) {
      double start = places[count];
      double end = Math.min(endsS[i], lengthS);
      if (end - start < LEAST_S) {
        continue;
      }
      double soundEnd = isSilent(phones, i) ? start : end;
      if (isSilent(phones, Math.min(i + 1, phones.length() + 1))) {
        soundEnd = Math.min(soundEnd, start + LAST_PHONE_S);
      }
      if (soundEnd > start) {
        shares[count] = share(soundEnd - start);
        places[++count] = soundEnd;
        last = count;
      }
      if (end - soundEnd > LEAST_S) {
        shares[count] = SILENCE_SHARE;
        places[++count] = end;
      }
    }
    if (lengthS - places[count] > LEAST_S) {
      shares[count] = SILENCE_SHARE;
      places[++count] = lengthS;
    } else {
      places[count] = lengthS;
    }
    spokenS = Arrays.copyOf(places, count + 1);
    heardS = new double[count + 1];
    for (int i = 0; i < count; i++) {
      heardS[i + 1] = heardS[i] + (places[i + 1] - places[i]) * shares[i];
    }
    last = last == 0 ? count : last;
    double scale = spokenS[last] / factor / heardS[last];
    for (int i = 0; i <= count; i++) {
      heardS[i] *= scale;
    }
  }

  /** When what is spoken then is heard. */
  double heard(double spoken) {
    return interpolated(spoken, spokenS, heardS);
  }

  /** What is heard then was spoken when. */
  double spoken(double heard) {
    return interpolated(heard, heardS, spokenS);
  }

  private static double interpolated(double x, double[] from, double[] to) {
    int count = from.length;
    if (x <= from[0]) {
      return to[0];
    }
    if (x >= from[count - 1]) {
      return to[count - 1];
    }
    int low = 0;
    int high = count - 1;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (from[middle] <= x) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return to[low] + (to[high] - to[low]) / (from[high] - from[low]) * (x - from[low]);
  }

  /** Whether a phone is a pad or a mark, but not the space between two words. */
  private static boolean isSilent(String phones, int index) {
    if (index == 0 || index > phones.length()) {
      return true;
    }
    char symbol = phones.charAt(index - 1);
    return symbol == Phones.PAD || (symbol != ' ' && Phones.isPunctuation(symbol));
  }

  /** How much of its length a sound keeps, beside others. */
  private static double share(double lengthS) {
    return Math.pow(Math.max(lengthS, SHORTEST_S) / USUAL_S, LENGTH_EXPONENT - 1.0);
  }
}
