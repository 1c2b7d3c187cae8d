/** Android's side of a speech engine, for tests without a phone. */
package io.github.voicelet.testhost;
