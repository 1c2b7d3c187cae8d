package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CharacterNames;
import io.github.voicelet.text.pack.homograph.Homographs;
import io.github.voicelet.text.pack.pattern.Macros;
import io.github.voicelet.text.pack.pattern.PortablePattern;
import io.github.voicelet.text.unicode.Case;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A language pack, opened: what it says of written text, and its files for whoever reads the rest of it.
 *
 * <p>Threads may share one.
 */
public final class Pack {
  private static final String HOMOGRAPHS = "homographs.json";
  private static final int MAX_WEIGHTS_BYTES = 8 << 20;

  private final PackContent content;
  private final boolean check;
  private final Tables tables;
  private final Macros macros;
  private final Normalization normalization;
  private final PackRules rules;
  private final PortablePattern contraction;
  private final PortablePattern heading;
  private volatile NumberRules numbers;
  private volatile TemplateParts parts;
  private volatile CharacterNames names;
  private volatile Homographs homographs;

  private Pack(PackContent content, boolean check, List<UserRules> users) {
    this.content = content;
    this.check = check;
    tables = new Tables(content.tables, content.rules.sets, content.place());
    macros = new Macros(content.rules.macros, tables, check);
    PackConfig config = content.config;
    contraction = pattern(config.contraction, "contraction");
    heading = pattern(config.chapterHeading, "chapter_heading");
    PackRules own = new RuleMaker(macros, this::parts, place(PackContent.RULES)).rules(content.rules.rules, check);
    List<PackRules> others = new ArrayList<>();
    List<Rule> letters = new ArrayList<>();
    for (UserRules user : users) {
      PackRules made = userRules(user);
      others.add(made);
      letters.addAll(made.byPlace.get("letter"));
    }
    rules = own.behind(others);
    normalization = new Normalization(content, rules, letters, contraction);
  }

  /**
   * Open a pack and look into all that this class reads, so that whatever is wrong is found now.
   *
   * @param parents find the packs that it inherits from.
   * @throws PackException a file is missing, wrong or too large; the message names the file and the rule.
   */
  public static Pack open(PackFiles files, PackParents parents) {
    Pack pack = new Pack(PackContent.read(files, parents), true, Collections.<UserRules>emptyList());
    pack.checkRest();
    return pack;
  }

  /**
   * Open a pack that is known to be right, as those of voicelet: only what is used is made.
   *
   * @throws PackException a file is missing, wrong or too large.
   */
  public static Pack openKnown(PackFiles files, PackParents parents) {
    return new Pack(PackContent.read(files, parents), false, Collections.<UserRules>emptyList());
  }

  /**
   * This pack with a user's own rules, which are tried before its own and always checked.
   *
   * @throws PackException one of them is wrong.
   */
  public Pack withUserRules(List<UserRules> users) {
    return new Pack(content, check, users);
  }

  private PackRules userRules(UserRules user) {
    Tables own = new Tables(content.tables, RulesConfig.merged(content.rules.sets, user.rules.sets), user.where);
    Macros all = new Macros(RulesConfig.merged(content.rules.macros, user.rules.macros), own, true);
    TemplateParts with = new TemplateParts(content.config, own, this::numbers);
    return new RuleMaker(all, () -> with, user.where).rules(user.rules.rules, true);
  }

  private PortablePattern pattern(String source, String name) {
    return source == null ? null : new PortablePattern(source, macros, content.place() + ", " + name);
  }

  private void checkRest() {
    try {
      numbers().check();
    } catch (PackException e) {
      throw located(e);
    }
    for (PortablePattern pattern : Arrays.asList(contraction, heading)) {
      if (pattern != null) {
        pattern.prepare();
      }
    }
    for (String name : content.tables.keySet()) {
      tables.table(name);
    }
    characters();
    homographs();
  }

  /** What messages call one of its files. */
  public String place(String name) {
    return content.readers.get(0).place(name);
  }

  /** pack.json, what is inherited merged into it. */
  public PackConfig config() {
    return content.config;
  }

  /** Whether it was checked whole when it was opened. */
  public boolean isChecked() {
    return check;
  }

  /** A file of this pack, or else of the nearest that it inherits from; null for none. */
  public byte[] file(String name) {
    List<byte[]> found = files(name);
    return found.isEmpty() ? null : found.get(0);
  }

