package io.github.voicelet.profiles;

import io.github.voicelet.ProfileException;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.trust.keys.Hex;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/** What was learnt about one person beyond the speaker vector, for one model and no other. */
public final class Adaptation {
  static final int MAX_SIZE = 1 << 16;

  static final String[] NAMES = {
    "log_duration_shift", "pitch_gain", "energy_shift", "speech_s", "loss_before", "loss_after"
  };
  static final double[] DEFAULTS = {0, 1, 0, 0, 0, 0};

  private static final double[] LOW = {-1, 0.25, -3, 0, 0, 0};
  private static final double[] HIGH = {1, 4, 3, 1e6, 1e3, 1e3};
  private static final String REMEDY = "; adapt the voice again";

  private final String decoderSha256;
  private final float[] conditionShift;
  private final double[] numbers;

  /**
   * An adaptation.
   *
   * @param decoderSha256 of the bundle's acoustic decoder that it was trained for.
   * @param conditionShift added to the decoder's condition, [K]; kept with 16 bits a number.
   * @param numbers shift of log durations (below 0 is faster), gain of the pitch's movement, shift of energies in the model's
   *     units, seconds of speech it was learnt from, mel loss before and after on recordings that weren't learnt from.
   * @throws ProfileException a value is impossible.
   */
  public Adaptation(String decoderSha256, float[] conditionShift, double... numbers) {
    if (!Hex.isHex(decoderSha256, 64)) {
      throw new ProfileException("an adaptation must name its model by a SHA-256" + REMEDY);
    }
    if (numbers.length != NAMES.length) {
      throw new ProfileException("an adaptation has " + NAMES.length + " numbers" + REMEDY);
    }
    this.decoderSha256 = decoderSha256;
    this.numbers = numbers.clone();
    this.conditionShift = new float[conditionShift.length];
    boolean isFinite = true;
    for (int i = 0; i < conditionShift.length; i++) {
      float value = Half.value(Half.bits(conditionShift[i]));
      this.conditionShift[i] = value;
      isFinite &= !Float.isNaN(value) && !Float.isInfinite(value);
    }
    if (!isFinite || conditionShift.length == 0 || conditionShift.length > MAX_SIZE) {
      throw new ProfileException("an adaptation must be a list of finite numbers" + REMEDY);
    }
    for (int i = 0; i < numbers.length; i++) {
      if (!(numbers[i] >= LOW[i] && numbers[i] <= HIGH[i])) {
        throw new ProfileException(NAMES[i] + " of an adaptation is out of " + LOW[i] + ".." + HIGH[i] + REMEDY);
      }
    }
  }

  /** Of the acoustic decoder that it was trained for, 64 hexadecimal digits. */
  public String decoderSha256() {
    return decoderSha256;
  }

  /** Added to the decoder's condition, [K]. */
  public float[] conditionShift() {
    return conditionShift.clone();
  }

  /** How many numbers the condition has. */
  public int size() {
    return conditionShift.length;
  }

  /** Input of the acoustic model, [3 + K]: rate, pitch, energy, the condition. */
  public float[] vector() {
    float[] vector = new float[3 + conditionShift.length];
    for (int i = 0; i < 3; i++) {
      vector[i] = (float) numbers[i];
    }
    System.arraycopy(conditionShift, 0, vector, 3, conditionShift.length);
    return vector;
  }

  double number(int index) {
    return numbers[index];
  }

  Map<String, Object> toHeader() {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("decoder_sha256", decoderSha256);
    for (int i = 0; i < NAMES.length; i++) {
      header.put(NAMES[i], numbers[i]);
    }
    return header;
  }

  /** The condition with 16 bits a number, padded to four bytes. */
  byte[] toBody() {
    ByteBuffer body = ByteBuffer.allocate(bodyBytes(conditionShift.length)).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : conditionShift) {
      body.putShort(Half.bits(value));
    }
    return body.array();
  }

  static int bodyBytes(int size) {
    return 4 * ((2 * size + 3) / 4);
  }

  static Adaptation read(Map<String, Object> header, int size, ByteBuffer body) {
    if (body.remaining() != bodyBytes(size)) {
      throw new JsonException("the adaptation has another length than stated");
    }
    double[] numbers = new double[NAMES.length];
    for (int i = 0; i < NAMES.length; i++) {
      numbers[i] = Fields.number(header, NAMES[i]);
    }
    float[] shift = new float[size];
    for (int i = 0; i < size; i++) {
      shift[i] = Half.value(body.getShort());
    }
    return new Adaptation(Fields.text(header, "decoder_sha256"), shift, numbers);
  }
}
