package io.github.voicelet.engine;

/**
 * Turns stretches of samples into 16-bit PCM in pieces that the sink takes.
 *
 * <p>The sink's player starts when enough bytes are there, so the first piece should be a full one: stretches are joined up to the sink's
 * largest piece.
 */
final class PcmWriter {
  private final SpeechSink sink;
  private final byte[] piece;
  private int filled;
  private int at;
  private int written;

  PcmWriter(SpeechSink sink) {
    this.sink = sink;
    this.piece = new byte[Math.max(2, sink.maxBufferSize() & ~1)];
  }

  /** The stretches that follow begin again at the first sample; those that were written before aren't written twice. */
  void rewind() {
    at = 0;
  }

  /** False where the sink wants no more. */
  boolean write(SpeechStretch stretch) {
    for (int word = 0; word < stretch.wordCount(); word++) {
      int frame = at + stretch.wordSample(word);
      if (frame >= written) {
        sink.rangeStart(frame, stretch.wordStart(word), stretch.wordEnd(word));
      }
    }
    float[] samples = stretch.samples();
    int first = Math.min(Math.max(written - at, 0), samples.length);
    for (int i = first; i < samples.length; i++) {
      if (!put(Math.round(Math.max(-1f, Math.min(1f, samples[i])) * 32767f))) {
        return false;
      }
    }
    at += samples.length;
    written = Math.max(written, at);
    return true;
  }

  /** Hand over what is left; false where the sink wants no more. */
  boolean flush() {
    int length = filled;
    filled = 0;
    return length == 0 || sink.audioAvailable(piece, 0, length) == SpeechSink.SUCCESS;
  }

  /** Whether the sink still takes something: it is given what is left, or one silent sample. */
  boolean isWanted() {
    if (filled == 0) {
      put(0);
    }
    return flush();
  }

  private boolean put(int value) {
    piece[filled] = (byte) value;
    piece[filled + 1] = (byte) (value >> 8);
    filled += 2;
    return filled < piece.length || flush();
  }
}
