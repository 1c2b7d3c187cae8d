package io.github.voicelet.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.PhoneException;
import io.github.voicelet.SsmlException;
import io.github.voicelet.TextException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a text holds, it becomes clauses that stand in it, or is refused by an error of voicelet's own. */
class HostileTextsTest {
  private static final PhoneInventory ALL =
      new PhoneInventory(
          "_ .,?!;:\"()…—ˈˌbdfhjklmnpstvwzðŋɡɹʃʒʤʧθTʔAIOWYaeiuæɑɐɔəɚɛɜɪʊʌᵊᵻoyøœɒQɨ\u0303rɾʁxɣβçʝɲʎɥʦʣcː");

  private static final String[] PARTS = {
    "a", "el", "niño", "Sr.", "12", "3,5", "№", "[[", "]]", "[[əl]]", "\"", "(", ")", "...", "…", "—", "?", "!", "\n", "\n\n", " ", "\t", "'",
    "-", "<", ">", "&", "&amp;", "<speak>", "</speak>", "<break/>", "<p>", "😀", "\ud800", "\u0301", "\u200d", "\u0000", "٣", "漢", "‽",
    "@", "a@b.es", "http://", "€", "%", "½", "İ", "ﬁ", "\u00ad", "CD's", "¿", "ß"
  };

  private static TextReader reader(String tag) {
    return new TextReader(new ReadLanguage(Packs.known(tag), null), null, null, ALL);
  }

  private static List<PhoneClause> read(TextReader reader, String text, boolean ssml, Reading reading) {
    List<PhoneClause> clauses = new ArrayList<>();
    reader.clauses(text, ssml, reading, false, false).forEachRemaining(clauses::add);
    return clauses;
  }

  @ParameterizedTest
  @ValueSource(strings = {"es", "pt-br"})
  void everyTextBecomesClausesThatStandInIt(String tag) {
    TextReader reader = reader(tag);
    Random random = new Random(20261201);
    int refused = 0;
    int spoken = 0;
    for (int i = 0; i < 4000; i++) {
      StringBuilder text = new StringBuilder();
      for (int count = random.nextInt(30); count > 0; count--) {
        text.append(PARTS[random.nextInt(PARTS.length)]).append(random.nextBoolean() ? " " : "");
      }
      Reading reading =
          new Reading(
              Reading.Punctuation.values()[random.nextInt(4)], Reading.Capitals.values()[random.nextInt(4)], i % 9 == 0);
      try {
        spoken += check(text.toString(), read(reader, text.toString(), random.nextInt(4) == 0, reading));
      } catch (TextException e) {
        assertFalse(e.getMessage().isEmpty());
        refused++;
      }
    }
    assertTrue(spoken > 2000 && refused > 100, spoken + " clauses, " + refused + " refused");
  }

  private static int check(String text, List<PhoneClause> clauses) {
    int length = CodePoints.count(text);
    for (PhoneClause clause : clauses) {
      assertEquals("", ALL.missing(clause.phones), text);
      assertTrue(clause.pauseAfterMs >= 0 && clause.pauseAfterMs <= Pauses.MAX_PAUSE_MS, text);
      int end = 0;
      for (SpokenWord word : clause.words) {
        boolean inText = word.spanStart >= 0 && word.spanStart < word.spanEnd && word.spanEnd <= length;
        assertTrue(inText, word.text + " at " + word.spanStart + "-" + word.spanEnd + " of " + text);
        assertTrue(word.phoneStart >= end && word.phoneStart < word.phoneEnd, text);
        end = word.phoneEnd;
      }
      assertTrue(end <= clause.phones.length(), text);
      for (Tone tone : clause.tones) {
        assertTrue(tone.start >= 0 && tone.start < tone.end && tone.end <= clause.phones.length(), text);
      }
    }
    return clauses.size();
  }

  @Test
  void whatIsWrongWithSsmlIsSaidWithItsLine() {
    TextReader reader = reader("es");
    for (String[] wrong :
        new String[][] {
          {"<speak>\n<brake/></speak>", "line 2: <brake> is not supported (did you mean 'break'?); remove the tag"},
          {"<!DOCTYPE speak><speak/>", "line 1: a document type is not allowed"},
          {"<speak>\n\n<break time='soon'/></speak>", "line 3: break time 'soon'"},
          {"<speak>a & b</speak>", "line 1: SSML is not well formed"},
          {"<speak>a</p></speak>", "line 1: SSML is not well formed"},
        }) {
      SsmlException e = assertThrows(SsmlException.class, () -> read(reader, wrong[0], true, Reading.PLAIN));
      assertTrue(e.getMessage().startsWith(wrong[1]), e.getMessage());
    }
    PhoneException e = assertThrows(PhoneException.class, () -> read(reader, "Di [[qqq]].", false, Reading.PLAIN));
    assertTrue(e.getMessage().contains("use these"), e.getMessage());
  }

  @Test
  void deepAndLongDocumentsAreRefusedOrRead() {
    TextReader reader = reader("es");
    char[] opening = new char[100_000];
    Arrays.fill(opening, '<');
    String tags = new String(opening).replace("<", "<p>");
    assertThrows(SsmlException.class, () -> read(reader, "<speak>" + tags, true, Reading.PLAIN));
    String entities = new String(opening).replace("<", "&amp;");
    assertTrue(read(reader, "<speak>" + entities + "</speak>", true, Reading.PLAIN).size() > 1000);
  }

  @Test
  void theFirstClauseComesBeforeTheRestIsRead() {
    StringBuilder text = new StringBuilder("Hola. ");
    for (int i = 0; i < 20_000; i++) {
      text.append("Dos perros corren. ");
    }
    text.append("[[qqq]]");
    Iterator<PhoneClause> clauses = reader("es").clauses(text.toString(), false, Reading.PLAIN, false, false);
    assertEquals("ˈola.", clauses.next().phones); // what is wrong at the end is met at the end
    for (int i = 0; i < 19_000; i++) {
      clauses.next();
    }
    assertThrows(PhoneException.class, () -> clauses.forEachRemaining(clause -> {}));
  }
}
