/** Patterns that mean the same in every runtime: their parser, what they cost, their macros. */
package io.github.voicelet.text.pack.pattern;
