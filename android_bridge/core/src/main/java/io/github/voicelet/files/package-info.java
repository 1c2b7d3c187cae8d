/** Files of voicelet's own: read with a bound, following no link; written whole or not at all; one writer at a time. */
package io.github.voicelet.files;
