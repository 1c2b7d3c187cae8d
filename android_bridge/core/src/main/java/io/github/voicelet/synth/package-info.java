/** Speech from a voice: open a {@link io.github.voicelet.synth.Voice} and let it speak. */
package io.github.voicelet.synth;
