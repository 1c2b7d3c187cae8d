package io.github.voicelet.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.json.Json;
import io.github.voicelet.text.pack.Pack;
import io.github.voicelet.text.pack.RuleContext;
import io.github.voicelet.text.unicode.Characters;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The words of the golden texts, and where they stand in the text, are those that Python says. */
class GoldenWordsTest {
  /** The golden texts write phones in IPA, of which clean-up changes the stress mark alone. */
  private static final InlinePhones IPA =
      new InlinePhones() {
        @Override
        public String phones(String written) {
          return written.replace('\'', 'ˈ');
        }

        @Override
        public String withPossessive(String phones) {
          return phones;
        }
      };

  @ParameterizedTest
  @ValueSource(strings = {"en", "en-gb", "es", "fr", "it", "pt-br"})
  void plainTextsHaveTheWordsOfPython(String tag) throws IOException {
    Pack pack = Packs.known(tag);
    Set<String> known = knownWords(tag);
    List<String> differ = new ArrayList<>();
    int asked = 0;
    int silent = 0;
    for (String line : Packs.golden("text/" + tag + ".jsonl.gz")) {
      Map<String, Object> row = Json.object(Json.parse(line), "a row");
      String text = (String) row.get("text");
      if (text.trim().startsWith("<") || !hasWords(text)) {
        continue; // SSML, and marks that are named because they stand alone
      }
      asked++;
      List<String> expected = new ArrayList<>();
      List<String> expectedSpans = new ArrayList<>();
      golden(row, expected, expectedSpans);
      List<String> words = new ArrayList<>();
      List<String> spans = new ArrayList<>();
      scan(text, pack, known, words, spans);
      if (words.isEmpty() && !expected.isEmpty()) {
        silent++; // nothing is left but marks: those are named because they stand alone
        continue;
      }
      if (!words.equals(expected)) {
        differ.add("\n" + text + "\n  expected " + expected + "\n  but said " + words);
      } else if (expectedSpans.size() == spans.size() && !spans.equals(expectedSpans)) {
        differ.add("\n" + text + "\n  expected " + expectedSpans + "\n  but at " + spans);
      }
    }
    assertTrue(asked > 2500, "only " + asked + " texts");
    assertTrue(silent < asked / 200, silent + " texts without a word");
    assertEquals("", differ.isEmpty() ? "" : differ.size() + " of " + asked + " texts: " + first(differ));
  }

  /** What stands around the one say-as of a document without other marks. */
  private static final Pattern SAY_AS =
      Pattern.compile(
          "<speak>([^<]*)<say-as interpret-as=\"([^\"<]*)\"(?: format=\"([^\"<]*)\")?>([^<]*)</say-as>([^<]*)</speak>");

  @ParameterizedTest
  @ValueSource(strings = {"en", "en-gb", "es", "fr", "it", "pt-br"})
  void sayAsTextsHaveTheWordsOfPython(String tag) throws IOException {
    Pack pack = Packs.known(tag);
    Set<String> known = knownWords(tag);
    List<String> differ = new ArrayList<>();
    int asked = 0;
    for (String line : Packs.golden("text/" + tag + ".jsonl.gz")) {
      Map<String, Object> row = Json.object(Json.parse(line), "a row");
      Matcher document = SAY_AS.matcher((String) row.get("text"));
      if (!document.matches()) {
        continue;
      }
      asked++;
      List<String> expected = new ArrayList<>();
      golden(row, expected, new ArrayList<String>());
      List<String> words = sayAs(document, pack, known);
      if (!words.equals(expected) && hasWords(String.join("", words))) {
        differ.add("\n" + row.get("text") + "\n  expected " + expected + "\n  but said " + words);
      }
    }
    assertTrue(asked > 50, "only " + asked + " documents");
    assertEquals("", differ.isEmpty() ? "" : differ.size() + " of " + asked + " texts: " + first(differ));
  }

