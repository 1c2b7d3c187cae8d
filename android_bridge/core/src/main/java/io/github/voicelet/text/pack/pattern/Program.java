package io.github.voicelet.text.pack.pattern;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A pattern as instructions for {@link Machine}.
 *
 * <p>An engine of its own, since a device's differs: Android's is ICU, of any version; Java's calls itself for every
 * turn of a repeat, so that a long text overflows the small stack of a worker's thread.
 */
final class Program {
  /** What an instruction does; {@code a} and {@code b} are its numbers. */
  enum Op {
    /** Take one code point of the set. */
    SET,
    /** Take the text. */
    TEXT,
    /** Take a to b of the set, as many as there are. */
    RUN,
    /** As RUN, where what follows can't begin with one of the set: no shorter run will do. */
    WHOLE_RUN,
    /** Take a to b of the set, as few as will do. */
    LAZY_RUN,
    /** Go on at one of the branches that may begin here. */
    CHOICE,
    /** Go on at a. */
    JUMP,
    /** Remember the place in slot a. */
    SAVE,
    /** Begin to count in slot a. */
    COUNT,
    /** Turn of the repeat of slot a; it goes on at b or, when it is over, with the next instruction. */
    TURN,
    /** Look ahead or behind; its instructions end at a. */
    LOOK,
    /** All has matched. */
    END
  }

  private static final int CACHED = 256;
  private static final int ASCII = 128;

  /** One instruction. */
  static final class Instruction {
    final Op op;
    final Ranges set;
    final String text;
    int a;
    int b;

    /** Of a TURN: how often the repeat may come, and whether as seldom as will do. */
    int least;

    int most;
    boolean isLazy;

    /** Of a CHOICE. */
    Branches branches;

    /** Of a LOOK; how many code points behind it begins. */
    Node.Look look;

    int width;

    Instruction(Op op, Ranges set, String text, int a, int b) {
      this.op = op;
      this.set = set;
      this.text = text;
      this.a = a;
      this.b = b;
    }
  }

  /** The branches of a choice, by the code point that they may begin with. */
  static final class Branches {
    private final int[] places;

    /** Null where a branch may take nothing. */
    private final Ranges[] firsts;

    private final AtomicReferenceArray<int[]> ofAscii = new AtomicReferenceArray<>(ASCII);
    private final Map<Integer, int[]> byCode = new ConcurrentHashMap<>();

    Branches(int count) {
      places = new int[count];
      firsts = new Ranges[count];
    }

    /** Where those begin that may begin with a code point (-1 at the end of the text), in order. */
    int[] at(int code) {
      boolean isAscii = code >= 0 && code < ASCII;
      int[] found = isAscii ? ofAscii.get(code) : byCode.get(code);
      if (found == null) {
        found = new int[places.length];
        int count = 0;
        for (int i = 0; i < places.length; i++) {
          if (firsts[i] == null || (code >= 0 && firsts[i].has(code))) {
            found[count++] = places[i];
          }
        }
        found = Arrays.copyOf(found, count);
        if (isAscii) {
          ofAscii.set(code, found);
        } else if (byCode.size() < CACHED) {
          byCode.put(code, found);
        }
      }
      return found;
    }
  }

  final Instruction[] code;
  final List<String> groups;

  /** Places of groups, two for each, then counters. */
  final int slots;

  private Program(List<Instruction> code, List<String> groups, int slots) {
    this.code = code.toArray(new Instruction[0]);
    this.groups = groups;
    this.slots = slots;
  }

  /** Of a pattern, taken apart. */
  static Program of(Parser.Parsed parsed) {
    Writer writer = new Writer(2 * (parsed.groups.size() + 1));
    writer.write(parsed.node, Ranges.NONE);
    writer.add(new Instruction(Op.END, null, null, 0, 0));
    return new Program(writer.code, parsed.groups, writer.slots);
  }

  /** Writes the instructions of nodes. */
  private static final class Writer {
    final List<Instruction> code = new ArrayList<>();
    int slots;

    Writer(int slots) {
      this.slots = slots;
    }

    Instruction add(Instruction instruction) {
      code.add(instruction);
      return instruction;
    }

    private Instruction add(Op op, int a, int b) {
      return add(new Instruction(op, null, null, a, b));
    }

