package io.github.voicelet.synth;

/** Whoever can be spoken as: what synthesis needs of a profile. */
public interface Speaker {
  /**
   * The speaker input of a voice's graphs.
   *
   * @param melMean of the voice's mels, by band.
   * @param melStd of the voice's mels, by band.
   * @return as many numbers as the voice takes (328 in voices of this version).
   */
  float[] speakerVector(float[] melMean, float[] melStd);
}
