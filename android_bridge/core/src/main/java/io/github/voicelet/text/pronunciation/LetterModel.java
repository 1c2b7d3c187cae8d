package io.github.voicelet.text.pronunciation;

import io.github.voicelet.BundleException;
import io.github.voicelet.graph.Graph;
import io.github.voicelet.graph.Tensor;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Normalizer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Letters to phones by a small network, for words that no lexicon knows. The likeliest unit of each frame is taken,
 * repeats are merged and blanks dropped (greedy CTC, Graves et al. 2006), and one vowel of a word is stressed.
 */
public final class LetterModel implements AutoCloseable {
  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz'";
  private static final int LONGEST_WORD = 40;
  private static final int MOST_FRAMES = 64;

  private final Graph graph;
  private final String letters;
  private final List<String> units = new ArrayList<>();
  private final Map<String, Integer> places = new HashMap<>();
  private final boolean stressedAtTheEnd;

  /**
   * @param graph open; it is closed with this.
   * @throws BundleException it isn't a letter-to-sound graph that this voicelet knows.
   */
  public LetterModel(Graph graph) {
    this.graph = graph;
    Map<String, String> labels = graph.metadata();
    try {
      for (Object unit : Json.array(Json.parse(String.valueOf(labels.get("units"))), "units")) {
        places.put((String) unit, units.size());
        units.add((String) unit);
      }
    } catch (JsonException | ClassCastException e) {
      throw new BundleException("the letter-to-sound graph names no units; install the voice again", e);
    }
    letters = labels.containsKey("letters") ? labels.get("letters") : LETTERS;
    String stress = labels.containsKey("stress") ? labels.get("stress") : "scored";
    if (units.isEmpty() || !units.get(0).isEmpty() || letters.isEmpty() || !(stress.equals("scored") || stress.equals("final"))) {
      throw new BundleException("the letter-to-sound graph names no units, alphabet or stress that this voicelet knows; update voicelet");
    }
    stressedAtTheEnd = stress.equals("final");
  }

  /** Phones of a word; "" for none. An accent that the graph doesn't know is dropped, other characters are skipped. */
  public synchronized String phones(String word) {
    String known = known(word);
    StringBuilder phones = new StringBuilder();
    for (int start = 0; start < known.length(); start += LONGEST_WORD) {
      phones.append(piece(known.substring(start, Math.min(known.length(), start + LONGEST_WORD))));
    }
    return phones.toString();
  }

  private String known(String word) {
    StringBuilder out = new StringBuilder();
    String composed = Normalizer.nfc(Case.lower(word));
    for (int i = 0; i < composed.length(); ) {
      int code = composed.codePointAt(i);
      i += Character.charCount(code);
      String letter = new String(Character.toChars(code));
      if (letters.contains(letter)) {
        out.append(letter);
        continue;
      }
      String parts = Normalizer.nfd(letter);
      for (int k = 0; k < parts.length(); k++) {
        if (letters.indexOf(parts.charAt(k)) >= 0) {
          out.append(parts.charAt(k));
        }
      }
    }
    return out.toString();
  }

  private String piece(String known) {
    long[] indices = new long[known.length() + 2];
    for (int i = 0; i < known.length(); i++) {
      indices[i + 1] = letters.indexOf(known.charAt(i)) + 1;
    }
    Tensor logits = graph.run(Collections.singletonMap("letters", Tensor.of(indices, 1, indices.length))).get("logits");
    long[] shape = logits == null || !logits.isFloat() ? new long[0] : logits.shape();
    if (shape.length != 3 || shape[0] != 1 || shape[2] != units.size() || shape[1] > (long) MOST_FRAMES * indices.length) {
      throw new BundleException("the letter-to-sound graph gave numbers of another shape; install the voice again");
    }
    return decoded(logits.floats(), (int) shape[1]);
  }

  private String decoded(FloatBuffer logits, int frames) {
    List<String> said = new ArrayList<>();
    List<Integer> at = new ArrayList<>();
    int before = -1;
    for (int frame = 0; frame < frames; frame++) {
      int best = best(logits, frame);
      if (best != before && best != 0) {
        said.add(units.get(best));
        at.add(frame);
      }
      before = best;
    }
    if (stressedAtTheEnd) {
      stressLast(said);
    } else {
      stressLikeliest(said, at, logits);
    }
    StringBuilder phones = new StringBuilder();
    for (String unit : said) {
      phones.append(unit);
    }
    return phones.toString();
  }

  private int best(FloatBuffer logits, int frame) {
    int best = 0;
    for (int unit = 1; unit < units.size(); unit++) {
      if (score(logits, frame, unit) > score(logits, frame, best)) {
        best = unit;
      }
    }
    return best;
  }

  /** The primary stress is on the vowel where its score is highest above the vowel's other forms. */
  private void stressLikeliest(List<String> said, List<Integer> at, FloatBuffer logits) {
    int likeliest = -1;
    float highest = 0;
    List<Integer> vowels = new ArrayList<>();
    for (int i = 0; i < said.size(); i++) {
      String vowel = plain(said.get(i));
      Integer stressed = places.get("ˈ" + vowel);
      if (!isVowel(vowel) || stressed == null) {
        continue;
      }
      vowels.add(i);
      float other = Math.max(score(logits, at.get(i), vowel), score(logits, at.get(i), "ˌ" + vowel));
      float margin = score(logits, at.get(i), stressed) - other;
      if (likeliest < 0 || margin > highest) {
        likeliest = i;
        highest = margin;
      }
    }
    for (int i : vowels) {
      String vowel = plain(said.get(i));
      if (i == likeliest) {
        said.set(i, "ˈ" + vowel);
      } else if (said.get(i).charAt(0) == 'ˈ') {
        boolean none = score(logits, at.get(i), vowel) > score(logits, at.get(i), "ˌ" + vowel);
        said.set(i, none ? vowel : "ˌ" + vowel);
      }
    }
  }

  /** The last vowel is stressed, a final ə only where there is no other. */
  private static void stressLast(List<String> said) {
    int last = -1;
    int full = -1;
    for (int i = 0; i < said.size(); i++) {
      String unit = plain(said.get(i));
      said.set(i, unit);
      if (isVowel(unit)) {
        last = i;
        full = unit.equals("ə") ? full : i;
      }
    }
    int stressed = full >= 0 ? full : last;
    if (stressed >= 0) {
      said.set(stressed, "ˈ" + said.get(stressed));
    }
  }

  private float score(FloatBuffer logits, int frame, String unit) {
    Integer place = places.get(unit);
    return place == null ? Float.NEGATIVE_INFINITY : score(logits, frame, place);
  }

  private float score(FloatBuffer logits, int frame, int unit) {
    return logits.get(frame * units.size() + unit);
  }

  private static String plain(String unit) {
    return unit.substring(Stresses.leadingMarks(unit));
  }

  private static boolean isVowel(String unit) {
    return !unit.isEmpty() && Stresses.VOWELS.indexOf(unit.charAt(0)) >= 0;
  }

  @Override
  public void close() {
    graph.close();
  }
}
