package io.github.voicelet.text.pack.pattern;

import io.github.voicelet.text.CodePoints;
import java.util.Arrays;

/**
 * Runs a {@link Program} over a text: the first way to match counts, in the order of the pattern.
 *
 * <p>Ways not yet tried lie on a stack of its own, so that the thread's isn't needed however long the text is.
 */
final class Machine {
  /** Kinds of entries of the stack: go on elsewhere, set a slot back, a shorter run, a longer one, one more turn. */
  private static final int ELSEWHERE = 0;

  private static final int SLOT = 1;
  private static final int SHORTER = 2;
  private static final int LONGER = 3;
  private static final int MORE = 4;

  private static final int KINDS = 8;
  private static final int ENTRY = 3;
  private static final int ROOM = 16 * ENTRY;

  private final Program.Instruction[] code;
  private final String text;
  private final int[] slots;
  private int[] stack;
  private int top;

  private Machine(Program program, String text) {
    this.code = program.code;
    this.text = text;
    this.slots = new int[program.slots];
    Arrays.fill(slots, -1);
  }

  /**
   * The match that begins at a place; null for none.
   *
   * @param isFull it has to end where the text ends.
   */
  static Match match(Program program, String text, int at, boolean isFull) {
    Machine machine = new Machine(program, text);
    int end = machine.run(0, at, isFull);
    if (end < 0) {
      return null;
    }
    machine.slots[0] = at;
    machine.slots[1] = end;
    return new Match(text, machine.slots);
  }

  private void push(int place, int kind, int a, int b) {
    if (stack == null) {
      stack = new int[ROOM];
    } else if (top == stack.length) {
      stack = Arrays.copyOf(stack, 2 * top);
    }
    stack[top] = place * KINDS + kind;
    stack[top + 1] = a;
    stack[top + 2] = b;
    top += ENTRY;
  }

  private void set(int slot, int value) {
    if (top > 0) { // else there is no other way to which the old value could belong
      push(0, SLOT, slot, slots[slot]);
    }
    slots[slot] = value;
  }

  /** Where the match of the instructions from a place on ends; -1 for none. */
  private int run(int from, int start, boolean toEnd) {
    int base = top;
    int pc = from;
    int at = start;
    while (true) {
      Program.Instruction instruction = code[pc];
      int next = -1;
      switch (instruction.op) {
        case SET:
          next = one(instruction.set, at);
          pc++;
          break;
        case TEXT:
          next = text.startsWith(instruction.text, at) ? at + instruction.text.length() : -1;
          pc++;
          break;
        case RUN:
        case WHOLE_RUN:
          next = longest(instruction, pc + 1, at);
          pc++;
          break;
        case LAZY_RUN:
          next = shortest(instruction, pc, at);
          pc++;
          break;
        case CHOICE:
          int[] branches = instruction.branches.at(at < text.length() ? text.codePointAt(at) : -1);
          for (int i = branches.length - 1; i > 0; i--) {
            push(branches[i], ELSEWHERE, at, 0);
          }
          if (branches.length > 0) {
            next = at;
            pc = branches[0];
          }
          break;
        case JUMP:
          next = at;
          pc = instruction.a;
          break;
        case SAVE:
          set(instruction.a, at);
          next = at;
          pc++;
          break;
        case COUNT:
          set(instruction.a, 0);
          next = at;
          pc++;
          break;
        case TURN:
          next = at;
          pc = turn(instruction, pc, at);
          break;
        case LOOK:
          next = looks(instruction, pc, at) ? at : -1;
          pc = instruction.a;
          break;
        default:
          if (!toEnd || at == text.length()) {
            top = base; // of a look the slots stay, for it has no groups and its counters begin anew
            return at;
          }
      }
      if (next >= 0) {
        at = next;
        continue;
      }
      pc = -1;
      while (pc < 0) {
        if (top == base) {
          return -1;
        }
        top -= ENTRY;
        int entry = stack[top];
        int place = entry / KINDS;
        int a = stack[top + 1];
        int b = stack[top + 2];
        switch (entry % KINDS) {
          case ELSEWHERE:
            pc = place;
            at = a;
            break;
          case SLOT:
            slots[a] = b;
            break;
          case SHORTER:
            at = a - Character.charCount(text.codePointBefore(a));
            if (at > b) {
              push(place, SHORTER, at, b);
            }
            pc = place;
            break;
          case MORE:
            set(code[place].a, b + 1);
            pc = code[place].b;
            at = a;
            break;
          default:
            int longer = one(code[place].set, a);
            if (longer >= 0) {
              if (b + 1 < code[place].b) {
                push(place, LONGER, longer, b + 1);
              }
              at = longer;
              pc = place + 1;
            }
        }
      }
    }
  }

  /** Past one code point of a set; -1 for none. */
  private int one(Ranges set, int at) {
    if (at >= text.length()) {
      return -1;
    }
    char c = text.charAt(at);
    if (!Character.isHighSurrogate(c)) {
      return set.has(c) ? at + 1 : -1;
    }
    int full = text.codePointAt(at);
    return set.has(full) ? at + Character.charCount(full) : -1;
  }

  private int longest(Program.Instruction run, int after, int start) {
    int at = start;
    int shortest = start;
    int count = 0;
    while (count < run.b) {
      int next = one(run.set, at);
      if (next < 0) {
        break;
      }
      at = next;
      count++;
      shortest = count == run.a ? at : shortest;
    }
    if (count < run.a) {
      return -1;
    }
    if (count > run.a && run.op == Program.Op.RUN) {
      push(after, SHORTER, at, shortest);
    }
    return at;
  }

  private int shortest(Program.Instruction run, int pc, int start) {
    int at = start;
    for (int count = 0; count < run.a; count++) {
      at = one(run.set, at);
      if (at < 0) {
        return -1;
      }
    }
    if (run.a < run.b) {
      push(pc, LONGER, at, run.a);
    }
    return at;
  }

  /** Where a repeat goes on. */
  private int turn(Program.Instruction turn, int pc, int at) {
    int count = slots[turn.a];
    if (count >= turn.most) {
      return pc + 1;
    }
    if (count >= turn.least) {
      if (turn.isLazy) {
        push(pc, MORE, at, count);
        return pc + 1;
      }
      push(pc + 1, ELSEWHERE, at, 0);
    }
    set(turn.a, count + 1);
    return turn.b;
  }

  private boolean looks(Program.Instruction look, int pc, int at) {
    boolean behind = look.look == Node.Look.BEHIND || look.look == Node.Look.NOT_BEHIND;
    int start = at;
    boolean found = true;
    if (behind) {
      start = CodePoints.back(text, at, look.width);
      found = text.codePointCount(start, at) == look.width;
    }
    found = found && run(pc + 1, start, false) >= 0;
    return found == (look.look == Node.Look.AHEAD || look.look == Node.Look.BEHIND);
  }
}
