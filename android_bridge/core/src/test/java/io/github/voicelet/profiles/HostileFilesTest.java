package io.github.voicelet.profiles;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.ProfileException;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.seal.Base64Text;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HostileFilesTest {
  private static final int TRIES = 3000;

  /** Bytes of the header and the frame changed at random, under a right checksum, so that every check is reached. */
  @Test
  void whateverIsInAProfileItIsReadOrRefusedByName() {
    byte[] sound = ProfilesGolden.ana().toBytes();
    int header = ByteBuffer.wrap(sound).order(ByteOrder.LITTLE_ENDIAN).getInt(8);
    Random random = new Random(20261201);
    String interesting = "{}[]\",:0129-+eE.\\untruefalsl \u0000\u007f";
    int refused = 0;
    for (int attempt = 0; attempt < TRIES; attempt++) {
      byte[] data = sound.clone();
      for (int change = random.nextInt(3); change >= 0; change--) {
        int place = random.nextInt(10) == 0 ? random.nextInt(16) : 16 + random.nextInt(header);
        boolean isAny = random.nextBoolean();
        data[place] = (byte) (isAny ? random.nextInt(256) : interesting.charAt(random.nextInt(interesting.length())));
      }
      int end = data.length - 32;
      System.arraycopy(Hex.sha256Digest().digest(Arrays.copyOf(data, end)), 0, data, end, 32);
      try {
        Profile read = Profile.fromBytes(data);
        assertEquals(read, Profile.fromBytes(read.toBytes()));
      } catch (ProfileException e) {
        refused++;
      }
    }
    assertTrue(refused > TRIES / 2 && refused < TRIES, "" + refused);
  }

  @Test
  void base64HasOneSpelling() {
    byte[] data = {1, 2, 3, 4};
    assertEquals("AQIDBA==", Base64Text.of(data));
    String[] others = {"AQIDBA=", "AQIDBA", "AQIDBB==", " AQIDBA==", "AQID\nBA==", "A", "AA", "AAA", "====", "\u00e9AAA", "AQIDBA==AAAA"};
    for (String other : others) {
      assertNull(Base64Text.bytes(other), other);
    }
    assertEquals(0, Base64Text.bytes("").length);
  }
}
