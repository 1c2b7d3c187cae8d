"""An ONNX graph as nodes and their inputs: enough to find a subgraph and extract it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Proto = Any
"""A message of the `onnx` package, which is an extra and has no types."""


class Net:
    """The nodes of a model and the tensors between them.

    Args:
        model: `onnx.ModelProto`; not changed.
    """

    def __init__(self, model: Proto) -> None:
        self.model = model
        self.nodes: list[Proto] = list(model.graph.node)
        self.weights: dict[str, Proto] = {t.name: t for t in model.graph.initializer}
        self.inputs = [i.name for i in model.graph.input if i.name not in self.weights]
        self.outputs = [o.name for o in model.graph.output]
        self._reads = [tuple(_reads(n)) for n in self.nodes]
        self._maker = {out: i for i, n in enumerate(self.nodes) for out in n.output if out}
        self._users: dict[str, list[int]] = {}
        for i, names in enumerate(self._reads):
            for name in names:
                self._users.setdefault(name, []).append(i)

    def maker(self, tensor: str) -> Proto | None:
        """The node that makes a tensor; None for inputs and weights."""
        return self.nodes[self._maker[tensor]] if tensor in self._maker else None

    def index(self, node: Proto) -> int:
        """Where a node stands in the graph."""
        return self._maker[next(out for out in node.output if out)]

    def users(self, tensor: str) -> list[Proto]:
        """The nodes that read a tensor."""
        return [self.nodes[i] for i in self._users.get(tensor, ())]

    def reads(self, index: int) -> tuple[str, ...]:
        """What a node reads, also inside its branches."""
        return self._reads[index]

    def of(self, *op_types: str) -> list[Proto]:
        """The nodes of some types, in the order of the graph."""
        return [n for n in self.nodes if n.op_type in op_types]

    def before(self, tensors: Iterable[str], stop: Iterable[str] = ()) -> set[int]:
        """Indices of the nodes that `tensors` depend on, not going past `stop`."""
        stops, indices, waiting = set(stop), set[int](), list(tensors)
        while waiting:
            name = waiting.pop()
            index = self._maker.get(name)
            if name in stops or index is None or index in indices:
                continue
            indices.add(index)
            waiting += self._reads[index]
        return indices

    def after(self, tensor: str) -> set[int]:
        """Indices of the nodes that depend on a tensor."""
        indices, waiting = set[int](), [tensor]
        while waiting:
            for index in self._users.get(waiting.pop(), ()):
                if index not in indices:
                    indices.add(index)
                    waiting += self.nodes[index].output
        return indices

    def depends_on(self, tensor: str) -> set[str]:
        """The graph's inputs that a tensor depends on; "random" where it is drawn."""
        nodes = self.before([tensor])
        read = {name for i in nodes for name in self._reads[i]} | {tensor}
        drawn = {"random"} if any(self.nodes[i].op_type.startswith("Random") for i in nodes) else ()
        return {name for name in self.inputs if name in read} | set(drawn)

    def part(
        self,
        indices: Iterable[int],
        inputs: Sequence[Proto],
        outputs: Sequence[Proto],
        change: Callable[[Proto], Iterable[Proto]] = lambda node: (node,),
        weights: Mapping[str, Proto] | None = None,
        opening: Iterable[Proto] = (),
    ) -> bytes:
        """A model of some of the nodes.

        Args:
            indices: nodes to take, in the order of the graph.
            inputs, outputs: `ValueInfoProto`s.
            change: gives what stands for a node.
            weights: in place of the model's own.
            opening: nodes to put before all others.

        Returns:
            The model, serialized; equal parts give equal bytes.
        """
        model = type(self.model)()
        model.ir_version = self.model.ir_version
        model.opset_import.extend(self.model.opset_import)
        model.producer_name = "voicelet"
        graph = model.graph
        graph.name = "voice"
        graph.node.extend(opening)
        for i in sorted(set(indices)):
            graph.node.extend(change(self.nodes[i]))
        used = {name for node in graph.node for name in _reads(node)}
        for name, tensor in (weights or self.weights).items():
            if name in used:
                graph.initializer.append(tensor)
        graph.input.extend(inputs)
        graph.output.extend(outputs)
        return bytes(model.SerializeToString(deterministic=True))


def attribute(node: Proto, name: str) -> list[int]:
    """A list of numbers among a node's attributes, or []."""
    for item in node.attribute:
        if item.name == name:
            return [int(v) for v in item.ints]
    return []


def _reads(node: Proto) -> Iterator[str]:
    """Tensors that a node reads; names bound inside a branch belong to the branch."""
    yield from filter(None, node.input)
    for item in node.attribute:
        for branch in (item.g, *item.graphs) if item.HasField("g") or item.graphs else ():
            bound = {t.name for t in branch.initializer} | {i.name for i in branch.input}
            bound |= {name for inner in branch.node for name in inner.output}
            for inner in branch.node:
                yield from (name for name in _reads(inner) if name not in bound)
            yield from (o.name for o in branch.output if o.name not in bound)
