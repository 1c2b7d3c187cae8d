package io.github.voicelet.text.pronunciation;

/** Phones and what kind each is, and the stress of a word. */
public final class Stresses {
  static final String STRESS = "ˈˌ";
  /** Vowels of every language that voices speak. */
  public static final String VOWELS = "AIOWYaeiuæɑɐɔəɚɛɜɪʊʌᵊᵻoyøœɒQɨ";
  static final String MODIFIERS = "\u0303ː";
  static final String CONSONANTS = "bdfhjklmnpstvwzðŋɡɹʃʒʤʧθTʔrɾʁxɣβçʝɲʎɥʦʣc";

  private Stresses() {}

  /** With a primary stress: a secondary one raised, or the first vowel stressed. */
  public static String strengthened(String phones) {
    if (phones.indexOf('ˈ') >= 0) {
      return phones;
    }
    int secondary = phones.indexOf('ˌ');
    if (secondary >= 0) {
      return phones.substring(0, secondary) + 'ˈ' + phones.substring(secondary + 1);
    }
    for (int i = 0; i < phones.length(); i++) {
      if (VOWELS.indexOf(phones.charAt(i)) >= 0) {
        return phones.substring(0, i) + 'ˈ' + phones.substring(i);
      }
    }
    return phones;
  }

  /** With its primary stresses made secondary. */
  public static String weakened(String phones) {
    return phones.replace('ˈ', 'ˌ');
  }

  /** Without any stress. */
  static String unstressed(String phones) {
    return phones.replace("ˈ", "").replace("ˌ", "");
  }

  /** How many stress marks stand at the beginning. */
  static int leadingMarks(String phones) {
    int marks = 0;
    while (marks < phones.length() && STRESS.indexOf(phones.charAt(marks)) >= 0) {
      marks++;
    }
    return marks;
  }
}
