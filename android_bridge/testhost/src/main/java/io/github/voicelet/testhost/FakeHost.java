package io.github.voicelet.testhost;

import io.github.voicelet.engine.SpeechEngine;
import io.github.voicelet.engine.SpeechRequest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Hosts a {@link SpeechEngine} as Android's {@code TextToSpeechService} does: one thread synthesizes, requests queue up or flush the queue,
 * a stop comes from any thread at any moment. Whatever the engine does that Android forbids is noted down.
 */
public final class FakeHost implements AutoCloseable {
  private final SpeechEngine engine;
  private final Player player;
  private final Object lock = new Object();
  private final Deque<Utterance> queue = new ArrayDeque<>();
  private final List<Utterance> all = new ArrayList<>();
  private final Thread synthesis = new Thread(this::run, "SynthThread");
  private Utterance current;
  private boolean closed;

  public FakeHost(SpeechEngine engine, Player player) {
    this.engine = engine;
    this.player = player;
    synthesis.start();
  }

  /** A request behind those that wait. */
  public Utterance add(SpeechRequest request) {
    synchronized (lock) {
      return enqueue(request);
    }
  }

  /** A request instead of those that wait, and of the one that is being spoken: as screen readers ask. */
  public Utterance flush(SpeechRequest request) {
    stop();
    return add(request);
  }

  /** A stop that was meant for a request which had just ended, and comes while the next is being spoken. */
  public void stopTooLate() {
    engine.stop();
  }

  /** Silence: nothing waits any more, nothing is spoken any more. */
  public void stop() {
    synchronized (lock) {
      dropAll();
    }
    engine.stop();
  }

  /** Wait until nothing is left to be spoken. */
  public void awaitIdle() throws InterruptedException {
    synchronized (lock) {
      while (current != null || !queue.isEmpty()) {
        lock.wait();
      }
    }
  }

  /** All requests so far, in order. */
  public List<Utterance> utterances() {
    synchronized (lock) {
      return new ArrayList<>(all);
    }
  }

  /** End the host; what is being spoken is stopped. */
  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      dropAll();
      lock.notifyAll();
    }
    engine.stop();
    try {
      synthesis.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Utterance enqueue(SpeechRequest request) {
    Utterance utterance = new Utterance(request, player, synthesis);
    queue.add(utterance);
    all.add(utterance);
    lock.notifyAll();
    return utterance;
  }

  private void dropAll() {
    for (Utterance utterance : queue) {
      utterance.stop();
    }
    queue.clear();
    if (current != null) {
      current.stop();
    }
  }

  private void run() {
    while (true) {
      Utterance utterance;
      synchronized (lock) {
        while (queue.isEmpty() && !closed) {
          waitForMore();
        }
        if (queue.isEmpty()) {
          return;
        }
        utterance = queue.remove();
        current = utterance;
      }
      utterance.synthesize(engine);
      synchronized (lock) {
        current = null;
        lock.notifyAll();
      }
    }
  }

  private void waitForMore() {
    try {
      lock.wait();
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts this thread", e);
    }
  }
}
