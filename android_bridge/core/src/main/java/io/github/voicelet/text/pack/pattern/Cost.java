package io.github.voicelet.text.pack.pattern;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What matching a part of a pattern costs in the worst text, computed from its parts.
 *
 * <p>Where the next character decides whether a repeat goes on, there is one way through it; where it doesn't, each
 * of its lengths is a way, and what follows is tried for every one of them.
 */
final class Cost {
  static final long CAP = 1L << 40;

  private static final Cost CHAR = new Cost(1, 1, 1);

  /** Ways to match it after which the next character still fits. */
  final long paths;

  /** Ways to match it at all. */
  final long exits;

  /** Characters compared. */
  final long steps;

  private Cost(long paths, long exits, long steps) {
    this.paths = paths;
    this.exits = exits;
    this.steps = steps;
  }

  /** Of {@code node}, before a character of {@code follow}. */
  static Cost of(Node node, Ranges follow) {
    switch (node.kind) {
      case CHARS:
        return CHAR;
      case TEXT:
        return new Cost(1, 1, node.most);
      case LOOK:
        return new Cost(1, 1, of(node.parts.get(0), Ranges.NONE).steps);
      case SEQUENCE:
        return ofSequence(node.parts, follow);
      case CHOICE:
        return ofChoice(node.parts, follow);
      default:
        return ofRepeat(node, follow);
    }
  }

  /** No product of two capped numbers and a few more overflows a double; beyond the cap it doesn't matter. */
  private static long capped(double value) {
    return value >= CAP ? CAP : (long) value;
  }

  private static Cost ofSequence(List<Node> parts, Ranges follow) {
    Ranges[] follows = new Ranges[parts.size()];
    Ranges after = follow;
    for (int i = parts.size() - 1; i >= 0; i--) {
      Node part = parts.get(i);
      follows[i] = after;
      if (part.kind != Node.Kind.LOOK) {
        after = part.least == 0 ? part.first.union(after) : part.first;
      }
    }
    // Settled ways end in a character that fits; `run` more are open since the last part that must take a character,
    // of which `runPaths` go on into the next.
    long settled = 1;
    long run = 1;
    long runPaths = 1;
    long steps = 0;
    for (int i = 0; i < parts.size(); i++) {
      Node part = parts.get(i);
      Cost cost = of(part, follows[i]);
      if (part.kind == Node.Kind.LOOK) {
        steps = capped(steps + (double) settled * run * cost.steps);
        continue;
      }
      steps = capped(steps + (double) settled * run + (double) settled * runPaths * cost.steps);
      if (part.least > 0) {
        settled = capped((double) settled * runPaths);
        run = cost.exits;
        runPaths = cost.paths;
      } else { // every open way may pass it by; those that fit may go through it
        run = capped(run + (double) runPaths * cost.exits);
        runPaths = capped((double) runPaths * cost.paths);
      }
    }
    return new Cost(capped((double) settled * runPaths), capped((double) settled * run), steps);
  }

  private static Cost ofChoice(List<Node> branches, Ranges follow) {
    int count = 0;
    Ranges[] firsts = new Ranges[branches.size() + 1];
    Cost[] costs = new Cost[branches.size() + 1];
    Map<String, Integer> words = new HashMap<>();
    Ranges wordFirst = Ranges.NONE;
    int wordCount = 0;
    for (Node branch : branches) {
      if (branch.literal != null && !branch.literal.isEmpty()) {
        Integer known = words.get(branch.literal);
        words.put(branch.literal, known == null ? 1 : known + 1);
        wordFirst = wordFirst.union(branch.first);
        wordCount++;
      } else {
        firsts[count] = branch.least > 0 ? branch.first : Ranges.ALL;
        costs[count++] = of(branch, follow);
      }
    }
    if (wordCount > 0) {
      // Of plain words only those fit at once that begin one another.
      int chain = 0;
      for (String word : words.keySet()) {
        int begun = 0;
        for (int i = 1; i <= word.length(); i++) {
          Integer known = words.get(word.substring(0, i));
          begun += known == null ? 0 : known;
        }
        chain = Math.max(chain, begun);
      }
      firsts[count] = wordFirst;
      costs[count++] = new Cost(chain, chain, wordCount);
    }
    // The next character is one character: only branches that may begin with it go on.
    double[] paths = new double[count];
    double[] exits = new double[count];
    double steps = 0;
    for (int i = 0; i < count; i++) {
      paths[i] = costs[i].paths;
      exits[i] = costs[i].exits;
      steps += costs[i].steps;
    }
    return new Cost(
        capped(Ranges.peak(firsts, paths, count)), capped(Ranges.peak(firsts, exits, count)), capped(steps));
  }

  private static Cost ofRepeat(Node node, Ranges follow) {
    Node part = node.parts.get(0);
    Cost inner = of(part, node.maxTimes > 1 ? part.first.union(follow) : follow);
    double paths = 0;
    double ways = 1;
    double exits = 0;
    double steps = 0;
    for (int times = 0; times <= node.maxTimes; times++) {
      if (times >= node.minTimes) {
        paths += ways;
        exits += ways * (times > 0 ? inner.exits : 1);
      }
      if (times < node.maxTimes) {
        steps += ways * inner.steps;
        ways *= inner.paths;
      }
      if (Math.max(steps, exits) > CAP) {
        return new Cost(CAP, CAP, CAP);
      }
    }
    if (!part.first.overlaps(follow)) {
      paths = ways; // the next character says whether to go on
    }
    return new Cost(capped(paths), capped(exits), capped(steps));
  }
}
