package io.github.voicelet.text;

/** What becomes of a text before it is cut into clauses: a {@link Token}, {@link Boundary}, {@link Pause}, {@link NamedMark} or
 * {@link SetProsody}. */
interface Item {}
