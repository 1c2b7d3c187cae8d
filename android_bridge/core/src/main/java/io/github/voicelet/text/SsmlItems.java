package io.github.voicelet.text;

import io.github.voicelet.text.pack.RuleContext;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;

/** The items of an SSML document, lazily: each stretch of one style is read by itself, and the marks in it change nothing. */
final class SsmlItems implements Iterator<Item> {
  private final List<SsmlEvent> events;
  private final TextItems items;
  private final RuleContext context = new RuleContext();
  private final Queue<Item> ready = new ArrayDeque<>();
  private Iterator<Item> current = Collections.<Item>emptyList().iterator();
  private int at;

  /** Of a parsed document, read as {@code items} does where it doesn't say otherwise. */
  SsmlItems(List<SsmlEvent> events, TextItems items) {
    this.events = events;
    this.items = items;
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty()) {
      if (current.hasNext()) {
        ready.add(current.next());
      } else if (at < events.size()) {
        take(events.get(at));
      } else {
        return false;
      }
    }
    return true;
  }

  @Override
  public Item next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  private void take(SsmlEvent event) {
    if (event instanceof SsmlEvent.Text || event instanceof SsmlEvent.Named) {
      stretch();
      return;
    }
    at++;
    if (event instanceof SsmlEvent.Say) {
      SsmlEvent.Say say = (SsmlEvent.Say) event;
      TextItems inner = inside(say.style);
      current = inner.inLanguage(say(say, inner));
    } else if (event instanceof SsmlEvent.Break) {
      ready.add(new Pause(((SsmlEvent.Break) event).pauseMs));
    } else {
      context.previous = "";
      ready.add(((SsmlEvent.Block) event).paragraph ? Boundary.PARAGRAPH : Boundary.LINE);
    }
  }

  /** How a stretch is read: its prosody holds from here on, and its language's lexicon is asked. */
  private TextItems inside(SsmlEvent.Style style) {
    ready.add(new SetProsody(style.prosody));
    TextItems inner = items.within(style.language);
    context.known = inner.known();
    return inner;
  }

  /** Text of one style and the marks in it. */
  private void stretch() {
    List<SourcePiece> pieces = new ArrayList<>();
    List<SsmlEvent.Named> marks = new ArrayList<>();
    SsmlEvent.Style style = null;
    for (; at < events.size(); at++) {
      SsmlEvent event = events.get(at);
      if (event instanceof SsmlEvent.Named) {
        marks.add((SsmlEvent.Named) event);
      } else if (event instanceof SsmlEvent.Text && (style == null || style.isLike(((SsmlEvent.Text) event).style))) {
        pieces.add(((SsmlEvent.Text) event).piece);
        style = ((SsmlEvent.Text) event).style;
      } else {
        break;
      }
    }
    if (style == null) {
      for (SsmlEvent.Named mark : marks) {
        ready.add(new NamedMark(mark.name));
      }
      return;
    }
    boolean ends = at == events.size() || events.get(at) instanceof SsmlEvent.Block;
    TextItems inner = inside(style);
    Iterator<Item> scanned = inner.scan(pieces.iterator(), false, ends, style.emphasis, context);
    current = new ItemStream(inner.inLanguage(scanned), new Marks(marks));
  }

  /** Puts every mark before the first word that stands behind it in the source. */
  private static final class Marks implements ItemStream.Step {
    private final Queue<SsmlEvent.Named> marks;

    Marks(List<SsmlEvent.Named> marks) {
      this.marks = new ArrayDeque<>(marks);
    }

    @Override
    public void take(Item item, Queue<Item> out) {
      if (item instanceof Word) {
        while (!marks.isEmpty() && marks.peek().position <= ((Word) item).spanStart) {
          out.add(new NamedMark(marks.remove().name));
        }
      }
      out.add(item);
    }

    @Override
    public void end(Queue<Item> out) {
      while (!marks.isEmpty()) {
        out.add(new NamedMark(marks.remove().name));
      }
    }
  }

  private Iterator<Item> say(SsmlEvent.Say say, TextItems inner) {
    SourcePiece source = say.source;
    if (say.phones != null) {
      Word.Builder word = new Word.Builder(Notation.letters(source.text), source.start, source.end);
      return Collections.<Item>singletonList(word.phones(say.phones).emphasis(say.style.emphasis).build()).iterator();
    }
    String text = say.alias == null ? source.text : say.alias;
    if (!say.interpret.isEmpty()) {
      List<Token> said =
          new SayAs(inner.language().pack.normalization(), say.style.emphasis)
              .tokens(text, say.interpret, say.format, source.start, source.end);
      if (said != null) {
        return new ArrayList<Item>(said).iterator();
      }
    }
    Iterator<SourcePiece> piece = Collections.singletonList(new SourcePiece(text, source.start, source.end)).iterator();
    return inner.scan(piece, false, false, say.style.emphasis, context);
  }
}
