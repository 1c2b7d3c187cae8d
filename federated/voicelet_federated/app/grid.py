"""Flower's grid: one whose waiting ends by a steady clock, and one inside this process.

Every message goes through Flower's wire format and back, so that both sides see what they would
see over a network, and nothing else.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.serde import message_from_proto, message_to_proto
from flwr.proto.message_pb2 import Message as ProtoMessage
from flwr.serverapp import Grid
from flwr.supercore.task_identity import TaskIdentity

from voicelet_federated.app.config import FederationConfig, Places, to_run_config

_LOG = logging.getLogger(__name__)
_RUN, _SERVER, _APP_ERROR = 1, 1, 1


class LocalGrid(Grid):
    """Simulated nodes, served one after another.

    Args:
        app: run for each message.
        contexts: of the nodes, by Flower node id.
        progress: called after each message with the node.
    """

    def __init__(
        self,
        app: ClientApp,
        contexts: Mapping[int, Context],
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._app, self.contexts, self._progress = app, dict(contexts), progress
        self._replies: dict[str, bytes] = {}
        TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = _RUN, _SERVER, 1

    def set_run(self, run: Any) -> None:
        """There is one run only."""

    @property
    def run(self) -> Any:
        """None: this grid has no run record."""
        return None

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """A message to a node."""
        return Message(content, dst_node_id, message_type, group_id=group_id, ttl=ttl)

    def get_node_ids(self) -> Iterable[int]:
        """All simulated nodes."""
        return list(self.contexts)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Let each node answer; returns the ids to pull by."""
        names = []
        for message in messages:
            name = secrets.token_hex(16)
            reply = self.deliver(message.metadata.dst_node_id, to_wire(message, name))
            if reply is not None:
                self._replies[name] = reply
            names.append(name)
            if self._progress is not None:
                self._progress(message.metadata.dst_node_id)
        return names

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Answers that came."""
        return [from_wire(self._replies.pop(n)) for n in message_ids if n in self._replies]

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        """Answers of all nodes; a node that doesn't answer is waited for no longer."""
        return list(self.pull_messages(self.push_messages(messages)))

    def deliver(self, node: int, wire: bytes) -> bytes | None:
        """What a node makes of a message, both in wire format; None: nothing came back."""
        message = from_wire(wire)
        try:
            reply = self._app(message, self.contexts[node])
        except Exception as error:
            # As a SuperNode does: an error of one device doesn't end the run.
            _LOG.exception("node %d failed", node)
            reply = Message(Error(_APP_ERROR, type(error).__name__), reply_to=message)
        return to_wire(reply, secrets.token_hex(16))


def contexts_for(nodes: int, config: FederationConfig, places: Places) -> dict[int, Context]:
    """Contexts as Flower's simulation gives them, by node id."""
    run_config = to_run_config(config, places)
    return {
        1000 + i: Context(
            run_id=_RUN,
            node_id=1000 + i,
            node_config={"partition-id": i, "num-partitions": nodes},
            state=RecordDict(),
            run_config=dict(run_config),
        )
        for i in range(nodes)
    }


def to_wire(message: Message, name: str) -> bytes:
    """A message as bytes; `name` becomes its id."""
    proto = message_to_proto(message)
    proto.metadata.message_id = name
    data: bytes = proto.SerializeToString()
    return data


def from_wire(data: bytes) -> Message:
    """The reverse of :func:`to_wire`."""
    return message_from_proto(ProtoMessage.FromString(data))


_POLL_S = 1.0


class SteadyGrid(Grid):
    """A grid that waits by the monotonic clock.

    Flower's own compares wall-clock times: when the server's clock is set back by an hour in the
    middle of a round, it waits that hour.

    Args:
        grid: that does the work.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def set_run(self, run: Any) -> None:
        """As the grid's."""
        self._grid.set_run(run)

    @property
    def run(self) -> Any:
        """As the grid's."""
        return self._grid.run

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """As the grid's."""
        return self._grid.create_message(content, message_type, dst_node_id, group_id, ttl)

    def get_node_ids(self) -> Iterable[int]:
        """As the grid's."""
        return self._grid.get_node_ids()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """As the grid's."""
        return self._grid.push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """As the grid's."""
        return self._grid.pull_messages(message_ids)

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        """Send, and wait for the answers.

        Args:
            messages: one or more.
            timeout: seconds; `None` waits until all are there.

        Returns:
            The answers that came in time.
        """
        # Flower gives None for a message that it couldn't send.
        waiting = {name for name in self._grid.push_messages(list(messages)) if name}
        deadline = None if timeout is None else time.monotonic() + timeout
        answers: list[Message] = []
        while waiting:
            for answer in self._grid.pull_messages(waiting):
                answers.append(answer)
                waiting.discard(answer.metadata.reply_to_message_id)
            remaining_s = _POLL_S if deadline is None else deadline - time.monotonic()
            if not waiting or remaining_s <= 0.0:
                break
            time.sleep(min(_POLL_S, remaining_s))
        return answers
