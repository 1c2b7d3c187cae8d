package io.github.voicelet.text.pronunciation;

import io.github.voicelet.PackException;
import io.github.voicelet.text.pack.Settings;
import io.github.voicelet.text.pack.pattern.Macros;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Letters to phones by ordered rewriting rules ({@code letters.json}), for languages that are written as they are
 * said. Safe to share between threads.
 */
public final class LetterRules {
  private static final int MAX_PASSES = 40;

  private final List<RewritingPass> passes = new ArrayList<>();

  /**
   * @param data the object of {@code letters.json}.
   * @param where its name for messages.
   * @param check whether its patterns are looked into at once; without, they are known to be right.
   * @throws PackException a key isn't known, or a rule is wrong.
   */
  public LetterRules(Map<String, Object> data, String where, boolean check) {
    try (Settings all = new Settings(data, where)) {
      if (all.integer("format") != 1) {
        throw all.error("letter rules have format 1, not " + all.integer("format"));
      }
      Macros macros = new Macros(all.texts("macros"), Inflection.NO_SETS, check);
      List<?> rows = all.list("passes");
      if (rows.size() > MAX_PASSES) {
        throw all.error("letter rules have at most " + MAX_PASSES + " passes");
      }
      for (Object row : rows) {
        passes.add(pass(all.of(row, "passes"), macros));
      }
      all.has("license");
      all.has("sources");
    }
  }

  private static RewritingPass pass(Settings entry, Macros macros) {
    entry.has("name");
    String left = entry.string("left", "input");
    String rest = entry.string("rest", "keep");
    if (!(left.equals("input") || left.equals("output")) || !(rest.equals("keep") || rest.equals("drop"))) {
      throw entry.error("left is input or output, and rest is keep or drop");
    }
    RewritingPass pass = new RewritingPass(entry, macros, left.equals("output"), rest.equals("drop"));
    entry.close();
    return pass;
  }

  /** Phones of a word in lower case; "" where no rule fits a letter of it. */
  public String phones(String word) {
    String text = word;
    for (RewritingPass pass : passes) {
      text = pass.rewrite(text);
    }
    return text;
  }
}
