package io.github.voicelet.text;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.Set;

/**
 * Words and marks become clauses, as they come: what is synthesized in one piece, and the pauses between them.
 *
 * <p>A clause is a sentence where that is short enough; {@link ClauseCuts} cuts longer ones. The first clause of a text ends at
 * its first comma if something has been said by then, so that the listener waits less.
 */
final class Segmenter implements Iterator<Clause> {
  private static final int MIN_REST_CHARS = 15;
  private static final Mark OPENING = new Mark("(");
  private static final Mark CLOSING = new Mark(")");
  private static final Mark QUOTE = new Mark("\"");

  private final Iterator<? extends Item> items;
  private final ClauseCuts cuts;
  private final Pauses pauses;
  private final Queue<Clause> ready = new ArrayDeque<>();
  private boolean isOver;

  private List<Token> tokens = new ArrayList<>();
  private int chars;
  private int words;
  private ClauseEnd end;
  private boolean quoted;
  private boolean first = true;

  /** Where the first clause may end: tokens and characters up to there; 0 tokens for nowhere. */
  private int earlyTokens;

  private int earlyChars;
  private Prosody prosody = Prosody.PLAIN;

  /** SSML marks that no word has come after yet. */
  private List<String> names = new ArrayList<>();

  /** Those before the first word of the clause. */
  private List<String> leading = new ArrayList<>();

  private List<InnerMark> inner = new ArrayList<>();

  /** Whether a parenthesis opened just before. */
  private boolean opens;

  private boolean aside;

  /** Whether the aside began with a sentence, so that it may hold several. */
  private boolean whole;

