/** Graphs of a voice and the numbers that go through them; an engine in another module runs them. */
package io.github.voicelet.graph;
