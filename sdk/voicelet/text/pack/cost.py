"""What matching a pattern costs in the worst text, computed from its parts.

Where the next character decides whether a repeat goes on, there is one way through it; where it
doesn't, each of its lengths is a way, and what follows is tried for every one of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from voicelet.text.pack.syntax_tree import ALL, Node, Ranges, overlap, peak, union


@dataclass(frozen=True)
class Cost:
    """Of matching a part in the worst text.

    Attributes:
        paths: ways to match it after which the next character still fits.
        exits: ways to match it at all.
        steps: characters compared.
    """

    paths: int
    exits: int
    steps: int


_CHAR = Cost(1, 1, 1)
CAP = 1 << 40


def cost_of(node: Node, follow: Ranges) -> Cost:
    """Of `node`, before a character of `follow`."""
    if node.kind == "chars":
        return _CHAR
    if node.kind == "text":
        return Cost(1, 1, node.most)
    if node.kind == "look":
        return Cost(1, 1, cost_of(node.parts[0], ()).steps)
    if node.kind == "sequence":
        return _sequence_cost(node, follow)
    if node.kind == "choice":
        return _choice_cost(node, follow)
    return _repeat_cost(node, follow)


def _sequence_cost(node: Node, follow: Ranges) -> Cost:
    follows = []
    for part in reversed(node.parts):
        follows.append(follow)
        if part.kind != "look":
            follow = union(part.first, follow) if part.least == 0 else part.first
    # `settled` ways end in a character that fits; `run` more are open since the last part that
    # must take a character, of which `run_paths` go on into the next.
    settled = run = run_paths = 1
    steps = 0
    for part, after in zip(node.parts, reversed(follows), strict=True):
        cost = cost_of(part, after)
        if part.kind == "look":
            steps += settled * run * cost.steps
            continue
        steps += settled * run + settled * run_paths * cost.steps
        if part.least:
            settled *= run_paths
            run, run_paths = cost.exits, cost.paths
        else:  # every open way may pass it by; those that fit may go through it
            run, run_paths = run + run_paths * cost.exits, run_paths * cost.paths
        settled, run, run_paths = min(settled, CAP), min(run, CAP), min(run_paths, CAP)
        steps = min(steps, CAP)
    return Cost(min(settled * run_paths, CAP), min(settled * run, CAP), steps)


def _choice_cost(node: Node, follow: Ranges) -> Cost:
    words = [b.literal for b in node.parts if b.literal]
    others = [b for b in node.parts if not b.literal]
    costs = [(b.first if b.least else ALL, cost_of(b, follow)) for b in others]
    if words:
        # Of plain words only those fit at once that begin one another.
        known = Counter(words)
        chain = max(sum(known[w[:i]] for i in range(1, len(w) + 1)) for w in known)
        first = union(*(b.first for b in node.parts if b.literal))
        costs.append((first, Cost(chain, chain, len(words))))
    # The next character is one character: only branches that may begin with it go on.
    paths = min(peak((first, cost.paths) for first, cost in costs), CAP)
    exits = min(peak((first, cost.exits) for first, cost in costs), CAP)
    return Cost(paths, exits, min(sum(c.steps for _, c in costs), CAP))


def _repeat_cost(node: Node, follow: Ranges) -> Cost:
    (part,), (least, most) = node.parts, node.times
    inner = cost_of(part, union(part.first, follow) if most > 1 else follow)
    paths, ways, exits, steps = 0, 1, 0, 0
    for count in range(most + 1):
        if count >= least:
            paths += ways
            exits += ways * (inner.exits if count else 1)
        if count < most:
            steps += ways * inner.steps
            ways *= inner.paths
        if max(steps, exits) > CAP:
            return Cost(CAP, CAP, CAP)
    if not overlap(part.first, follow):
        paths = ways  # the next character says whether to go on
    return Cost(paths, exits, steps)
