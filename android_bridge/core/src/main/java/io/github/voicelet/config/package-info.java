/** Reads plain data strictly: an unknown key, a missing one or a value of another type is an error that names its place. */
package io.github.voicelet.config;
