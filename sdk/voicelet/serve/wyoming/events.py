"""Events of the Wyoming protocol, read with bounds.

The protocol's own package reads as many bytes as the other side announces; here what a caller may
announce is small.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wyoming.event import Event

from voicelet.errors import ServeError

MAX_LINE_BYTES = 1 << 16
MAX_DATA_BYTES = 1 << 20
MAX_PAYLOAD_BYTES = 1 << 16
"""Nothing that is spoken comes with a payload; recordings, which do, aren't taken."""


class EventError(ServeError):
    """The other side sent what isn't an event, or is too large."""


async def read_event(reader: asyncio.StreamReader) -> Event | None:
    """The next event; None at the end.

    Args:
        reader: with a limit of `MAX_LINE_BYTES`.

    Raises:
        EventError: it isn't one.
    """
    try:
        line = await reader.readline()
        if not line:
            return None
        head = _object(line)
        data = head.get("data")
        data = dict(data) if isinstance(data, dict) else {}
        length = _length(head, "data_length", MAX_DATA_BYTES)
        if length:
            data.update(_object(await reader.readexactly(length)))
        length = _length(head, "payload_length", MAX_PAYLOAD_BYTES)
        payload = await reader.readexactly(length) if length else None
    except asyncio.IncompleteReadError:
        return None
    except (ValueError, asyncio.LimitOverrunError):
        raise EventError(f"a line has at most {MAX_LINE_BYTES} bytes") from None
    if not isinstance(head.get("type"), str):
        raise EventError("an event has a type")
    return Event(type=head["type"], data=data, payload=payload)


def _length(head: dict[str, Any], name: str, most: int) -> int:
    length = head.get(name)
    if length is None:
        return 0
    if isinstance(length, bool) or not isinstance(length, int) or not 0 <= length <= most:
        raise EventError(f"{name} lies between 0 and {most}")
    return length


def _object(raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise EventError("an event is JSON in UTF-8") from None
    if not isinstance(data, dict):
        raise EventError("an event is a JSON object")
    return data
