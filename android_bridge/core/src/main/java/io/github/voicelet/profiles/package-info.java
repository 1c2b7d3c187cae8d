/** Profiles: what is kept of a person's voice, and the files it travels in; the same bytes as Python's. */
package io.github.voicelet.profiles;