  private static List<String> sayAs(Matcher document, Pack pack, Set<String> known) {
    RuleContext context = new RuleContext();
    context.known = known::contains;
    List<Item> items = new ArrayList<>(around(document.group(1), pack, context, false));
    String form = document.group(3) == null ? "" : document.group(3);
    String text = plain(document.group(4));
    List<Token> said =
        new SayAs(pack.normalization(), Emphasis.NONE).tokens(text, plain(document.group(2)), form, 0, 1);
    items.addAll(said == null ? around(document.group(4), pack, context, false) : said);
    items.addAll(around(document.group(5), pack, context, true));
    List<String> words = new ArrayList<>();
    for (Item item : items) {
      if (item instanceof Word) {
        words.add(item.toString());
      }
    }
    return words;
  }

  private static List<Item> around(String xml, Pack pack, RuleContext context, boolean isLast) {
    String text = plain(xml);
    List<Item> items = new ArrayList<>();
    if (!text.isEmpty()) {
      new Scanner.Builder(pack.normalization(), SourcePiece.plain(text))
          .context(context)
          .newlines(false)
          .endsParagraph(isLast)
          .phones(IPA)
          .inlinePhones(true)
          .build()
          .forEachRemaining(items::add);
    }
    return items;
  }

  private static String plain(String xml) {
    return xml.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
  }

  private static List<String> first(List<String> differ) {
    return differ.subList(0, Math.min(differ.size(), 30));
  }

  private static boolean hasWords(String text) {
    for (int code : CodePoints.of(text)) {
      if (Characters.isLetterOrNumber(code)) {
        return true;
      }
    }
    return false;
  }

  static Set<String> knownWords(String tag) throws IOException {
    File file = new File(Packs.REPOSITORY, "tests/golden/text/known_words.json");
    Set<String> known = new HashSet<>();
    for (Object word : Json.array(Json.parseObject(Files.readAllBytes(file.toPath())).get(tag), tag)) {
      known.add((String) word);
    }
    return known;
  }

  private static void golden(Map<String, Object> row, List<String> words, List<String> spans) {
    for (Object raw : Json.array(row.get("clauses"), "clauses")) {
      Map<String, Object> clause = Json.object(raw, "a clause");
      for (Object token : Json.array(clause.get("tokens"), "tokens")) {
        if (!Mark.MARKS.contains((String) token)) {
          words.add((String) token);
        }
      }
      for (Object word : Json.array(clause.get("words"), "words")) {
        List<Object> places = Json.array(word, "a word");
        spans.add(places.get(0) + "-" + places.get(1));
      }
    }
  }

  private static void scan(String text, Pack pack, Set<String> known, List<String> words, List<String> spans) {
    RuleContext context = new RuleContext();
    context.known = known::contains;
    Iterator<Item> items =
        new Scanner.Builder(pack.normalization(), SourcePiece.plain(text))
            .context(context)
            .phones(IPA)
            .inlinePhones(true)
            .build();
    while (items.hasNext()) {
      Item item = items.next();
      if (item instanceof Word) {
        words.add(item.toString());
        spans.add(((Word) item).spanStart + "-" + ((Word) item).spanEnd);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"en", "fr"})
  void aTextIsReadTheSameTwice(String tag) throws IOException {
    Pack pack = Packs.known(tag);
    String text = Packs.cases(tag).get(0)[0];
    assertEquals(Packs.say(text, pack), Packs.say(text, pack));
    assertEquals(Collections.emptyList(), differencesOfThreads(pack, tag));
  }

  private static List<String> differencesOfThreads(Pack pack, String tag) throws IOException {
    List<String[]> cases = Packs.cases(tag);
    List<String> differ = Collections.synchronizedList(new ArrayList<String>());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Thread thread =
          new Thread(
              () -> {
                for (String[] row : cases) {
                  String said = Packs.say(row[0], pack);
                  if (!said.equals(row[1])) {
                    differ.add(row[0] + ": " + said);
                  }
                }
              });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
    return differ;
  }
}
