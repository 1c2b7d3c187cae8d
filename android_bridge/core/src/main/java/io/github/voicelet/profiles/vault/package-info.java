/** The encrypted vault of profiles: the same files as Python's, so that either side opens what the other wrote. */
package io.github.voicelet.profiles.vault;
