/** Strict JSON, and JSON to the same bytes as Python's. */
package io.github.voicelet.json;
