package io.github.voicelet.trust.watermark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.voicelet.TrustException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Against the pattern that Python lays out: {@code voicelet.trust.watermark.pattern}. */
class WatermarkTest {
  private static String sha256(byte[] bytes) throws Exception {
    StringBuilder hex = new StringBuilder();
    for (byte b : MessageDigest.getInstance("SHA-256").digest(bytes)) {
      hex.append(String.format("%02x", b));
    }
    return hex.toString();
  }

  @Test
  void codesThePayloadAsPythonDoes() {
    StringBuilder bits = new StringBuilder();
    for (byte bit : new Payload(14, 126, 0).encode()) {
      bits.append(bit);
    }
    assertEquals(
        "110010000010000000110001011011011010000011010011111111100011101100000000011100010011111000000000000000111011"
            + "111110110000100010111111",
        bits.toString());
  }

  @Test
  void laysTheTilesOutAsPythonDoesForBothKindsOfKey() throws Exception {
    byte[] operator = new byte[32];
    Arrays.fill(operator, (byte) 'k');
    String[] tiles = {
      "5990ccdbc81c4d1dd37476492f6c6992fe5ba0fde63c91871b884dba2494782e",
      "5a8ff8bb8cdbf27900a474e0cb650e19fb1b847df5cafe12723de29713389d59"
    };
    String[] gains = {
      "7f47830be43a1ddb0bc7943f41aa8c520ce759e1f6da864484c0dc7801893f60",
      "05233f44f25ed82480907926244c2ede3fc5b3685031eaedcee29977981d16fc"
    };
    byte[][] keys = {Pattern.PUBLIC_KEY, operator};
    for (int i = 0; i < 2; i++) {
      assertEquals(i == 0 ? 0 : 243, Watermark.keyId(keys[i]));
      byte[] signs = Pattern.tileSigns(new Payload(0x5a, 1234, Watermark.keyId(keys[i])), keys[i]);
      assertEquals(tiles[i], sha256(signs));
      float[][] table = Pattern.gainTable(signs, 24_000, 1200);
      ByteBuffer bytes = ByteBuffer.allocate(table.length * table[0].length);
      for (float[] row : table) {
        for (float gain : row) {
          bytes.put((byte) Math.signum(gain - 1f));
          // 2.5 dB up, 2.5 dB down, or nothing; numpy's powers may differ in the last bit.
          assertEquals(gain > 1f ? 1.3335214f : gain < 1f ? 0.74989421f : 1f, gain, 2e-7f);
        }
      }
      assertEquals(gains[i], sha256(bytes.array()));
    }
  }

  @Test
  void weeksBeginOnMondays() {
    assertEquals(0, Payload.week(1_704_067_200L)); // 2024-01-01
    assertEquals(4095, Payload.week(1_704_067_199L));
    assertEquals(126, Payload.week(1_780_272_000L));
    assertEquals(125, Payload.week(1_780_000_000L));
  }

  @Test
  void modelsAndKeysHaveTheirDigests() {
    assertEquals(14, new Watermark("voicelet-en", "0.4").payload().model());
    assertEquals(0, new Watermark("voicelet-en", "0.4").payload().keyId());
    byte[] key = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    assertEquals(Watermark.keyId(key), new Watermark("voicelet-en", "0.4", key).payload().keyId());
    assertThrows(TrustException.class, () -> new Watermark("voicelet-en", "0.4", new byte[15]));
    assertThrows(TrustException.class, () -> new Watermark("voicelet-en", "0.4", new byte[65]));
  }

  @Test
  void aDateThatIsNoneIsRefused() {
    assertEquals(1_780_000_000L, Watermark.nowSeconds("1780000000"));
    for (String wrong : new String[] {"-1", "1e9", "yesterday", "999999999999999"}) {
      assertThrows(TrustException.class, () -> Watermark.nowSeconds(wrong));
    }
  }
}
