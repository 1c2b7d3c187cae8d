/** The append-only, signed log of what this device did with voices; the same bytes and verdicts as Python's. */
package io.github.voicelet.trust.audit;
