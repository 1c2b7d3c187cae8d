package io.github.voicelet.text;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Queue;

/** Items that become others, as they come. */
final class ItemStream implements Iterator<Item> {
  /** What becomes of one. */
  interface Step {
    /** Give what an item becomes: nothing, itself, others. */
    void take(Item item, Queue<Item> out);

    /** Give what follows the last item. */
    default void end(Queue<Item> out) {}
  }

  private final Iterator<? extends Item> items;
  private final Step step;
  private final Queue<Item> ready = new ArrayDeque<>();
  private boolean isOver;

  ItemStream(Iterator<? extends Item> items, Step step) {
    this.items = items;
    this.step = step;
  }

  /** Some items before others. */
  static Iterator<Item> chained(Collection<? extends Item> before, Iterator<? extends Item> items) {
    ItemStream stream = new ItemStream(items, (item, out) -> out.add(item));
    stream.ready.addAll(before);
    return stream;
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && !isOver) {
      if (items.hasNext()) {
        step.take(items.next(), ready);
      } else {
        isOver = true;
        step.end(ready);
      }
    }
    return !ready.isEmpty();
  }

  @Override
  public Item next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }
}
