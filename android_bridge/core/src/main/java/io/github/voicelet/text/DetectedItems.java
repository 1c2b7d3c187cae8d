package io.github.voicelet.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/** The items of plain text, each stretch of sentences of one language read by it. */
final class DetectedItems implements Iterator<Item> {
  private final String text;
  private final List<LanguageDetector.Stretch> stretches;
  private final TextItems items;
  private Iterator<Item> current = Collections.<Item>emptyList().iterator();
  private int at;
  private boolean endsWithBreak = true;

  DetectedItems(String text, List<LanguageDetector.Stretch> stretches, TextItems items) {
    this.text = text;
    this.stretches = stretches;
    this.items = items;
  }

  @Override
  public boolean hasNext() {
    return current.hasNext() || !endsWithBreak || at < stretches.size();
  }

  @Override
  public Item next() {
    while (!current.hasNext()) {
      if (!endsWithBreak) {
        endsWithBreak = true;
        return Boundary.LINE; // where the language changes, a sentence is over
      }
      if (at >= stretches.size()) {
        throw new NoSuchElementException();
      }
      open();
    }
    Item item = current.next();
    endsWithBreak = item instanceof Boundary;
    return item;
  }

  /** Go to the next stretches of one language. */
  private void open() {
    String tag = stretches.get(at).tag;
    List<SourcePiece> pieces = new ArrayList<>();
    for (; at < stretches.size() && stretches.get(at).tag.equals(tag); at++) {
      SourcePiece.plain(text, stretches.get(at).start, stretches.get(at).end).forEachRemaining(pieces::add);
    }
    TextItems inner = items.within(tag);
    current = inner.inLanguage(inner.scan(pieces.iterator(), true));
    endsWithBreak = false;
  }
}
