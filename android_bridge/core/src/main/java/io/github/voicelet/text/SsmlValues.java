package io.github.voicelet.text;

import io.github.voicelet.SsmlException;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the attributes of SSML mean, in numbers; those that can't be read raise {@link SsmlException}. */
final class SsmlValues {
  private static final int SHOWN = 40;
  private static final double MAX_BREAK_MS = Pauses.MAX_PAUSE_MS;
  private static final double MIN_SPEED = 0.33;
  private static final double MAX_SPEED = 3.0;
  private static final double MAX_SEMITONES = 12.0;
  private static final double MAX_ENERGY = 4.0;
  private static final double LEAST_PITCH_FACTOR = 0.05;
  private static final double MOST_DB = 60.0;
  private static final double PERCENT = 100.0;

  private static final Pattern TAG = Pattern.compile("[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,8}");
  private static final Pattern TIME = Pattern.compile("\\+?([0-9]{1,9}(?:\\.[0-9]{1,9})?)(ms|s)");
  private static final Pattern QUANTITY =
      Pattern.compile("([+-]?)([0-9]{1,6}(?:\\.[0-9]{1,6})?)(%|st|dB|Hz|)", Pattern.CASE_INSENSITIVE);

  private static final Map<String, Double> STRENGTHS_MS =
      values("none 0 x-weak 50 weak 100 medium 250 strong 500 x-strong 1000");
  private static final Map<String, Double> RATES =
      values("x-slow 0.5 slow 0.75 medium 1 default 1 fast 1.3 x-fast 1.7");
  private static final Map<String, Double> PITCHES =
      values("x-low -6 low -3 medium 0 default 0 high 3 x-high 6");
  private static final Map<String, Double> VOLUMES =
      values("silent 0 x-soft 0.35 soft 0.6 medium 1 default 1 loud 1.5 x-loud 2");
  private static final Map<String, Emphasis> LEVELS = new LinkedHashMap<>();

  static {
    for (Emphasis level : Emphasis.values()) {
      LEVELS.put(Case.lower(level.name()), level);
    }
  }

  private SsmlValues() {}

  private static Map<String, Double> values(String pairs) {
    Map<String, Double> values = new LinkedHashMap<>();
    String[] parts = pairs.split(" ");
    for (int i = 0; i < parts.length; i += 2) {
      values.put(parts[i], Double.valueOf(parts[i + 1]));
    }
    return values;
  }

  private static String shown(String text) {
    return "'" + CodePoints.first(text, SHOWN) + "'";
  }

  private static String plain(Map<String, String> attributes, String name, String usual) {
    String text = attributes.get(name);
    return Case.lower(Whitespace.strip(text == null ? usual : text));
  }

  /** The length of a break; without attributes a medium one. */
  static int breakMs(Map<String, String> attributes) {
    String time = attributes.get("time");
    if (time != null) {
      Matcher match = TIME.matcher(Whitespace.strip(time));
      if (!match.matches()) {
        throw new SsmlException("break time " + shown(time) + ": write '500ms' or '1.5s'");
      }
      double value = Double.parseDouble(match.group(1)) * (match.group(2).equals("s") ? 1000 : 1);
      return (int) Math.rint(Math.min(value, MAX_BREAK_MS));
    }
    String strength = plain(attributes, "strength", "medium");
    if (!STRENGTHS_MS.containsKey(strength)) {
      throw new SsmlException(
          "break strength " + shown(strength) + ": use one of " + Whitespace.join(", ", STRENGTHS_MS.keySet()));
    }
    return STRENGTHS_MS.get(strength).intValue();
  }

  /** The BCP 47 tag of {@code xml:lang}; null for an empty one, which takes back what holds outside. */
  static String language(String text) {
    String tag = Whitespace.strip(text);
    if (!tag.isEmpty() && !TAG.matcher(tag).matches()) {
      throw new SsmlException("xml:lang " + shown(tag) + ": write a BCP 47 tag such as 'fr' or 'en-GB'");
    }
    return tag.isEmpty() ? null : tag;
  }

