/** Which sense of a word is meant: rules over the words around it, and a small linear model. */
package io.github.voicelet.text.pack.homograph;
