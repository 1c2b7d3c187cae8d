package io.github.voicelet.text.unicode;

import java.util.HashMap;
import java.util.Map;

/** The normalization forms of Unicode 14 (UAX #15); the device's own may be of another version. */
public final class Normalizer {
  private static final int HANGUL = 0xAC00;
  private static final int HANGUL_COUNT = 11172;
  private static final int LEAD = 0x1100;
  private static final int VOWEL = 0x1161;
  private static final int TAIL = 0x11A7;
  private static final int LEADS = 19;
  private static final int VOWELS = 21;
  private static final int TAILS = 28;

  private static final int COMPATIBLE = 1;
  private static final int NEVER_COMPOSED = 2;

  private static final Map<Integer, int[]> CANONICAL = new HashMap<>(4096);
  private static final Map<Integer, int[]> COMPATIBILITY = new HashMap<>(8192);
  private static final Map<Long, Integer> PAIRS = new HashMap<>(2048);

  static {
    UnicodeFile file = new UnicodeFile("decompositions.bin");
    int code = 0;
    while (file.hasMore()) {
      code += file.integer();
      int flags = file.oneByte();
      int[] parts = file.codes();
      ((flags & COMPATIBLE) != 0 ? COMPATIBILITY : CANONICAL).put(code, parts);
      if ((flags & (COMPATIBLE | NEVER_COMPOSED)) == 0 && parts.length == 2) {
        PAIRS.put(pair(parts[0], parts[1]), code);
      }
    }
  }

  private Normalizer() {}

  private static long pair(int first, int second) {
    return ((long) first << 32) | second;
  }

  /** Canonically composed. */
  public static String nfc(String text) {
    return isAscii(text) ? text : composed(decomposed(text, false));
  }

  /** Canonically decomposed. */
  public static String nfd(String text) {
    return isAscii(text) ? text : decomposed(text, false).text();
  }

  /** Composed, after what is compatible was replaced. */
  public static String nfkc(String text) {
    return isAscii(text) ? text : composed(decomposed(text, true));
  }

  private static boolean isAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) > 0x7F) {
        return false;
      }
    }
    return true;
  }

  private static Codes decomposed(String text, boolean compatible) {
    Codes out = new Codes(text.length() + 16);
    for (int i = 0; i < text.length(); ) {
      int code = text.codePointAt(i);
      decompose(code, compatible, out);
      i += Character.charCount(code);
    }
    // Marks in the order of their classes; those of one class stay as they are.
    for (int i = 1; i < out.size; i++) {
      int code = out.codes[i];
      int kind = Characters.combiningClass(code);
      int place = i;
      while (kind != 0 && place > 0 && Characters.combiningClass(out.codes[place - 1]) > kind) {
        out.codes[place] = out.codes[place - 1];
        place--;
      }
      out.codes[place] = code;
    }
    return out;
  }

  private static void decompose(int code, boolean compatible, Codes out) {
    int syllable = code - HANGUL;
    if (syllable >= 0 && syllable < HANGUL_COUNT) {
      out.add(LEAD + syllable / (VOWELS * TAILS));
      out.add(VOWEL + syllable / TAILS % VOWELS);
      if (syllable % TAILS != 0) {
        out.add(TAIL + syllable % TAILS);
      }
      return;
    }
    int[] parts = code < 0xA0 ? null : CANONICAL.get(code);
    if (parts == null && compatible && code >= 0xA0) {
      parts = COMPATIBILITY.get(code);
    }
    if (parts == null) {
      out.add(code);
      return;
    }
    for (int part : parts) {
      decompose(part, compatible, out); // tables hold single steps, at most a few deep
    }
  }

  private static String composed(Codes in) {
    StringBuilder out = new StringBuilder(in.size + 4);
    int[] codes = in.codes;
    int starter = -1;
    int size = 0;
    int last = 0;
    for (int i = 0; i < in.size; i++) {
      int code = codes[i];
      int kind = Characters.combiningClass(code);
      boolean adjacent = starter == size - 1;
      if (starter >= 0 && (adjacent || (last < kind && last != 0))) {
        int whole = compose(codes[starter], code);
        if (whole >= 0) {
          codes[starter] = whole;
          continue;
        }
      }
      if (kind == 0) {
        starter = size;
      }
      last = kind;
      codes[size++] = code;
    }
    for (int i = 0; i < size; i++) {
      out.appendCodePoint(codes[i]);
    }
    return out.toString();
  }

  /** The code point of a pair; -1 for none. */
  private static int compose(int first, int second) {
    int lead = first - LEAD;
    int vowel = second - VOWEL;
    if (lead >= 0 && lead < LEADS && vowel >= 0 && vowel < VOWELS) {
      return HANGUL + (lead * VOWELS + vowel) * TAILS;
    }
    int syllable = first - HANGUL;
    int tail = second - TAIL;
    if (syllable >= 0 && syllable < HANGUL_COUNT && syllable % TAILS == 0 && tail > 0 && tail < TAILS) {
      return first + tail;
    }
    Integer whole = PAIRS.get(pair(first, second));
    return whole == null ? -1 : whole;
  }

  /** Code points that grow. */
  private static final class Codes {
    private int[] codes;
    private int size;

    Codes(int room) {
      codes = new int[room];
    }

    void add(int code) {
      if (size == codes.length) {
        codes = java.util.Arrays.copyOf(codes, size * 2);
      }
      codes[size++] = code;
    }

    String text() {
      return new String(codes, 0, size);
    }
  }
}
