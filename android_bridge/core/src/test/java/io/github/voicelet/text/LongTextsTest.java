package io.github.voicelet.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.text.pack.Pack;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Long texts, whatever they hold, are read on the small stack of a worker's thread. */
class LongTextsTest {
  private static final int LENGTH = 20_000;
  private static final int STACK_BYTES = 256 << 10;

  private static List<String> texts(String tag) throws IOException {
    String[] units = {
      "a", "A", "1", "1,", "1.", "1-", "1/", "A.", "a.b", "a@b.", "a-", "'", "''a", "«", "\"", "(", "[[", "[[a]]",
      "]]", ".", "..", ". ", "?", "—", "- ", "#", "@", "://", "www.a", "http://a/", "I", "XIV", "M", "^", "1e",
      "+1 ", "$1", "1 000 ", "12:30", "\n", "\n\n", "\n- ", " ", "é", "é", "e\u0301\u0301\u0301", "😀", "ß", "İ",
      "中", "가", "1st", "½", "²", "%", "&", "=", "a1", "A1", "1A", "aA", "Dr. ", "U.S.A.", "1.1.1.", "O'", "l'",
      "\u200b", "\ud800", "<", ">", "x_", "_"
    };
    List<String> texts = new ArrayList<>();
    for (String unit : units) {
      texts.add(repeated(unit));
    }
    StringBuilder all = new StringBuilder();
    for (String[] row : Packs.cases(tag)) {
      all.append(row[0]).append(all.length() % 3 == 0 ? " " : "\n");
    }
    texts.add(repeated(all.toString()));
    return texts;
  }

  private static String repeated(String unit) {
    StringBuilder out = new StringBuilder(LENGTH + unit.length());
    while (out.length() < LENGTH) {
      out.append(unit);
    }
    out.setLength(LENGTH);
    return out.toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"en", "es", "fr", "it", "pt-br"})
  void theyNeedLittleStack(String tag) throws IOException, InterruptedException {
    Pack pack = Packs.checked(tag); // nothing of it was made before, so that making it is tried, too
    List<String> failed = new ArrayList<>();
    for (String text : texts(tag)) {
      Thread thread = new Thread(null, () -> Packs.say(text, pack), "worker", STACK_BYTES);
      thread.setUncaughtExceptionHandler((t, e) -> failed.add(text.substring(0, 20) + ": " + e));
      thread.start();
      thread.join();
    }
    assertEquals(new ArrayList<String>(), failed);
  }

  @Test
  void wordsComeBeforeTheTextWasRead() {
    int[] read = {0};
    Iterator<SourcePiece> pieces =
        new Iterator<SourcePiece>() {
          @Override
          public boolean hasNext() {
            return true;
          }

          @Override
          public SourcePiece next() {
            String text = "It goes on and on. ";
            read[0]++;
            return new SourcePiece(text, (read[0] - 1) * text.length(), read[0] * text.length());
          }
        };
    Iterator<Item> items = new Scanner.Builder(Packs.known("en").normalization(), pieces).build();
    for (int i = 0; i < 6000; i++) {
      Item item = items.next();
      assertTrue(i % 6 != 5 || item instanceof Mark, item.toString());
    }
    assertTrue(read[0] >= 1000 && read[0] < 1050, read[0] + " pieces were read");
  }
}