  /** That file of this pack and of all that it inherits from, the nearest first. */
  public List<byte[]> files(String name) {
    List<byte[]> found = new ArrayList<>();
    for (PackReader reader : content.readers) {
      byte[] bytes = reader.bytes(name);
      if (bytes != null) {
        found.add(bytes);
      }
    }
    return found;
  }

  /** Files of this pack in the order of their names, then those of the pack that it inherits from, and so on. */
  public List<byte[]> files(List<String> names) {
    List<byte[]> found = new ArrayList<>();
    for (PackReader reader : content.readers) {
      for (String name : names) {
        byte[] bytes = reader.bytes(name);
        if (bytes != null) {
          found.add(bytes);
        }
      }
    }
    return found;
  }

  /** That file of this pack alone, and not of those that it inherits from; null for none. */
  public byte[] ownFile(String name) {
    return content.readers.get(0).bytes(name);
  }

  /**
   * A JSON file, that of each pack merged into the one that it inherits from; null where none has it.
   *
   * @throws PackException it isn't one object.
   */
  public Map<String, Object> inherited(String name) {
    Map<String, Object> merged = null;
    for (int i = content.readers.size() - 1; i >= 0; i--) {
      Map<String, Object> own = content.readers.get(i).json(name);
      if (own != null) {
        merged = merged == null ? own : PackReader.merged(merged, own);
      }
    }
    return merged;
  }

  /** How written text is read as words. */
  public Normalization normalization() {
    return normalization;
  }

  /** Whether a line of plain text heads a chapter. */
  public boolean isChapterHeading(String line) {
    return heading != null && heading.fullMatch(Case.lower(line)) != null;
  }

  /**
   * The names of marks, letters and keys.
   *
   * @throws PackException a table of them is wrong.
   */
  public CharacterNames characters() {
    CharacterNames known = names;
    if (known == null) {
      known = NameTables.read(tables);
      names = known;
    }
    return known;
  }

  /**
   * Which sense of a word is meant; null where the pack doesn't say.
   *
   * @throws PackException homographs.json or its weights are wrong.
   */
  public Homographs homographs() {
    Homographs known = homographs;
    if (known == null) {
      Map<String, Object> raw = inherited(HOMOGRAPHS);
      if (raw == null) {
        return null;
      }
      String weights = Homographs.weightsOf(raw);
      known = new Homographs(raw, weights == null ? null : weights(weights), place(HOMOGRAPHS), check);
      homographs = known;
    }
    return known;
  }

  private byte[] weights(String name) {
    byte[] found = name.isEmpty() || name.contains("/") || name.contains("\\") ? null : file(name);
    if (found == null) {
      throw new PackException(place(HOMOGRAPHS) + ": there is no file '" + name + "' beside it");
    }
    if (found.length > MAX_WEIGHTS_BYTES) {
      throw new PackException(place(name) + ": larger than " + (MAX_WEIGHTS_BYTES >> 20) + " MiB");
    }
    return found;
  }

  private TemplateParts parts() {
    TemplateParts known = parts;
    if (known == null) {
      try {
        known = new TemplateParts(content.config, tables, this::numbers);
      } catch (PackException e) {
        throw located(e);
      }
      parts = known;
    }
    return known;
  }

  private NumberRules numbers() {
    NumberRules known = numbers;
    if (known == null) {
      try {
        known = readNumbers();
      } catch (PackException e) {
        throw located(e);
      }
      numbers = known;
    }
    return known;
  }

  private PackException located(PackException e) {
    String message = String.valueOf(e.getMessage());
    return message.startsWith(content.place()) ? e : new PackException(content.place() + ": " + message, e);
  }

  private NumberRules readNumbers() {
    PackConfig config = content.config;
    NumberRules made =
        new NumberRules(
            content.numbers, new Plurals(config.plurals), new Plurals(config.ordinalPlurals), config.decimal);
    Set<String> used = new LinkedHashSet<>(Arrays.asList(config.numbers.cardinal, config.numbers.year));
    used.addAll(config.numbers.genders.values());
    for (String name : used) {
      if (!content.numbers.isEmpty() && !name.equals(NumberConfig.DEFAULT_YEAR) && !made.has(name)) {
        throw new PackException(
            PackContent.PACK
                + ": there are no number rules '"
                + name
                + "'"
                + Nearest.didYouMean(name, made.names())
                + "; add them to numbers.rbnf");
      }
    }
    return made;
  }
}
