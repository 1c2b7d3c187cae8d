/** Graphs run by ONNX Runtime. */
package io.github.voicelet.ort;
