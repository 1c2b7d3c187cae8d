package io.github.voicelet.text.pack.pattern;

import io.github.voicelet.PackException;
import java.util.List;

/** A pattern of a pack; compiled when first used. Threads may share one. */
public final class PortablePattern {
  private final String source;
  private final Macros macros;
  private final String where;
  private volatile Parser.Checked checked;
  private volatile Beginning beginning;
  private volatile Program program;

  /**
   * Not yet looked at.
   *
   * @param source the pattern, with macros.
   * @param where the rule's name for messages.
   */
  public PortablePattern(String source, Macros macros, String where) {
    this.source = source;
    this.macros = macros;
    this.where = where;
  }

  /**
   * Look into it, unless the pack is known to be right.
   *
   * @throws PackException it isn't portable, or too slow.
   */
  public void check() {
    if (macros.check) {
      checked();
    }
  }

  private Parser.Checked checked() {
    Parser.Checked known = checked;
    if (known == null) {
      try {
        known = Parser.check(macros.expand(source, true));
      } catch (PackException e) {
        throw located(e);
      }
      checked = known;
    }
    return known;
  }

  private PackException located(Exception e) {
    return new PackException(where + ": " + e.getMessage(), e);
  }

  /**
   * Look into what patterns cost together that are tried one after another.
   *
   * @param where what messages call them.
   * @throws PackException a text could make them try too much.
   */
  public static void checkTogether(List<PortablePattern> patterns, String where) {
    Ranges[] firsts = new Ranges[patterns.size()];
    double[] steps = new double[firsts.length];
    for (int i = 0; i < firsts.length; i++) {
      Parser.Checked checked = patterns.get(i).checked();
      firsts[i] = checked.first;
      steps[i] = checked.steps;
    }
    double most = Ranges.peak(firsts, steps, firsts.length);
    if (most > Parser.MAX_PACK_STEPS) {
      throw new PackException(
          where
              + " try "
              + (long) most
              + " steps together; "
              + Parser.MAX_PACK_STEPS
              + " are allowed: bound their repeats lower, or let them begin with fewer characters");
    }
  }

  /** Whether a match may begin with a code point. */
  public boolean mayBegin(int code) {
    if (macros.check) {
      return checked().first.has(code);
    }
    Beginning known = beginning;
    if (known == null) {
      try {
        known = new Beginning(macros.expand(source, false), macros);
      } catch (PackException e) {
        throw located(e);
      }
      beginning = known;
    }
    return known.has(code);
  }

  /**
   * Names of its groups; the first has the number 1.
   *
   * @throws PackException the pattern is wrong.
   */
  public List<String> groups() {
    return compile().groups;
  }

  /**
   * Make it ready.
   *
   * @throws PackException the pattern is wrong.
   */
  public void prepare() {
    compile();
  }

  private Program compile() {
    Program known = program;
    if (known == null) {
      check();
      try {
        known = Program.of(Parser.parse(macros.expand(source, true)));
      } catch (PackException e) {
        throw located(e);
      }
      program = known;
    }
    return known;
  }

  /** The match that begins at a place, with all of the text around it to be seen; null for none. */
  public Match match(String text, int at) {
    return Machine.match(compile(), text, at, false);
  }

  /** Whether it matches anywhere. */
  public boolean isIn(String text) {
    Program ready = compile();
    for (int at = 0; at <= text.length(); at++) {
      boolean inside = at > 0 && at < text.length() && Character.isLowSurrogate(text.charAt(at));
      if (!inside && Machine.match(ready, text, at, false) != null) {
        return true;
      }
    }
    return false;
  }

  /** The match of the whole text; null for none. */
  public Match fullMatch(String text) {
    return Machine.match(compile(), text, 0, true);
  }
}
