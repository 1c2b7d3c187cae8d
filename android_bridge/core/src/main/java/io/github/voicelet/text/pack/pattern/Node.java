package io.github.voicelet.text.pack.pattern;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** A part of a pattern. */
final class Node {
  /** What a part is: one character of a set, a plain string, a look-ahead or look-behind, and so on. */
  enum Kind {
    CHARS,
    TEXT,
    SEQUENCE,
    CHOICE,
    REPEAT,
    LOOK
  }

  /** Where a look looks, and what it asks for. */
  enum Look {
    AHEAD,
    NOT_AHEAD,
    BEHIND,
    NOT_BEHIND
  }

  /** Lengths beyond this count as this; no text is as long. */
  private static final long MAX_LENGTH = 1L << 40;

  private static final int[] NO_GROUPS = new int[0];

  final Kind kind;

  /** Code points that it may begin with (for a look: that may stand where it looks); of CHARS all that it takes. */
  final Ranges first;

  /** How many code points it takes. */
  final long least;

  final long most;

  /** Of a sequence or choice; the one part of a repeat or look. */
  final List<Node> parts;

  /** The only text it matches, where it is a plain string; else null. */
  final String literal;

  /** Of a repeat: how often it may come, and whether as seldom as will do. */
  int minTimes = 1;

  int maxTimes = 1;
  boolean isLazy;

  /** Of a look. */
  Look look;

  /** Numbers of the groups that hold all of it, the outermost first. */
  int[] groups = NO_GROUPS;

  private Node(Kind kind, Ranges first, long least, long most, List<Node> parts, String literal) {
    this.kind = kind;
    this.first = first;
    this.least = Math.min(least, MAX_LENGTH);
    this.most = Math.min(most, MAX_LENGTH);
    this.parts = parts;
    this.literal = literal;
  }

  static Node chars(Ranges chars) {
    int only = chars.only();
    String literal = only < 0 ? null : new String(Character.toChars(only));
    return new Node(Kind.CHARS, chars, 1, 1, Collections.<Node>emptyList(), literal);
  }

  /** A plain string of ASCII. */
  static Node text(String text) {
    Ranges first = Ranges.of(text.charAt(0));
    return new Node(Kind.TEXT, first, text.length(), text.length(), Collections.<Node>emptyList(), text);
  }

  static Node look(Look look, Node inner) {
    Ranges first = look == Look.AHEAD && inner.least > 0 ? inner.first : Ranges.ALL;
    Node node = new Node(Kind.LOOK, first, 0, 0, Collections.singletonList(inner), null);
    node.look = look;
    return node;
  }

  static Node repeat(Node part, int min, int max, boolean lazy) {
    List<Node> parts = Collections.singletonList(part);
    Node node = new Node(Kind.REPEAT, part.first, part.least * min, part.most * max, parts, null);
    node.minTimes = min;
    node.maxTimes = max;
    node.isLazy = lazy;
    return node;
  }

  /** The same as a group. */
  Node inGroup(int number) {
    Node node = new Node(kind, first, least, most, parts, literal);
    node.minTimes = minTimes;
    node.maxTimes = maxTimes;
    node.isLazy = isLazy;
    node.look = look;
    node.groups = Arrays.copyOf(groups, groups.length + 1);
    System.arraycopy(groups, 0, node.groups, 1, groups.length);
    node.groups[0] = number;
    return node;
  }

  /** One part after another. */
  static Node sequence(List<Node> parts) {
    if (parts.size() == 1) {
      return parts.get(0);
    }
    Ranges first = Ranges.NONE;
    boolean begins = true;
    long least = 0;
    long most = 0;
    StringBuilder literal = new StringBuilder();
    for (Node part : parts) {
      if (begins && part.kind != Kind.LOOK) {
        first = first.union(part.first);
        begins = part.least == 0;
      }
      least += part.least;
      most += part.most;
      if (literal != null && part.literal != null) {
        literal.append(part.literal);
      } else {
        literal = null;
      }
    }
    String text = literal == null ? null : literal.toString();
    return new Node(Kind.SEQUENCE, first, least, most, new ArrayList<>(parts), text);
  }

  /** Any of the branches. */
  static Node choice(List<Node> branches) {
    if (branches.size() == 1) {
      return branches.get(0);
    }
    Ranges first = Ranges.NONE;
    long least = Long.MAX_VALUE;
    long most = 0;
    for (Node branch : branches) {
      first = first.union(branch.first);
      least = Math.min(least, branch.least);
      most = Math.max(most, branch.most);
    }
    return new Node(Kind.CHOICE, first, least, most, new ArrayList<>(branches), null);
  }
}
