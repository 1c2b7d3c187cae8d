package io.github.voicelet.text;

import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import java.util.List;
import java.util.Set;

/**
 * Where a sentence that is too long is cut: near the soft limit, preferably after a semicolon or colon, then after a comma, then
 * before a conjunction, then between any two words.
 */
final class ClauseCuts {
  /** Soft limit of a clause, in characters as spoken; the hard limit is a third more. */
  static final int MAX_CLAUSE_CHARS = 120;

  /** A long sentence is not cut, and the first clause doesn't end, before this many. */
  static final int MIN_CLAUSE_CHARS = 20;

  private static final int LEAST_LIMIT = 40;
  private static final double CONJUNCTION_GAIN = 30.0;
  private static final double EXPANSION_LOSS = 45.0;
  private static final double DISTANCE_LOSS = 0.7;
  private static final double SHORT_LOSS = 200.0;

  private final int soft;
  private final Set<String> conjunctions;

  /** For a soft limit and the words before which a sentence may be cut. */
  ClauseCuts(int maxClauseChars, Set<String> conjunctions) {
    soft = Math.max(LEAST_LIMIT, maxClauseChars);
    this.conjunctions = conjunctions;
  }

  /** No clause has more characters. */
  int hardLimit() {
    return soft * 4 / 3;
  }

  /** How long a token is to say. */
  static int spokenChars(Token token) {
    if (token instanceof Mark) {
      return 0;
    }
    Word word = (Word) token;
    if (word.phones != null) {
      return word.phones.length() + 1;
    }
    return CodePoints.count(word.text) * (word.spell ? 3 : 1) + 1;
  }

  /** Whether a word begins with a small letter. */
  static boolean beginsSmall(String text) {
    return !text.isEmpty() && Characters.isLower(text.codePointAt(0));
  }

  /** How many tokens the first part of a sentence gets that is too long. */
  int best(List<Token> tokens) {
    int best = 1;
    double highest = Double.NEGATIVE_INFINITY;
    int chars = 0;
    for (int i = 0; i < tokens.size() - 1; i++) {
      Token token = tokens.get(i);
      chars += spokenChars(token);
      if (chars > hardLimit() && highest > Double.NEGATIVE_INFINITY) {
        break;
      }
      double score = score(token, tokens.get(i + 1), chars);
      if (score > highest) {
        best = i + 1;
        highest = score;
      }
    }
    return best;
  }

  /** What a cut between two tokens is worth; minus infinity where there can't be one. */
  private double score(Token token, Token following, int chars) {
    boolean isOpener = following.text().equals("(") || following.text().equals("\"");
    if (following instanceof Mark && !(isOpener && token instanceof Word)) {
      return Double.NEGATIVE_INFINITY;
    }
    double score = -DISTANCE_LOSS * Math.abs(chars - soft) - (chars < MIN_CLAUSE_CHARS ? SHORT_LOSS : 0.0);
    if (token instanceof Mark) {
      return token.text().equals("(") ? Double.NEGATIVE_INFINITY : score + gain(token.text());
    }
    if (following instanceof Word) {
      Word word = (Word) token;
      Word next = (Word) following;
      if (conjunctions.contains(Case.lower(next.text))) {
        score += CONJUNCTION_GAIN;
      }
      if (next.spanStart == word.spanStart && next.spanEnd == word.spanEnd) {
        score -= EXPANSION_LOSS;
      }
    }
    return score;
  }

  private static double gain(String mark) {
    switch (mark) {
      case ";":
        return 110.0;
      case ":":
        return 100.0;
      case ",":
        return 60.0;
      case ")":
        return 55.0;
      case "\"":
        return 40.0;
      default:
        return 0.0;
    }
  }
}
