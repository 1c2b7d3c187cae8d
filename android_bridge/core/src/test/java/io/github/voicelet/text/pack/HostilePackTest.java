package io.github.voicelet.text.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.PackException;
import io.github.voicelet.text.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Packs of strangers: what is wrong is named, and what is too much isn't done. */
class HostilePackTest {
  private static final String TEXT = "Ab 12 km, 'tis 3 m2. Zo №7 cab! 1.5";

  private static String repeated(String text, int count) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < count; i++) {
      out.append(text);
    }
    return out.toString();
  }

  private static String refused(MemoryFiles files) {
    return assertThrows(PackException.class, files::open).getMessage();
  }

  @Test
  void theSoundPackReads() {
    assertEquals("Ab ba ten ^b kas , 'tis", Reader.say("Ab 12 km, 'tis", new MemoryFiles().open()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '¦',
      quoteCharacter = '~',
      value = {
        "pack.json¦{'format': 2, 'language': 'qaa'}¦packs/qaa/pack.json: format 2",
        "pack.json¦{'format': 1}¦packs/qaa/pack.json: key 'language' is missing",
        "pack.json¦{'format': 1, 'language': 'qab'}¦name the folder",
        "pack.json¦{'format': 1, 'language': 'qaa', 'leters': 'a'}¦did you mean 'letters'",
        "pack.json¦{'format': 1, 'language': 'qaa', 'decimal': ''}¦decimal is one sign",
        "pack.json¦{'format': 1, 'language': 'qaa', 'letters': 'É'}¦lower-case letters",
        "pack.json¦{'format': 1, 'language': 'qaa', 'pauses': {'dash_ms': 99999}}¦dash_ms is from 0 to",
        "pack.json¦{'format': 1, 'language': 'qaa', 'inherits': 'qaa'}¦circle",
        "pack.json¦{'format': 1, 'language': 'qaa', 'inherits': '../x'}¦no such pack",
        "pack.json¦{'format': 1, 'language': 'qaa', 'numbers': {'cardinal': 'm'}}¦no number rules 'm'",
        "pack.json¦{'format': 1, 'language': 'qaa', 'plurals': {'some': 'n = 1'}, NUMBERS}¦no category 'some'",
        "pack.json¦{'format': 1, 'language': 'qaa', 'contraction': '(a', NUMBERS}¦packs/qaa, contraction:",
        "rules.json¦{'rules': [{'id': 'a', 'at': 'digit', 'match': '[0-9]*', 'cases': []}]}¦'a': '*' has no bound",
        "rules.json¦{'rules': [{'id': 'a', 'at': 'digt', 'match': '1', 'cases': []}]}¦did you mean 'digit'",
        "rules.json¦{'rules': [{'id': 'a', 'at': 'digit', 'match': '1', 'cases': [{'sey': ''}]}]}¦rule 'a', case 1:",
        "rules.json¦{'rules': [{'id': 'a', 'at': 'digit', 'match': '1', 'cases': [{'say': '{n}'}]}]}¦no group 'n'",
        "rules.json¦{'rules': [{'id': 'a', 'at': 'digit', 'match': '(?<n>1)', 'cases': [{'say': '{n|of:x}'}]}]}¦'x'",
        "rules.json¦{'rules': [{'id': 'a', 'at': 'digit', 'match': '{{k}}', 'cases': []}]}¦no macro 'k'",
        "rules.json¦{'macros': {'k': '{{k}}a'}, 'rules': [{'id': 'a', 'at': 'digit', 'match': '{{k}}', 'cases': []}]}"
            + "¦circle",
        "rules.json¦[]¦expected one object",
        "rules.json¦{'sets': {}, 'sets': {}}¦not valid JSON",
        "tables/units.tsv¦key¦names the columns",
        "tables/Units.tsv¦key¦name a table in lower-case letters",
        "numbers.rbnf¦%n:&3: three;&2: two;¦line 3: the rules of a set go upwards",
        "numbers.rbnf¦%n:&0: =%m=;¦no number rules 'm'",
        "numbers.rbnf¦%n:&0: =%n=;¦without end",
        "numbers.rbnf¦%n:&5: >>;&0: $(cardinal,one{a})$;¦with 'other'",
        "cleanup.tsv¦ab¦line 1: write one character",
      })
  void whatIsWrongIsNamedWithItsFile(String name, String content, String message) {
    String numbers = "'numbers': {'cardinal': 'n', 'year': 'n'}";
    boolean isJson = name.endsWith(".json");
    String text = isJson ? MemoryFiles.json(content.replace("NUMBERS", numbers)) : content.replace('&', '\n');
    String error = refused(new MemoryFiles().put(name, text));
    assertTrue(error.contains(message), error);
    assertTrue(error.contains("qaa"), error);
  }

  @Test
  void bytesThatAreNoTextAreNamed() {
    assertTrue(refused(new MemoryFiles().put("numbers.rbnf", new byte[] {(byte) 0xC3, 0x28})).contains("not UTF-8"));
    assertTrue(refused(new MemoryFiles().put("cleanup.tsv", new byte[(4 << 20) + 1])).contains("larger than 4 MiB"));
  }

  @Test
  void aRuleThatSaysFarTooMuchDoesNotApply() {
    String ones = repeated("1", 99);
    MemoryFiles replaced =
        MemoryFiles.withCases("(?<n>1{1,9})", "[{'say': '{n|replace:1=" + ones + "|replace:1=" + ones + "}'}]");
    assertEquals("ab cd", Reader.say("ab 1111 cd", replaced.open()));
    MemoryFiles translated =
        MemoryFiles.withCases("(?<n>1{1,9})", "[{'say': '" + repeated("{n|translate:long}", 50) + "'}]")
            .put("tables/long.tsv", "key\tsaid\n1\t" + repeated("word ", 99) + "\n");
    assertEquals("ab cd", Reader.say("ab 1111 cd", translated.open()));
  }

  @Test
  void limitsAreThoseOfTheManual() {
    MemoryFiles cell = new MemoryFiles().put("tables/long.tsv", "key\tsaid\n1\t" + repeated("x", 501) + "\n");
    assertTrue(refused(cell).contains("a cell has at most 500"));
    String long101 = repeated("1", 101);
    MemoryFiles replace = MemoryFiles.withCases("(?<n>1)", "[{'say': '{n|replace:1=" + long101 + "}'}]");
    assertTrue(refused(replace).contains("at most 100"));
    String longLine = "20: " + repeated("a", 1000) + ";\n";
    MemoryFiles line = new MemoryFiles().put("numbers.rbnf", MemoryFiles.NUMBERS + longLine);
    assertTrue(refused(line).contains("longer than 1000"));
    StringBuilder rows = new StringBuilder("key\tsaid\n");
    for (int i = 0; i < 900; i++) {
      rows.append("key").append(i).append("\tx\n");
    }
    String lists = repeated("{{keys:long}}|", 1000) + "1";
    MemoryFiles list = MemoryFiles.withCases(lists, "[]").put("tables/long.tsv", rows.toString());
    assertTrue(refused(list).contains("longer than 20000"));
    assertTrue(refused(MemoryFiles.withCases("(?:a|aa){1,900}b", "[]")).contains("steps"));
  }

  @Test
  void rulesAreBoundedTogether() {
    StringBuilder all = new StringBuilder();
    StringBuilder few = new StringBuilder();
    for (int i = 0; i < 70; i++) {
      String rule = ", {'id': 'r" + i + "', 'at': 'digit', 'match': '%s[0-9]{1,250}[0-9]{1,240}x', 'cases': []}";
      all.append(rule.replace("%s", ""));
      few.append(i < 10 ? rule.replace("%s", Integer.toString(i)) : "");
    }
    String start = "{'rules': [{'id': 'r', 'at': 'digit', 'match': '1', 'cases': []}";
    assertTrue(
        refused(new MemoryFiles().put("rules.json", MemoryFiles.json(start + all + "]}"))).contains("together"));
    new MemoryFiles().put("rules.json", MemoryFiles.json(start + few + "]}")).open();
  }

  @Test
  void theCheckOfNumberRulesEnds() {
    StringBuilder bases = new StringBuilder();
    for (int i = 1; i < 800; i++) {
      bases.append(10 * i).append(": ").append(repeated("=%b=", 6)).append(";\n");
    }
    StringBuilder numbers = new StringBuilder("%n:\n0: no;\n").append(bases).append("%b:\n0: a;\n");
    for (int i = 1; i < 9; i++) {
      numbers.append(i).append(": ").append(repeated("=%c=", 6)).append(";\n");
    }
    numbers.append("%c:\n0: ").append(repeated("=%e=", 6)).append(";\n%e:\n0: e;\n%d:\n0: no;\n").append(bases);
    assertTrue(refused(new MemoryFiles().put("numbers.rbnf", numbers.toString())).contains("too often to be checked"));
  }

  @Test
  void aNumberWhoseRulesNeverEndIsReadDigitByDigit() {
    String endless = "100: =%%x=;\n%%x:\n0: =%%x=;\n";
    MemoryFiles files = new MemoryFiles().put("numbers.rbnf", MemoryFiles.NUMBERS + endless);
    assertTrue(refused(files).contains("without end"));
    assertEquals("ba no ^b kas", Reader.say("103 km", Pack.openKnown(files, tag -> null)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(?:[ab][cd]|e){1,1000}x", "(?:[ab]|cd){1,1000}", "(?:(?:a|b){1,3}c|d){1,1000}", "(?:a[bc]{1,2}){1,1000}x",
        "(?:[ab]?c){1,1000}", "(?:e(?=e|x)|[a-d]{2}){1,1000}?x"
      })
  void patternsNeedNoStack(String pattern) throws InterruptedException {
    String match = "'match': '(?<n>" + pattern + ")'";
    String rule = "{'rules': [{'id': 'r', 'at': 'letter', " + match + ", 'cases': [{'say': 'word'}]}]}";
    Pack pack = new MemoryFiles().put("rules.json", MemoryFiles.json(rule)).open();
    List<Throwable> failed = new ArrayList<>();
    for (String unit : new String[] {"e", "ac", "abac", "abc", "ababc", "cd"}) {
      String text = repeated(unit, 20_000 / unit.length());
      Thread thread = new Thread(null, () -> Reader.say(text, pack), "small", 256 << 10);
      thread.setUncaughtExceptionHandler((t, e) -> failed.add(e));
      thread.start();
      thread.join();
    }
    assertEquals(new ArrayList<Throwable>(), failed);
  }

  @ParameterizedTest
  @ValueSource(strings = {"pack.json", "rules.json", "tables/units.tsv", "numbers.rbnf", "cleanup.tsv"})
  void changedBytesAreReadOrNamed(String name) {
    byte[] sound = new MemoryFiles().read(name);
    Random random = new Random(name.hashCode());
    int opened = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] bytes = changed(sound, random);
      MemoryFiles files = new MemoryFiles().put(name, bytes);
      try {
        Reader.say(TEXT, files.open());
        opened++;
      } catch (PackException e) {
        assertTrue(e.getMessage().contains("qaa"), e.getMessage());
      } catch (RuntimeException e) {
        throw new AssertionError(new String(bytes, StandardCharsets.UTF_8), e);
      }
    }
    assertTrue(opened > 50, opened + " packs were taken");
  }

  private static byte[] changed(byte[] sound, Random random) {
    byte[] bytes = sound.clone();
    String likely = "{}[]()<>|?:;=%#,.\"'\\0123456789\t\n az-é";
    for (int i = random.nextInt(3); i >= 0; i--) {
      int at = random.nextInt(bytes.length);
      byte[] written = String.valueOf(likely.charAt(random.nextInt(likely.length()))).getBytes(StandardCharsets.UTF_8);
      int cut = random.nextInt(3);
      byte[] next = new byte[Math.max(1, bytes.length - Math.min(cut, bytes.length - at) + written.length)];
      System.arraycopy(bytes, 0, next, 0, at);
      System.arraycopy(written, 0, next, at, written.length);
      int rest = at + Math.min(cut, bytes.length - at);
      System.arraycopy(bytes, rest, next, at + written.length, bytes.length - rest);
      bytes = next;
    }
    return bytes;
  }
}
