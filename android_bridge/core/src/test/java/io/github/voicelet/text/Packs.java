package io.github.voicelet.text;

import io.github.voicelet.text.pack.FolderFiles;
import io.github.voicelet.text.pack.Pack;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.GZIPInputStream;

/** The packs and golden files of the repository. */
final class Packs {
  static final File REPOSITORY = new File(System.getProperty("voicelet.repository"));
  static final File LANGUAGES = new File(REPOSITORY, "sdk/voicelet/languages");
  static final List<String> TAGS = Arrays.asList("en", "en-gb", "es", "fr", "it", "pt-br");

  private static final Map<String, Pack> OPENED = new ConcurrentHashMap<>();

  private Packs() {}

  /** A pack, as an app opens those that come with voicelet. */
  static Pack known(String tag) {
    return OPENED.computeIfAbsent(
        tag, t -> Pack.openKnown(new FolderFiles(new File(LANGUAGES, t)), FolderFiles.parentsIn(LANGUAGES)));
  }

  /** A pack, checked whole. */
  static Pack checked(String tag) {
    return Pack.open(new FolderFiles(new File(LANGUAGES, tag)), FolderFiles.parentsIn(LANGUAGES));
  }

  /** A text as words, marks and breaks in the notation of cases.tsv. */
  static String say(String text, Pack pack) {
    StringBuilder out = new StringBuilder();
    Iterator<Item> items = new Scanner.Builder(pack.normalization(), SourcePiece.plain(text)).build();
    while (items.hasNext()) {
      out.append(out.length() == 0 ? "" : " ").append(items.next());
    }
    return out.toString();
  }

  /** The written text and what is said, of every case of a pack. */
  static List<String[]> cases(String tag) throws IOException {
    File file = new File(new File(LANGUAGES, tag), "cases.tsv");
    List<String[]> cases = new ArrayList<>();
    for (String line : Files.readAllLines(file.toPath(), StandardCharsets.UTF_8)) {
      String[] columns = line.split("\t", -1);
      cases.add(new String[] {unescaped(columns[0]), columns[1]});
    }
    return cases;
  }

  private static String unescaped(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      char next = c == '\\' && i + 1 < text.length() ? text.charAt(i + 1) : 0;
      if (next == 'u' && text.substring(i).matches("(?s)\\\\u[0-9a-f]{4}.*")) {
        out.append((char) Integer.parseInt(text.substring(i + 2, i + 6), 16));
        i += 5;
      } else if (next == 'n' || next == 't' || next == '\\') {
        out.append(next == 'n' ? '\n' : next == 't' ? '\t' : '\\');
        i++;
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  /** The lines of a golden file; they hold lone surrogates as UTF-8 would if it might. */
  static List<String> golden(String path) throws IOException {
    List<String> lines = new ArrayList<>();
    try (InputStream in = Files.newInputStream(new File(REPOSITORY, "tests/golden/" + path).toPath());
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(new GZIPInputStream(in), StandardCharsets.ISO_8859_1))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.add(decoded(line.getBytes(StandardCharsets.ISO_8859_1)));
      }
    }
    return lines;
  }

  private static String decoded(byte[] bytes) {
    StringBuilder out = new StringBuilder(bytes.length);
    for (int i = 0; i < bytes.length; ) {
      int b = bytes[i++] & 0xFF;
      int more = b < 0x80 ? 0 : b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
      int code = more == 0 ? b : b & (0x3F >> more);
      for (int j = 0; j < more; j++) {
        code = code << 6 | (bytes[i++] & 0x3F);
      }
      out.appendCodePoint(code);
    }
    return out.toString();
  }

  /** What is counted, by name. */
  static final class Counts {
    private final Map<String, Integer> counts = new TreeMap<>();

    void add(String name) {
      counts.merge(name, 1, Integer::sum);
    }

    @Override
    public String toString() {
      return counts.toString();
    }
  }
}