  /**
   * Cuts items into clauses.
   *
   * @param maxClauseChars soft limit of a clause in spoken characters, at least 40.
   * @param conjunctions lower-case words before which a long sentence may be cut.
   * @param pauses how long the language pauses.
   */
  Segmenter(Iterator<? extends Item> items, int maxClauseChars, Set<String> conjunctions, Pauses pauses) {
    this.items = items;
    this.pauses = pauses;
    cuts = new ClauseCuts(maxClauseChars, conjunctions);
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && !isOver) {
      if (items.hasNext()) {
        take(items.next());
      } else {
        isOver = true;
        finish();
      }
    }
    return !ready.isEmpty();
  }

  @Override
  public Clause next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  private void take(Item item) {
    if (item instanceof Word) {
      word((Word) item);
    } else if (item instanceof Mark) {
      mark((Mark) item);
    } else if (item instanceof Boundary) {
      reach(ClauseEnd.closing(((Boundary) item).paragraph ? pauses.paragraphMs : pauses.sentenceMs, true));
      quoted = false;
    } else if (item instanceof Pause) {
      if (words > 0) {
        placeMarks(tokens.size());
      }
      pause(((Pause) item).pauseMs);
    } else if (item instanceof NamedMark) {
      if (end != null && words == 0) {
        flush(); // a break comes before it
      }
      names.add(((NamedMark) item).name);
    } else if (!((SetProsody) item).prosody.equals(prosody)) {
      flush();
      prosody = ((SetProsody) item).prosody;
    }
  }

  private void finish() {
    if (end == null || !end.explicit) {
      end = ClauseEnd.closing(0, false);
    }
    flush();
    if (!names.isEmpty()) {
      give(Collections.<Token>emptyList(), 0, false, false);
    }
  }

  private void reach(ClauseEnd reached) {
    if (end == null) {
      end = words > 0 ? reached : null;
    } else if (!end.explicit) {
      end.pauseMs = Math.max(end.pauseMs, reached.pauseMs);
      end.sentence = true;
      end.closing |= reached.closing;
      end.aside |= reached.aside;
    } else {
      end.sentence = true;
    }
  }

  private void pause(int pauseMs) {
    if (end == null) {
      end = pauseMs > 0 ? ClauseEnd.explicit(pauseMs) : null;
      return;
    }
    int before = end.explicit ? end.pauseMs : 0;
    end.pauseMs = Math.min(before + pauseMs, Pauses.MAX_PAUSE_MS);
    end.explicit = true;
  }

  private void word(Word word) {
    if (end != null) {
      continueSentence(word);
      flush();
    }
    if (opens) {
      open(word);
    }
    if (words > 0) {
      placeMarks(tokens.size());
    } else {
      leading.addAll(names);
      names = new ArrayList<>();
    }
    tokens.add(word);
    words++;
    chars += ClauseCuts.spokenChars(word);
    if (earlyTokens > 0 && chars - earlyChars >= MIN_REST_CHARS) {
      cut(earlyTokens);
    }
    while (chars > cuts.hardLimit()) {
      cut(cuts.best(tokens));
    }
  }

  /** Take back the end of a sentence where a word in small letters goes on with it. */
  private void continueSentence(Word word) {
    String last = ClauseMarks.lastStrong(tokens);
    if (end.closing || !ClauseCuts.beginsSmall(word.text)) {
      return;
    }
    if (last.equals("…")) { // "Well… perhaps": a hesitation, not an end
      for (int i = 0; i < tokens.size(); i++) {
        if (tokens.get(i).equals(ClauseMarks.ELLIPSIS)) {
          tokens.set(i, ClauseMarks.COMMA);
        }
      }
      goOn(pauses.ellipsisMs);
    } else if (last.equals("?") || last.equals("!")) {
      Token closer = tokens.get(tokens.size() - 1);
      if (closer.equals(QUOTE) || closer.equals(CLOSING)) { // '"Really?" he asked'
        goOn(pauses.clauseMs);
      }
    }
  }

  private void goOn(int pauseMs) {
    end.sentence = false;
    if (!end.explicit) {
      end.pauseMs = pauseMs;
    }
  }

  private void mark(Mark mark) {
    String text = mark.text;
    if (text.equals("—")) {
      dash();
      return;
    }
    if (opens) {
      if (text.equals(")")) {
        opens = false; // there is nothing in it
        return;
      }
      open(null);
    }
    boolean opening = text.equals("(") || (text.equals("\"") && !quoted);
    if (text.equals("\"")) {
      quoted = !quoted;
    }
    if (opening) {
      if (end != null) {
        flush();
      }
    } else if (end != null && (end.explicit || ClauseMarks.WEAK.contains(text))) {
      return;
    }
    if (!ClauseMarks.allow(tokens, text, opening)) {
      return;
    }
    if (text.equals("(") && !aside) {
      opens = true;
      return;
    }
    tokens.add(mark);
    if (text.equals(")") && aside && words > 0) {
      if (end == null) {
        end = new ClauseEnd(pauses.asideMs, false);
      }
      end.aside = true;
    } else if (ClauseMarks.STRONG.contains(text)) {
      ClauseEnd reached = new ClauseEnd(text.equals("…") ? pauses.trailedOffMs : pauses.sentenceMs, true);
      reached.aside = !whole;
      reach(reached);
    } else if (first && !opening && earlyTokens == 0 && chars >= ClauseCuts.MIN_CLAUSE_CHARS) {
      earlyTokens = tokens.size();
      earlyChars = chars;
    }
  }

  /** A clause ends at a dash, as at a comma, but with a longer pause. */
  private void dash() {
    if (end == null && words > 0) {
      if (ClauseMarks.allow(tokens, ",", false)) {
        tokens.add(ClauseMarks.COMMA);
      }
      end = new ClauseEnd(pauses.dashMs, false);
    }
  }

  /** Begin an aside, now that it is known what follows its parenthesis. */
  private void open(Word word) {
    opens = false;
    Word before = null;
    for (int i = tokens.size() - 1; i >= 0 && before == null; i--) {
      before = tokens.get(i) instanceof Word ? (Word) tokens.get(i) : null;
    }
    boolean glued = word != null && before != null && word.spanStart - before.spanEnd == 1; // "word(s)"
    if (before != null && !glued) {
      if (!(tokens.get(tokens.size() - 1) instanceof Mark)) {
        tokens.add(ClauseMarks.COMMA);
      }
      end = new ClauseEnd(pauses.asideMs, false);
      flush();
    }
    aside = !glued;
    whole = before == null;
    tokens.add(OPENING);
  }

  /** The SSML marks that wait are reached before this token. */
  private void placeMarks(int at) {
    for (String name : names) {
      inner.add(new InnerMark(name, at));
    }
    names = new ArrayList<>();
  }

  /** Give the first tokens as a clause; the sentence goes on. */
  private void cut(int count) {
    List<Token> head = tokens.subList(0, count);
    List<Token> rest = new ArrayList<>(tokens.subList(count, tokens.size()));
    List<InnerMark> later = new ArrayList<>();
    List<String> next = new ArrayList<>();
    List<InnerMark> here = new ArrayList<>();
    for (InnerMark mark : inner) {
      if (mark.at < count) {
        here.add(mark);
      } else if (mark.at == count) {
        next.add(mark.name);
      } else {
        later.add(new InnerMark(mark.name, mark.at - count));
      }
    }
    inner = here;
    give(head, head.get(count - 1) instanceof Mark ? pauses.clauseMs : 0, false, false);
    tokens = rest;
    chars = 0;
    words = 0;
    for (Token token : rest) {
      chars += ClauseCuts.spokenChars(token);
      words += token instanceof Word ? 1 : 0;
    }
    leading = next;
    inner = later;
  }

  /** Give what was gathered so far, with the end that was reached, if any. */
  private void flush() {
    List<Token> gathered = tokens;
    ClauseEnd reached = end == null ? new ClauseEnd(0, false) : end;
    boolean hadWords = words > 0;
    String strong = ClauseMarks.lastStrong(tokens);
    tokens = new ArrayList<>();
    chars = 0;
    words = 0;
    end = null;
    if (hadWords) {
      if (reached.closing && strong.isEmpty()) {
        Token last = gathered.get(gathered.size() - 1);
        if (last instanceof Mark && ClauseMarks.WEAK.contains(last.text())) {
          gathered.remove(gathered.size() - 1);
        }
        gathered.add(ClauseMarks.STOP);
      }
      give(gathered, reached.pauseMs, reached.sentence, reached.explicit);
    } else if (reached.explicit) {
      give(Collections.<Token>emptyList(), reached.pauseMs, false, true);
    }
    if (reached.aside) {
      aside = false;
    }
  }

  private void give(List<Token> given, int pauseMs, boolean sentence, boolean isFixed) {
    List<String> before = leading;
    List<InnerMark> within = new ArrayList<>();
    for (InnerMark mark : inner) {
      within.add(new InnerMark(mark.name, Math.min(mark.at, given.size())));
    }
    leading = new ArrayList<>();
    inner = new ArrayList<>();
    earlyTokens = 0;
    if (given.isEmpty()) {
      before = names;
      names = new ArrayList<>();
    } else {
      first = false;
    }
    ready.add(new Clause(ClauseMarks.settled(given), pauseMs, prosody, before, sentence, within, aside, isFixed));
  }
}
