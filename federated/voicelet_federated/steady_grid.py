"""Flower's grid, with an end to waiting that doesn't hang on the wall clock."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

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
            left = _POLL_S if deadline is None else deadline - time.monotonic()
            if not waiting or left <= 0.0:
                break
            time.sleep(min(_POLL_S, left))
        return answers
