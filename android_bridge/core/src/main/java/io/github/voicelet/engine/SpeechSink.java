package io.github.voicelet.engine;

/**
 * Where the speech of one request goes: Android's {@code SynthesisCallback}, call by call.
 *
 * <p>All calls come from the thread that synthesizes, in this order: {@link #start}, {@link #audioAvailable} any number of times,
 * {@link #done}. {@link #error} may stand anywhere before {@link #done}, which has to follow it all the same.
 */
public interface SpeechSink {
  /** All is well; any other result means that nobody listens any more, and the engine leaves. */
  int SUCCESS = 0;

  /** Nothing could be spoken. */
  int ERROR_SYNTHESIS = -3;

  /** The request can't be spoken as it is. */
  int ERROR_INVALID_REQUEST = -8;

  /** The voice isn't there yet. */
  int ERROR_NOT_INSTALLED_YET = -9;

  /** The most bytes that one {@link #audioAvailable} takes. */
  int maxBufferSize();

  /** Speech begins: 16-bit PCM, little-endian, one channel. */
  int start(int sampleRateHz);

  /** The next bytes; 1 to {@link #maxBufferSize()}, whole samples. Blocks while enough is waiting to be heard. */
  int audioAvailable(byte[] buffer, int offset, int length);

  /**
   * A word begins to be heard.
   *
   * @param frame sample of this request's speech, from 0.
   * @param start where the word begins in the text of the request, in UTF-16 units.
   * @param end where it ends.
   */
  void rangeStart(int frame, int start, int end);

  /** The request can't be spoken, or not to its end. */
  void error(int code);

  /** The request is over, well or not. */
  int done();
}
