/** What a voice bundle is, and whether to trust it; the same verdicts as Python's. */
package io.github.voicelet.bundle;