    /**
     * Write a node.
     *
     * @param follow what may stand behind it; shorter ways needn't be tried where that says which one fits.
     */
    void write(Node node, Ranges follow) {
      for (int group : node.groups) {
        add(Op.SAVE, 2 * group, 0);
      }
      switch (node.kind) {
        case CHARS:
          add(new Instruction(Op.SET, node.first, null, 0, 0));
          break;
        case TEXT:
          add(new Instruction(Op.TEXT, null, node.literal, 0, 0));
          break;
        case SEQUENCE:
          sequence(node, follow);
          break;
        case CHOICE:
          choice(node, follow);
          break;
        case REPEAT:
          repeat(node, follow);
          break;
        default:
          look(node);
      }
      for (int i = node.groups.length - 1; i >= 0; i--) {
        add(Op.SAVE, 2 * node.groups[i] + 1, 0);
      }
    }

    private void sequence(Node node, Ranges follow) {
      Ranges[] follows = new Ranges[node.parts.size()];
      Ranges after = follow;
      for (int i = follows.length - 1; i >= 0; i--) {
        Node part = node.parts.get(i);
        follows[i] = after;
        if (part.kind == Node.Kind.LOOK) {
          after = Ranges.ALL; // it may refuse where what follows would fit
        } else {
          after = part.least == 0 ? part.first.union(after) : part.first;
          after = mayLook(part) ? Ranges.ALL : after;
        }
      }
      for (int i = 0; i < follows.length; i++) {
        write(node.parts.get(i), follows[i]);
      }
    }

    /** Whether a look may stand before the first character that a node takes. */
    private static boolean mayLook(Node node) {
      if (node.kind == Node.Kind.LOOK) {
        return true;
      }
      for (Node part : node.parts) {
        if (mayLook(part)) {
          return true;
        }
        if (node.kind == Node.Kind.SEQUENCE && part.least > 0) {
          return false;
        }
      }
      return false;
    }

    private void choice(Node node, Ranges follow) {
      Instruction choice = add(Op.CHOICE, 0, 0);
      choice.branches = new Branches(node.parts.size());
      List<Instruction> ends = new ArrayList<>();
      for (int i = 0; i < node.parts.size(); i++) {
        Node branch = node.parts.get(i);
        choice.branches.places[i] = code.size();
        choice.branches.firsts[i] = branch.least > 0 ? branch.first : null;
        if (branch.literal != null && branch.groups.length == 0 && noGroups(branch)) {
          add(new Instruction(Op.TEXT, null, branch.literal, 0, 0));
        } else {
          write(branch, follow);
        }
        ends.add(add(Op.JUMP, 0, 0));
      }
      for (Instruction end : ends) {
        end.a = code.size();
      }
    }

    private static boolean noGroups(Node node) {
      for (Node part : node.parts) {
        if (part.groups.length > 0 || !noGroups(part)) {
          return false;
        }
      }
      return true;
    }

    private void repeat(Node node, Ranges follow) {
      Node part = node.parts.get(0);
      if (part.kind == Node.Kind.CHARS && part.groups.length == 0) {
        boolean decided = !part.first.overlaps(follow);
        Op op = node.isLazy ? Op.LAZY_RUN : decided ? Op.WHOLE_RUN : Op.RUN;
        add(new Instruction(op, part.first, null, node.minTimes, node.maxTimes));
        return;
      }
      int slot = slots++;
      add(Op.COUNT, slot, 0);
      Instruction enter = add(Op.JUMP, 0, 0);
      int body = code.size();
      write(part, node.maxTimes > 1 ? part.first.union(mayLook(part) ? Ranges.ALL : follow) : follow);
      enter.a = code.size();
      Instruction turn = add(Op.TURN, slot, body);
      turn.least = node.minTimes;
      turn.most = node.maxTimes;
      turn.isLazy = node.isLazy;
    }

    private void look(Node node) {
      Instruction look = add(Op.LOOK, 0, 0);
      look.look = node.look;
      look.width = (int) node.parts.get(0).least;
      write(node.parts.get(0), Ranges.NONE);
      add(Op.END, 0, 0);
      look.a = code.size();
    }
  }
}
