/** Properties of characters, the same on every device whatever Unicode version it has. */
package io.github.voicelet.text.unicode;
