/** The mark that everything voicelet says carries: who made it, when, and with which key. */
package io.github.voicelet.trust.watermark;
