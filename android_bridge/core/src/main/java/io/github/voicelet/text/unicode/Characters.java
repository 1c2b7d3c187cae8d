package io.github.voicelet.text.unicode;

import java.util.Arrays;

/**
 * Properties of code points, of Unicode 14, as Python's {@code str} and {@code unicodedata} have them.
 *
 * <p>A JDK and an Android device have tables of any version, and a pack has to read the same everywhere.
 */
public final class Characters {
  /** General categories by their place in {@code tools/make_unicode.py}. */
  private static final int LETTERS = 5;

  private static final int MARKS = 8;
  private static final int DECIMAL = 8;
  private static final int SEPARATORS = 22;
  private static final int OTHERS = 25;

  private static final int ALNUM = 1;
  private static final int UPPER = 2;
  private static final int LOWER = 4;
  private static final int SPACE = 8;
  private static final int CASED = 16;
  private static final int IGNORABLE = 32;
  private static final int TITLE_CATEGORY = 2;

  private static final int PLANE = 0x10000;

  private static final byte[] CATEGORY;
  private static final byte[] FLAGS;

  /** Class of every code point of the first plane. */
  private static final byte[] FIRST_PLANE = new byte[PLANE];

  /** Where the runs beyond it begin, and their classes. */
  private static final int[] STARTS;

  private static final byte[] CLASSES;

  private static final int[] COMBINING_STARTS;
  private static final int[] COMBINING_ENDS;
  private static final byte[] COMBINING;

  static {
    UnicodeFile file = new UnicodeFile("characters.bin");
    int count = file.oneByte();
    CATEGORY = new byte[count];
    FLAGS = new byte[count];
    for (int i = 0; i < count; i++) {
      CATEGORY[i] = (byte) file.oneByte();
      FLAGS[i] = (byte) file.oneByte();
    }
    int[] starts = new int[4096];
    byte[] classes = new byte[4096];
    int runs = 0;
    int code = 0;
    while (code <= Character.MAX_CODE_POINT) {
      int end = code + file.integer();
      byte kind = (byte) file.oneByte();
      if (code < PLANE) {
        Arrays.fill(FIRST_PLANE, code, Math.min(end, PLANE), kind);
      }
      if (end > PLANE) {
        starts[runs] = Math.max(code, PLANE);
        classes[runs++] = kind;
      }
      code = end;
    }
    STARTS = Arrays.copyOf(starts, runs);
    CLASSES = Arrays.copyOf(classes, runs);
    int[] combiningEnds = new int[1024];
    byte[] combining = new byte[1024];
    runs = 0;
    code = 0;
    while (file.hasMore()) {
      starts[runs] = code + file.integer();
      code = starts[runs] + file.integer();
      combiningEnds[runs] = code;
      combining[runs++] = (byte) file.oneByte();
    }
    COMBINING_STARTS = Arrays.copyOf(starts, runs);
    COMBINING_ENDS = Arrays.copyOf(combiningEnds, runs);
    COMBINING = Arrays.copyOf(combining, runs);
  }

  private Characters() {}

  private static int kind(int code) {
    if (code < PLANE) {
      return FIRST_PLANE[code] & 0xFF;
    }
    int place = Arrays.binarySearch(STARTS, code);
    return CLASSES[place >= 0 ? place : -place - 2] & 0xFF;
  }

  private static boolean has(int code, int flag) {
    return (FLAGS[kind(code)] & flag) != 0;
  }

  /** Whether it is a letter (category L). */
  public static boolean isLetter(int code) {
    return CATEGORY[kind(code)] < LETTERS;
  }

  /** Whether it is a letter or has a numeric value. */
  public static boolean isLetterOrNumber(int code) {
    return has(code, ALNUM);
  }

  /** Whether it is a decimal digit (category Nd). */
  public static boolean isDecimal(int code) {
    return CATEGORY[kind(code)] == DECIMAL;
  }

  /** The value of a decimal digit. */
  public static int decimalValue(int code) {
    if (code < PLANE) {
      int start = code;
      byte kind = FIRST_PLANE[code];
      while (start > 0 && FIRST_PLANE[start - 1] == kind) {
        start--;
      }
      return (code - start) % 10;
    }
    int place = Arrays.binarySearch(STARTS, code);
    return (code - STARTS[place >= 0 ? place : -place - 2]) % 10;
  }

  /** Whether it has the property Uppercase. */
  public static boolean isUpper(int code) {
    return has(code, UPPER);
  }

  /** Whether it has the property Lowercase. */
  public static boolean isLower(int code) {
    return has(code, LOWER);
  }

  /** Whether it is white space. */
  public static boolean isSpace(int code) {
    return has(code, SPACE);
  }

  /** Whether it is a mark (category M). */
  public static boolean isMark(int code) {
    int category = CATEGORY[kind(code)];
    return category >= LETTERS && category < MARKS;
  }

  /** Whether it is a separator (category Z). */
  public static boolean isSeparator(int code) {
    int category = CATEGORY[kind(code)];
    return category >= SEPARATORS && category < OTHERS;
  }

  /** Whether it is a control, invisible, private, a surrogate or unassigned (category C). */
  public static boolean isOther(int code) {
    return CATEGORY[kind(code)] >= OTHERS;
  }

  /** Whether it has a canonical combining class. */
  public static boolean isCombining(int code) {
    return combiningClass(code) != 0;
  }

  static int combiningClass(int code) {
    if (code < 0x300) {
      return 0;
    }
    int place = Arrays.binarySearch(COMBINING_STARTS, code);
    if (place < 0) {
      place = -place - 2;
    }
    return place >= 0 && code < COMBINING_ENDS[place] ? COMBINING[place] & 0xFF : 0;
  }

  static boolean isCased(int code) {
    return has(code, CASED);
  }

  static boolean isCaseIgnorable(int code) {
    return has(code, IGNORABLE);
  }

  static boolean isTitle(int code) {
    return CATEGORY[kind(code)] == TITLE_CATEGORY;
  }
}
