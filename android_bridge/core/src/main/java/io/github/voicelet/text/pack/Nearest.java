package io.github.voicelet.text.pack;

/** For messages: which of the known words was meant. */
public final class Nearest {
  private static final double CUTOFF = 0.6;
  private static final int MAX_CHARS = 60;

  private Nearest() {}

  /** {@code " (did you mean 'x'?)"} for the known word nearest to {@code word}, or "". */
  public static String didYouMean(String word, Iterable<String> known) {
    String best = "";
    double bestRatio = CUTOFF;
    if (word.length() <= MAX_CHARS) {
      for (String candidate : known) {
        double ratio = candidate.length() > MAX_CHARS ? 0 : ratio(word, candidate);
        if (ratio > bestRatio || (ratio == bestRatio && best.isEmpty())) {
          best = candidate;
          bestRatio = ratio;
        }
      }
    }
    return best.isEmpty() ? "" : " (did you mean '" + best + "'?)";
  }

  /** Twice the characters that both have in the same order, over all (Ratcliff and Obershelp). */
  private static double ratio(String a, String b) {
    int all = a.length() + b.length();
    return all == 0 ? 0 : 2.0 * matching(a, b) / all;
  }

  private static int matching(String a, String b) {
    int best = 0;
    int placeA = 0;
    int placeB = 0;
    for (int i = 0; i < a.length(); i++) {
      for (int j = 0; j < b.length(); j++) {
        int size = 0;
        while (i + size < a.length() && j + size < b.length() && a.charAt(i + size) == b.charAt(j + size)) {
          size++;
        }
        if (size > best) {
          best = size;
          placeA = i;
          placeB = j;
        }
      }
    }
    if (best == 0) {
      return 0;
    }
    return best
        + matching(a.substring(0, placeA), b.substring(0, placeB))
        + matching(a.substring(placeA + best), b.substring(placeB + best));
  }
}
