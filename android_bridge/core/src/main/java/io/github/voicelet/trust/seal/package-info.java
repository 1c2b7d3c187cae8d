/** Encryption: for a recipient's key (HPKE), under a shared key, and under a passphrase; the same bytes as Python's. */
package io.github.voicelet.trust.seal;
