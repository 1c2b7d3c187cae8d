package io.github.voicelet.profiles;

import io.github.voicelet.ProfileException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Normalizer;
import io.github.voicelet.trust.keys.Hex;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** Names of profiles, and the file names they become. */
public final class ProfileNames {
  static final int MAX_CHARACTERS = 64;
  static final int MAX_FILE_BYTES = 200;

  private static final int SHORT_BYTES = MAX_FILE_BYTES - 20;
  private static final int DIGEST_DIGITS = 12;
  private static final int MAX_QUOTED = 80;
  private static final String FORBIDDEN = "/\\:*?\"<>|";
  private static final Pattern WINDOWS_DEVICE =
      Pattern.compile("(con|prn|aux|nul|com\\p{Nd}|lpt\\p{Nd})(\\..*)?", Pattern.CASE_INSENSITIVE);

  private ProfileNames() {}

  /**
   * The name in Unicode's composed form, if it can be a profile's.
   *
   * @throws ProfileException it is empty, too long, or has characters that could lead out of the folder, break a line or hide.
   */
  public static String check(String name) {
    String text = Normalizer.nfc(name);
    String problem = problem(text);
    if (problem != null) {
      throw new ProfileException(
          "the profile name " + quoted(name) + " " + problem + "; use letters, digits, spaces, '-', '_'");
    }
    return text;
  }

  private static String problem(String text) {
    if (isBlank(text)) {
      return "is empty";
    }
    if (text.codePointCount(0, text.length()) > MAX_CHARACTERS) {
      return "is longer than " + MAX_CHARACTERS + " characters";
    }
    char last = text.charAt(text.length() - 1);
    if (Characters.isSpace(text.codePointAt(0)) || Characters.isSpace(last)) {
      return "begins or ends with a space";
    }
    if (text.charAt(0) == '.' || text.charAt(0) == '-' || last == '.') {
      return "begins with a dot or a dash, or ends with a dot";
    }
    for (int i = 0; i < text.length(); i++) {
      if (FORBIDDEN.indexOf(text.charAt(i)) >= 0) {
        return "holds a character that file names can't";
      }
    }
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      if (isHidden(text.codePointAt(i))) {
        return "holds an invisible or unassigned character";
      }
    }
    return WINDOWS_DEVICE.matcher(text).matches() ? "is the name of a device on Windows" : null;
  }

  private static boolean isBlank(String text) {
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      if (!Characters.isSpace(text.codePointAt(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isHidden(int code) {
    if (code == 0x200C || code == 0x200D) { // joiners are part of the spelling of some scripts
      return false;
    }
    return Characters.isOther(code) || code == 0x2028 || code == 0x2029;
  }

  /**
   * The file name, without suffix, of a profile.
   *
   * <p>Names that differ only in case get different files even on file systems that ignore case, and long names are shortened;
   * both by a piece of a hash.
   *
   * @throws ProfileException as {@link #check}.
   */
  public static String fileStem(String name) {
    String text = check(name);
    byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
    if (text.equals(Case.lower(text)) && encoded.length <= MAX_FILE_BYTES) {
      return text;
    }
    int end = Math.min(encoded.length, SHORT_BYTES);
    while (end < encoded.length && (encoded[end] & 0xC0) == 0x80) {
      end--; // no half characters
    }
    String digest = Hex.sha256(encoded).substring(0, DIGEST_DIGITS);
    return new String(encoded, 0, end, StandardCharsets.UTF_8) + "~" + digest;
  }

  /** The name of the profile in a file, as far as the file's own name tells; that of a very long name is shortened. */
  public static String ofFile(String file) {
    int dot = file.lastIndexOf('.');
    String stem = dot > 0 ? file.substring(0, dot) : file;
    int mark = stem.lastIndexOf('~');
    if (mark <= 0) {
      return stem;
    }
    String start = stem.substring(0, mark);
    try {
      return fileStem(start).equals(stem) ? start : stem;
    } catch (ProfileException e) {
      return stem;
    }
  }

  /** A name in quotation marks, with nothing that could break a line of a log. */
  public static String quoted(String name) {
    String shown = name;
    if (name.codePointCount(0, name.length()) > MAX_QUOTED) {
      shown = name.substring(0, name.offsetByCodePoints(0, MAX_QUOTED));
    }
    return JsonWriter.spaced().write(shown).replace('"', '\'');
  }
}
