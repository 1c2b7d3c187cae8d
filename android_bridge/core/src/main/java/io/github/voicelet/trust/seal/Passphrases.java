package io.github.voicelet.trust.seal;

import io.github.voicelet.ConfigException;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Normalizer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/** Which passphrases may be new ones: none of those that are tried first; one that is in use opens what it opens. */
public final class Passphrases {
  static final int LEAST_CHARACTERS = 8;

  private static final int LEAST_DIGITS = 14;
  private static final int LEAST_DISTINCT = 5;
  private static final int LEAST_UNPREDICTABLE = 6;
  private static final String[] ROWS = {
    "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "1234567890"
  };
  private static final String LEET = "@40315$7";
  private static final String LETTERS = "aaoelsst";
  private static final Set<String> COMMON =
      new HashSet<>(
          Arrays.asList(
              ("password passwort passphrase motdepasse contrasena letmein welcome iloveyou loveyou admin administrator"
                      + " monkey dragon football baseball basketball soccer sunshine princess master shadow superman batman"
                      + " spiderman michael jennifer jessica charlie ashley nicole daniel computer internet samsung google"
                      + " facebook whatever trustno secret changeme default starwars pokemon freedom hello helloworld flower"
                      + " lovely summer winter spring autumn mustang harley cheese chocolate butterfly liverpool chelsea"
                      + " arsenal barcelona blahblah testing test login guest root toor access killer hunter ranger jordan"
                      + " pepper ginger cookie purple orange voicelet voice myvoice profile backup raspberry raspberrypi"
                      + " correcthorsebatterystaple")
                  .split(" ")));

  private Passphrases() {}

  /**
   * Return a new passphrase, if it isn't among the first that would be tried.
   *
   * @throws ConfigException it is short, common, a sequence or of too few different characters; the message never shows it.
   */
  public static String checkStrength(String passphrase) {
    // Upper case first: that folds what lower case alone leaves apart, the German sharp s for one.
    int[] text = Case.lower(Case.upper(Normalizer.nfc(passphrase))).codePoints().toArray();
    String problem = problem(text);
    if (problem != null) {
      throw new ConfigException("this passphrase " + problem + "; take four or five words, in no known order");
    }
    return passphrase;
  }

  private static String problem(int[] text) {
    if (text.length < LEAST_CHARACTERS) {
      return "is too short: it needs " + LEAST_CHARACTERS + " characters at least";
    }
    if (isCommon(text)) {
      return "is a common one, which is tried first";
    }
    if (unpredictable(text) < LEAST_UNPREDICTABLE) {
      return "is a sequence or repeats itself";
    }
    Set<Integer> distinct = new HashSet<>();
    boolean isDigits = true;
    for (int code : text) {
      distinct.add(code);
      isDigits &= Characters.isDecimal(code);
    }
    if (isDigits && text.length < LEAST_DIGITS) {
      return "is all digits, as dates and numbers are: then it needs " + LEAST_DIGITS + " of them";
    }
    return distinct.size() < LEAST_DISTINCT ? "repeats a few characters" : null;
  }

  private static boolean isCommon(int[] text) {
    for (boolean spelled : new boolean[] {false, true}) {
      StringBuilder letters = new StringBuilder();
      for (int code : text) {
        int place = spelled && code < 128 ? LEET.indexOf(code) : -1;
        int letter = place >= 0 ? LETTERS.charAt(place) : code;
        if (Characters.isLetter(letter)) {
          letters.appendCodePoint(letter);
        }
      }
      String word = letters.toString();
      String half = word.substring(0, word.length() / 2);
      if (COMMON.contains(word) || (word.equals(half + half) && COMMON.contains(half))) {
        return true;
      }
    }
    return false;
  }

  /** Characters that don't follow from those before: by a step, on the keyboard, or repeated. */
  private static int unpredictable(int[] whole) {
    int[] text = withoutRuns(period(whole));
    int count = 0;
    for (int i = 0; i < text.length; i++) {
      boolean follows = false;
      if (i > 1) {
        int step = text[i] - text[i - 1];
        follows = Math.abs(step) == 1 && text[i - 1] - text[i - 2] == step;
        String piece = new String(text, i - 2, 3);
        String reversed = new StringBuilder(piece).reverse().toString();
        for (String row : ROWS) {
          follows |= row.contains(piece) || row.contains(reversed);
        }
      }
      count += follows ? 0 : 1;
    }
    return count;
  }

  private static int[] period(int[] text) {
    for (int period = 1; period <= text.length / 2; period++) {
      boolean repeats = true;
      for (int i = period; i < text.length && repeats; i++) {
        repeats = text[i] == text[i - period];
      }
      if (repeats) {
        return Arrays.copyOf(text, period);
      }
    }
    return text;
  }

  private static int[] withoutRuns(int[] text) {
    int[] out = new int[text.length];
    int size = 0;
    for (int i = 0; i < text.length; i++) {
      if (i == 0 || text[i] != text[i - 1]) {
        out[size++] = text[i];
      }
    }
    return Arrays.copyOf(out, size);
  }
}
