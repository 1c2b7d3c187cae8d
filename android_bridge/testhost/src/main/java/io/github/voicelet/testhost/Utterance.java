package io.github.voicelet.testhost;

import io.github.voicelet.engine.SpeechEngine;
import io.github.voicelet.engine.SpeechRequest;
import io.github.voicelet.engine.SpeechSink;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/** One request at the host: it takes the speech as Android's {@code PlaybackSynthesisCallback} does, and notes what is against the rules. */
public final class Utterance {
  private static final int MAX_BUFFER_SIZE = 8192;
  private static final int STOPPED = -2;
  private static final int ERROR = -1;

  private final SpeechRequest request;
  private final Player player;
  private final Thread synthesis;
  private final List<String> violations = new ArrayList<>();
  private final List<int[]> ranges = new ArrayList<>();
  private final ByteArrayOutputStream heard = new ByteArrayOutputStream();
  private boolean stopped;
  private boolean started;
  private boolean told;
  private boolean over;
  private boolean returned;
  private int errorCode;
  private int doneCount;
  private int sampleRateHz;
  private long playedUntil;
  private int underruns;

  Utterance(SpeechRequest request, Player player, Thread synthesis) {
    this.request = request;
    this.player = player;
    this.synthesis = synthesis;
  }

  public SpeechRequest request() {
    return request;
  }

  /** What the engine did that Android forbids; empty if all was right. */
  public synchronized List<String> violations() {
    return new ArrayList<>(violations);
  }

  /** The bytes that were taken. */
  public synchronized byte[] heard() {
    return heard.toByteArray();
  }

  /** Frame, start and end of each word. */
  public synchronized List<int[]> ranges() {
    return new ArrayList<>(ranges);
  }

  /** 0, or the code of the error that the engine reported. */
  public synchronized int errorCode() {
    return errorCode;
  }

  public synchronized boolean wasStopped() {
    return stopped;
  }

  /** How often the player ran dry between two pieces. */
  public synchronized int underruns() {
    return underruns;
  }

  synchronized void stop() {
    stopped = true;
    notifyAll();
  }

  void synthesize(SpeechEngine engine) {
    synchronized (this) {
      if (stopped) {
        returned = true; // the system doesn't hand it over any more
        doneCount = 1;
        return;
      }
    }
    try {
      engine.synthesize(request, new Sink());
    } catch (RuntimeException | Error e) {
      violation("synthesize threw " + e);
    }
    synchronized (this) {
      returned = true;
      if (doneCount != 1) {
        violations.add("done was called " + doneCount + " times");
      }
      boolean silent = heard.size() == 0;
      if (silent && !stopped && errorCode == 0 && started && !request.text().trim().isEmpty()) {
        violations.add("nothing was heard, and no error reported");
      }
    }
  }

  private synchronized void violation(String what) {
    violations.add(what);
  }

  private final class Sink implements SpeechSink {
    @Override
    public int maxBufferSize() {
      return MAX_BUFFER_SIZE;
    }

    @Override
    public int start(int rateHz) {
      synchronized (Utterance.this) {
        check("start");
        if (started) {
          violation("start was called twice");
        }
        if (rateHz < 4000 || rateHz > 192000) {
          violation("a sample rate of " + rateHz);
        }
        started = true;
        sampleRateHz = rateHz;
        return result();
      }
    }

    @Override
    public int audioAvailable(byte[] buffer, int offset, int length) {
      synchronized (Utterance.this) {
        check("audioAvailable");
        if (!started) {
          violation("audio before start");
        }
        if (length < 1 || length > MAX_BUFFER_SIZE || offset < 0 || offset + length > buffer.length) {
          violation("a piece of " + length + " bytes at " + offset);
        }
        if (length % 2 != 0) {
          violation("half a sample");
        }
        if (result() != SUCCESS) {
          return result();
        }
        play(length / 2);
        if (result() == SUCCESS) {
          heard.write(buffer, offset, length);
        }
        return result();
      }
    }

    @Override
    public void rangeStart(int frame, int start, int end) {
      synchronized (Utterance.this) {
        check("rangeStart");
        if (frame < 0 || start < 0 || end < start || end > request.text().length()) {
          violation("a word at " + frame + ", " + start + " to " + end);
        }
        ranges.add(new int[] {frame, start, end});
      }
    }

    @Override
    public void error(int code) {
      synchronized (Utterance.this) {
        if (Thread.currentThread() != synthesis) {
          violation("error from " + Thread.currentThread().getName());
        }
        if (over) {
          violation("error after done");
        }
        errorCode = code;
      }
    }

    @Override
    public int done() {
      synchronized (Utterance.this) {
        if (Thread.currentThread() != synthesis) {
          violation("done from " + Thread.currentThread().getName());
        }
        doneCount++;
        over = true;
        return !started && errorCode == 0 && !stopped ? ERROR : SUCCESS;
      }
    }

    private void check(String call) {
      if (Thread.currentThread() != synthesis) {
        violation(call + " from " + Thread.currentThread().getName());
      }
      if (over || returned) {
        violation(call + " after the end");
      }
      if (told) {
        violation(call + " although the result before said to leave");
      }
    }

    private int result() {
      if (stopped) {
        told = true;
        return STOPPED;
      }
      return SUCCESS;
    }

    /** Wait, as Android does, until there is room for the piece. */
    private void play(int samples) {
      long now = System.nanoTime();
      if (playedUntil == 0) {
        playedUntil = now + player.stallMs() * 1_000_000;
      } else if (now > playedUntil) {
        underruns++;
        playedUntil = now;
      }
      playedUntil += player.nanosFor(samples, sampleRateHz);
      long bound = player.nanosFor(Player.CAPACITY_MS * sampleRateHz / 1000, sampleRateHz);
      while (!stopped) {
        long ahead = playedUntil - System.nanoTime() - bound;
        if (ahead <= 0) {
          return;
        }
        try {
          Utterance.this.wait(ahead / 1_000_000, (int) (ahead % 1_000_000));
        } catch (InterruptedException e) {
          throw new IllegalStateException("nobody interrupts this thread", e);
        }
      }
    }
  }
}
