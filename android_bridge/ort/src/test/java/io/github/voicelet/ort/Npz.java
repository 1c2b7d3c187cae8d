package io.github.voicelet.ort;

import io.github.voicelet.graph.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Reads the golden vectors, files of numpy's: little-endian float32, float64 and int64, rows first. */
final class Npz {
  private static final Pattern HEADER =
      Pattern.compile("'descr': '([^']+)', 'fortran_order': False, 'shape': \\(([^)]*)\\)");

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  Npz(Path path) throws IOException {
    try (InputStream file = Files.newInputStream(path);
        ZipInputStream zip = new ZipInputStream(file)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        zip.transferTo(bytes);
        Tensor tensor = npy(bytes.toByteArray());
        if (tensor != null) {
          tensors.put(entry.getName().replaceAll("\\.npy$", ""), tensor);
        }
      }
    }
  }

  Tensor get(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("no " + name + " among " + tensors.keySet());
    }
    return tensor;
  }

  boolean has(String name) {
    return tensors.containsKey(name);
  }

  Map<String, Tensor> startingWith(String prefix) {
    Map<String, Tensor> out = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (name.startsWith(prefix)) {
            out.put(name.substring(prefix.length()), tensor);
          }
        });
    return out;
  }

  /** Null for a type that no test needs. */
  private static Tensor npy(byte[] raw) {
    ByteBuffer bytes = ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN);
    int start = 10 + Short.toUnsignedInt(bytes.getShort(8));
    Matcher header = HEADER.matcher(new String(raw, 10, start - 10, StandardCharsets.ISO_8859_1));
    if (!header.find()) {
      throw new IllegalArgumentException("no header of numpy's");
    }
    List<Long> sizes = new ArrayList<>();
    for (String size : header.group(2).split(",")) {
      if (!size.trim().isEmpty()) {
        sizes.add(Long.parseLong(size.trim()));
      }
    }
    long[] shape = sizes.stream().mapToLong(Long::longValue).toArray();
    int count = (int) sizes.stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
    bytes.position(start);
    switch (header.group(1)) {
      case "<i8":
        long[] longs = new long[count];
        bytes.asLongBuffer().get(longs);
        return Tensor.of(longs, shape);
      case "<f4":
        float[] floats = new float[count];
        bytes.asFloatBuffer().get(floats);
        return Tensor.of(floats, shape);
      case "<i2":
        float[] pcm = new float[count];
        for (int i = 0; i < count; i++) {
          pcm[i] = bytes.getShort() / 32767f;
        }
        return Tensor.of(pcm, shape);
      case "<f8":
        float[] narrowed = new float[count];
        for (int i = 0; i < count; i++) {
          narrowed[i] = (float) bytes.getDouble();
        }
        return Tensor.of(narrowed, shape);
      default:
        return null;
    }
  }
}
