package io.github.voicelet.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.text.pack.Pack;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every case that travels with a pack is said as the pack says. */
class PackCasesTest {
  @ParameterizedTest
  @ValueSource(strings = {"en", "es", "fr", "it", "pt-br"})
  void everyCaseIsSaidAsItIsWritten(String tag) throws IOException {
    List<String[]> cases = Packs.cases(tag);
    assertTrue(cases.size() >= 100, tag + " has " + cases.size() + " cases");
    assertEquals(Collections.emptyList(), differences(cases, Packs.known(tag)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"en", "es", "fr", "it", "pt-br"})
  void aCheckedPackSaysTheSame(String tag) throws IOException {
    assertEquals(Collections.emptyList(), differences(Packs.cases(tag), Packs.checked(tag)));
  }

  private static List<String> differences(List<String[]> cases, Pack pack) {
    List<String> differ = new ArrayList<>();
    for (String[] row : cases) {
      String said = Packs.say(row[0], pack);
      if (!said.equals(row[1])) {
        differ.add("\n" + row[0] + "\n  expected " + row[1] + "\n  but said " + said);
      }
    }
    return differ;
  }
}