  /** The level of an emphasis; moderate if none is given. */
  static Emphasis emphasis(Map<String, String> attributes) {
    String level = plain(attributes, "level", "moderate");
    if (!LEVELS.containsKey(level)) {
      throw new SsmlException("emphasis level " + shown(level) + ": use one of " + Whitespace.join(", ", LEVELS.keySet()));
    }
    return LEVELS.get(level);
  }

  /**
   * Rate, pitch and volume of an element inside another, each in its range: factors multiply, shifts add.
   *
   * <p>Rates: words, "80%", "+20%", or a factor ("1.2"). Pitches: words, "+2st", "-10%". Volumes: words, "+6dB", "80" (of 100),
   * "+10%".
   */
  static Prosody prosody(Map<String, String> attributes, Prosody outer) {
    double speed = clamp(rate(attributes.get("rate")), MIN_SPEED, MAX_SPEED);
    double semitones = clamp(pitch(attributes.get("pitch")), -MAX_SEMITONES, MAX_SEMITONES);
    double energy = clamp(volume(attributes.get("volume")), 0.0, MAX_ENERGY);
    return new Prosody(
        clamp(outer.speed * speed, MIN_SPEED, MAX_SPEED),
        clamp(outer.pitchSemitones + semitones, -MAX_SEMITONES, MAX_SEMITONES),
        clamp(outer.energy * energy, 0.0, MAX_ENERGY));
  }

  private static double clamp(double value, double least, double most) {
    return Math.min(Math.max(value, least), most);
  }

  /** A number with its sign and unit. */
  private static final class Quantity {
    final String sign;
    final double value;
    final String unit;

    Quantity(Matcher match) {
      sign = match.group(1);
      value = Double.parseDouble(match.group(2));
      unit = Case.lower(match.group(3));
    }

    /** "+20" is 1.2, "-20" is 0.8, "80" is 0.8. */
    double factor() {
      return sign.isEmpty() ? value / PERCENT : changed();
    }

    /** "+20" and "20" are 1.2, "-20" is 0.8. */
    double changed() {
      return 1.0 + (sign.equals("-") ? -value : value) / PERCENT;
    }
  }

  private static Quantity quantity(String name, String text, Map<String, Double> words, String units) {
    Matcher match = QUANTITY.matcher(text);
    Quantity quantity = match.matches() ? new Quantity(match) : null;
    if (quantity == null || !units.contains("|" + quantity.unit + "|")) {
      throw new SsmlException(
          "prosody " + name + " " + shown(text) + ": use one of " + Whitespace.join(", ", words.keySet())
              + ", or a value like '+10%'");
    }
    return quantity;
  }

  private static String given(String text) {
    return text == null ? "medium" : Whitespace.strip(text);
  }

  private static double rate(String given) {
    String text = given(given);
    if (RATES.containsKey(Case.lower(text))) {
      return RATES.get(Case.lower(text));
    }
    Quantity rate = quantity("rate", text, RATES, "|%||");
    return rate.unit.equals("%") || !rate.sign.isEmpty() ? rate.factor() : rate.value;
  }

  private static double pitch(String given) {
    String text = given(given);
    if (PITCHES.containsKey(Case.lower(text))) {
      return PITCHES.get(Case.lower(text));
    }
    Quantity pitch = quantity("pitch", text, PITCHES, "|%|st|");
    if (pitch.unit.equals("st")) {
      return pitch.sign.equals("-") ? -pitch.value : pitch.value;
    }
    // A change of pitch is relative in SSML: "10%" without a sign counts as +10 %.
    return MAX_SEMITONES * Math.log(Math.max(pitch.changed(), LEAST_PITCH_FACTOR)) / Math.log(2.0);
  }

  private static double volume(String given) {
    String text = given(given);
    if (VOLUMES.containsKey(Case.lower(text))) {
      return VOLUMES.get(Case.lower(text));
    }
    Quantity volume = quantity("volume", text, VOLUMES, "|%|db||");
    if (volume.unit.equals("db")) {
      return Math.pow(10.0, Math.min(volume.value, MOST_DB) * (volume.sign.equals("-") ? -1 : 1) / 20.0);
    }
    return volume.factor();
  }
}
