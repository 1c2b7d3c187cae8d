package io.github.voicelet.synth;

import io.github.voicelet.signal.FloatQueue;
import io.github.voicelet.trust.watermark.ClauseMark;

/** A rendering whose samples leave it marked. */
final class MarkedRendering implements Rendering {
  private final Rendering inner;
  private final int hop;
  private final MarkFilter filter;
  private final int ahead;
  private final FloatQueue fresh;
  private final FloatQueue ready;
  private int rendered;
  private int given;

  MarkedRendering(Rendering inner, ClauseMark mark, int hop, int rateHz) {
    this.inner = inner;
    this.hop = hop;
    filter = new MarkFilter(mark, rateHz);
    ahead = (filter.delay() + hop - 1) / hop;
    fresh = new FloatQueue(64 * hop);
    ready = new FloatQueue(64 * hop);
  }

  @Override
  public int frames() {
    return inner.frames();
  }

  @Override
  public double[] endsS() {
    return inner.endsS();
  }

  @Override
  public void advance(int last, FloatQueue out) {
    int target = Math.min(frames(), last + ahead); // the filter looks ahead
    if (target > rendered) {
      inner.advance(target, fresh);
      rendered = target;
      filter.filter(fresh, target >= frames(), ready);
    }
    int count = Math.min(Math.min(last, frames()) * hop - given, ready.size());
    given += count;
    out.add(ready.array(), ready.start(), count);
    ready.drop(count);
  }
}
