/**
 * What a system speech engine does, without a system: Android's service in module {@code tts} hands its calls through, and tests run
 * all of it on a plain JVM.
 */
package io.github.voicelet.engine;
