package io.github.voicelet.tts;

import android.media.AudioFormat;
import android.os.Build;
import android.speech.tts.SynthesisCallback;
import android.speech.tts.TextToSpeech;
import io.github.voicelet.engine.SpeechSink;

/** Android's callback of one request, as the engine knows it. */
final class CallbackSink implements SpeechSink {
  private final SynthesisCallback callback;

  CallbackSink(SynthesisCallback callback) {
    this.callback = callback;
  }

  @Override
  public int maxBufferSize() {
    return callback.getMaxBufferSize();
  }

  @Override
  public int start(int sampleRateHz) {
    return callback.start(sampleRateHz, AudioFormat.ENCODING_PCM_16BIT, 1);
  }

  @Override
  public int audioAvailable(byte[] buffer, int offset, int length) {
    return callback.audioAvailable(buffer, offset, length);
  }

  @Override
  public void rangeStart(int frame, int start, int end) {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O) {
      NewerAndroid.rangeStart(callback, frame, start, end);
    }
  }

  @Override
  public void error(int code) {
    switch (code) {
      case ERROR_INVALID_REQUEST:
        callback.error(TextToSpeech.ERROR_INVALID_REQUEST);
        break;
      case ERROR_NOT_INSTALLED_YET:
        callback.error(TextToSpeech.ERROR_NOT_INSTALLED_YET);
        break;
      default:
        callback.error(TextToSpeech.ERROR_SYNTHESIS);
    }
  }

  @Override
  public int done() {
    return callback.done();
  }
}
