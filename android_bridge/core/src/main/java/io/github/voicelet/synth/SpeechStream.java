package io.github.voicelet.synth;

import io.github.voicelet.signal.FloatQueue;
import io.github.voicelet.signal.Philox;
import io.github.voicelet.text.InnerMark;
import io.github.voicelet.text.PhoneClause;
import io.github.voicelet.text.SpokenWord;
import io.github.voicelet.text.TextPlaces;
import io.github.voicelet.trust.watermark.Watermark;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * One utterance on its way out: chunks, made when they are asked for.
 *
 * <p>A clause is encoded once.  Its frames are then made into samples in stretches, the first short so that sound leaves early, the
 * later ones long so that little is computed twice.  One thread takes the chunks; {@link #cancel} may come from any.
 */
public final class SpeechStream implements Iterator<AudioChunk> {
  private static final int MAX_PAUSE_MS = 60_000;
  private static final double ENDING_S = 0.2; // silence behind the last word: players cut what comes last
  private static final double PAUSE_CHUNK_S = 1.0;

  private final Synthesizer synthesizer;
  private final Watermark watermark;
  private final int[] firstStretches;
  private final int stretchFrames;
  private final float[] speaker;
  private final Controls controls;
  private final boolean capitalTones;
  private final Iterator<PhoneClause> clauses;
  private final TextPlaces places;
  private final int rate;
  private final Cancellation cancellation = new Cancellation();

  // The stream so far.
  private final Deque<AudioChunk> ready = new ArrayDeque<>();
  private final Deque<PhoneClause> parts = new ArrayDeque<>();
  private AudioChunk pending; // the end of a clause, until it is known whether it is the last
  private boolean over;
  private RuntimeException failure;
  private int stretches;
  private int spoken; // clauses
  private long position; // samples
  private int place; // in the text, in code points
  private boolean started;
  private boolean paused;

  // The clause under way.
  private boolean inClause;
  private Rendering rendering;
  private OutputStage output;
  private CapitalTones tones;
  private final FloatQueue made = new FloatQueue(1 << 14);
  private int rendered;
  private int pause;
  private List<WordTiming> words = new ArrayList<>();
  private List<MarkTiming> marks = new ArrayList<>();

  SpeechStream(
      Synthesizer synthesizer, Watermark watermark, int[] firstStretches, int stretchFrames, float[] speaker,
      Controls controls, boolean capitalTones, Iterator<PhoneClause> clauses, String text) {
    this.synthesizer = synthesizer;
    this.watermark = watermark;
    this.firstStretches = firstStretches;
    this.stretchFrames = stretchFrames;
    this.speaker = speaker;
    this.controls = controls;
    this.capitalTones = capitalTones;
    this.clauses = clauses;
    places = new TextPlaces(text);
    rate = synthesizer.vocoder.rateHz;
  }

  /** End the stream, from any thread: taking the next chunk throws, within tens of milliseconds where it is under way. */
  public void cancel() {
    cancellation.cancel();
  }

  /**
   * Whether there is another chunk; it is made now.
   *
   * @throws io.github.voicelet.CancelledSpeechException {@link #cancel} was called.
   * @throws io.github.voicelet.TextException the text can't be spoken.  What ended the stream is thrown again by later calls.
   */
  @Override
  public boolean hasNext() {
    if (failure != null) {
      throw failure;
    }
    try {
      while (ready.isEmpty() && !over) {
        step();
      }
    } catch (RuntimeException e) {
      failure = e; // half a clause isn't gone on with
      rendering = null;
      throw e;
    }
    return !ready.isEmpty();
  }

  /** The next chunk; errors are those of {@link #hasNext}. */
  @Override
  public AudioChunk next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the stream is over");
    }
    return ready.remove();
  }

  /** Make a chunk, or go on to the next clause. */
  private void step() {
    if (!inClause) {
      nextClause();
    } else if (rendering != null) {
      stretch();
    } else if (pause > 0 || !marks.isEmpty()) {
      cancellation.check();
      int count = Math.min(pause, (int) (PAUSE_CHUNK_S * rate));
      pause -= count;
      give(chunk(new float[count], true), pause == 0);
    } else {
      inClause = false;
    }
  }

  private void nextClause() {
    if (parts.isEmpty() && clauses.hasNext()) {
      parts.addAll(ClauseSplitter.split(clauses.next()));
    }
    if (!parts.isEmpty()) {
      begin(parts.remove());
    } else if (!clauses.hasNext()) {
      over = true;
      if (pending != null) {
        float[] samples = pending.samples();
        int ending = paused ? 0 : (int) Math.rint(ENDING_S * rate);
        ready.add(pending.ending(Arrays.copyOf(samples, samples.length + ending)));
        pending = null;
      }
    }
  }

  private void begin(PhoneClause clause) {
    cancellation.check();
    inClause = true;
    words = new ArrayList<>();
    marks = new ArrayList<>();
    double now = (double) position / rate;
    for (String mark : clause.marks) {
      marks.add(new MarkTiming(mark, now));
    }
    Controls requested = Intonation.ofClause(controls, clause);
    pause = pauseSamples(clause, requested.speed);
    paused = pause > 0 || (paused && clause.phones.isEmpty());
    if (clause.phones.isEmpty()) {
      return;
    }
    // A clause draws from a generator of its own, whatever was said before it.
    Philox random = new Philox(controls.seed, spoken++);
    rendering =
        synthesizer.begin(
            clause, speaker, requested, random, watermark.clause(Phones.firstWord(clause.phones)), cancellation);
    double[] ends = rendering.endsS();
    List<Double> capitals = new ArrayList<>();
    for (SpokenWord word : clause.words) {
      // Token 0 is the pad before the first phone.
      words.add(
          new WordTiming(
              word.text,
              word.spanStart,
              word.spanEnd,
              ends[word.phoneStart] + now,
              ends[Math.max(word.phoneEnd, word.phoneStart + 1)] + now));
      if (word.capital && capitalTones) {
        capitals.add(ends[word.phoneStart]);
      }
    }
    for (InnerMark mark : clause.innerMarks) {
      marks.add(new MarkTiming(mark.name, now + ends[Math.min(mark.at, ends.length - 1)]));
    }
    double[] starts = new double[capitals.size()];
    for (int i = 0; i < starts.length; i++) {
      starts[i] = capitals.get(i);
    }
    tones = new CapitalTones(starts, rate);
    output = new OutputStage(clause.prosody.energy != 0 ? requested.energy : 0.0, rate);
    rendered = 0;
  }

  private void stretch() {
    rendered += stretches < firstStretches.length ? firstStretches[stretches++] : stretchFrames;
    if (rendering.frames() - rendered < stretchFrames / 8) {
      rendered = rendering.frames(); // a short remainder isn't worth a run of its own
    }
    cancellation.check();
    rendering.advance(rendered, made);
    float[] samples = made.take(made.size());
    int total = rendering.frames() * synthesizer.vocoder.hop;
    output.apply(samples, total);
    tones.add(samples);
    boolean end = rendered >= rendering.frames();
    if (end) {
      rendering = null;
    }
    give(chunk(samples, end), end && pause == 0);
  }

  /** Samples of silence after a clause: faster speech pauses less, but for breaks of SSML. */
  private int pauseSamples(PhoneClause clause, double speed) {
    int pauseMs = Math.min(Math.max(clause.pauseAfterMs, 0), MAX_PAUSE_MS);
    return (int) ((long) Math.rint(pauseMs / (clause.pauseIsFixed ? 1.0 : speed)) * rate / 1000);
  }

  private void give(AudioChunk chunk, boolean endsClause) {
    if (pending != null) {
      ready.add(pending);
      pending = null;
    }
    if (endsClause) {
      pending = chunk;
    } else {
      ready.add(chunk);
    }
  }

  /** Take what begins before the end of these samples, or all that is left at {@code end}. */
  private AudioChunk chunk(float[] samples, boolean end) {
    double startS = (double) position / rate;
    position += samples.length;
    double endS = (double) position / rate;
    int count = 0;
    while (count < words.size() && (end || words.get(count).startS() < endS)) {
      count++;
    }
    List<WordTiming> chunkWords = new ArrayList<>(count);
    int textStart = place;
    int textEnd = place;
    for (int i = 0; i < count; i++) {
      WordTiming word = words.get(i);
      textStart = i == 0 ? word.start() : textStart;
      textEnd = i == 0 ? word.end() : Math.max(textEnd, word.end());
      place = word.end();
      chunkWords.add(
          new WordTiming(
              word.text(), places.toUtf16(word.start()), places.toUtf16(word.end()), word.startS(), word.endS()));
    }
    words.subList(0, count).clear();
    int markCount = 0;
    while (markCount < marks.size() && (end || marks.get(markCount).timeS() < endS)) {
      markCount++;
    }
    List<MarkTiming> chunkMarks = new ArrayList<>(marks.subList(0, markCount));
    marks.subList(0, markCount).clear();
    boolean first = !started;
    started = true;
    return new AudioChunk(
        samples, rate, startS, places.toUtf16(textStart), places.toUtf16(textEnd), chunkWords, chunkMarks, first,
        false);
  }
}
