/** Who agreed to what with whose voice, and who withdrew it; the same records, lists and verdicts as Python's. */
package io.github.voicelet.trust.consent;
