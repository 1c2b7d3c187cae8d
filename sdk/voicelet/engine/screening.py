"""What a graph's file may not hold, looked for before an engine is given it.

A graph is data, but data that can ask for much: tensors in other files of the disk, loops without
an end, machine code of a plug-in.  No voice needs any of that, so a file that has it is refused,
whoever signed it.  The file is read here as the wire formats of Protocol Buffers (ONNX) and
FlatBuffers (LiteRT) say; neither library is needed for it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from voicelet.errors import EngineError

_MAX_DEPTH = 16
_MAX_FIELDS = 2_000_000
"""Parts of a file that are looked at; a voice's graph has some ten thousand."""

# Numbers of fields in onnx.proto: message → field → message inside it.
_MESSAGES: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {
        5: "Tensor",
        6: "Graph",
        10: "Tensor",
        11: "Graph",
        22: "SparseTensor",
        23: "SparseTensor",
    },
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
}
_NOTHING: dict[int, str] = {}
_NODE_OPERATOR, _NODE_DOMAIN = 4, 7
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14
_STANDARD_DOMAINS = (b"", b"ai.onnx")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_TFLITE_IDENTIFIER = b"TFL3"
_TFLITE_OPERATOR_CODES, _TFLITE_EXTERNAL = 1, (8, 9)  # fields of a Model
_TFLITE_CUSTOM = 32
_TFLITE_FLOW = {
    31: "CALL",
    118: "IF",
    119: "WHILE",
    129: "CALL_ONCE",
    173: "STABLEHLO_CUSTOM_CALL",
    200: "STABLEHLO_WHILE",
    206: "STABLEHLO_COMPOSITE",
    209: "STABLEHLO_CASE",
}
"""Operators that run other subgraphs, which may run them in turn, without an end."""

_REFUSED = "voicelet runs no such graph; fetch the bundle from makers you trust"


def screen_onnx(raw: bytes, where: str) -> None:
    """Refuse an ONNX file that reads other files, or repeats or calls parts of itself.

    Args:
        raw: the file.
        where: its name, for messages.

    Raises:
        EngineError: naming what it holds; or it isn't an ONNX file.
    """
    try:
        _Onnx(where).walk("Model", memoryview(raw), 0, "")
    except (ValueError, IndexError) as error:
        raise EngineError(
            f"{where}: not an ONNX graph ({error}); fetch or export the bundle again"
        ) from None


class _Onnx:
    """One pass over a file."""

    def __init__(self, where: str) -> None:
        self._where, self._left = where, _MAX_FIELDS

    def walk(self, message: str, data: memoryview, depth: int, operator: str) -> None:
        """Look at a message and at all inside it; `operator` is the node it belongs to."""
        if depth > _MAX_DEPTH:
            raise ValueError("it nests too deep")
        inside = _MESSAGES.get(message, _NOTHING)
        fields = self._fields(data)
        if message == "Node":
            operator = self._operator(fields)
        elif message == "Tensor" and any(
            number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_DATA_LOCATION and value)
            for number, _, value in fields
        ):
            raise self._refused("keeps a tensor in another file (external data)")
        for number, kind, value in fields:
            name = inside.get(number)
            if kind != _BYTES or name is None or not isinstance(value, memoryview):
                continue
            if name in ("Function", "Training"):
                raise self._refused(f"holds a {name.lower()} of its own")
            if name == "Graph" and message == "Attribute" and operator != "If":
                raise self._refused(f"repeats a part of itself ({operator or 'a node'})")
            self.walk(name, value, depth + 1, operator)

    def _operator(self, fields: Sequence[tuple[int, int, memoryview | int]]) -> str:
        operator, domain = b"", b""
        for number, kind, value in fields:
            if kind == _BYTES and isinstance(value, memoryview):
                if number == _NODE_OPERATOR:
                    operator = bytes(value[:80])
                elif number == _NODE_DOMAIN:
                    domain = bytes(value[:80])
        name = operator.decode("utf-8", "replace")
        if name in ("Loop", "Scan", "SequenceMap"):
            raise self._refused(f"repeats a part of itself ({name})")
        if name == "EPContext":
            raise self._refused("holds or names a compiled part of another engine (EPContext)")
        return (
            name if domain in _STANDARD_DOMAINS else f"{domain.decode('utf-8', 'replace')}:{name}"
        )

    def _refused(self, what: str) -> EngineError:
        return EngineError(f"{self._where}: the graph {what}; {_REFUSED}")

    def _fields(self, data: memoryview) -> list[tuple[int, int, memoryview | int]]:
        """Fields of a message in turn: number, wire type, contents (an int for a varint)."""
        # Every start of a voice walks some ten thousand fields, so numbers of one byte, which
        # most are, are read here.
        fields: list[tuple[int, int, memoryview | int]] = []
        place, end = 0, len(data)
        while place < end:
            if len(fields) >= self._left:
                raise ValueError("it has too many parts")
            tag, place = data[place], place + 1
            if tag >= 0x80:
                tag, place = _varint(data, place - 1)
            number, kind = (tag & 0xFFFFFFFF) >> 3, tag & 7
            value: memoryview | int
            if kind == _VARINT:
                value, place = _varint(data, place)
            elif kind == _BYTES:
                length, place = data[place], place + 1
                if length >= 0x80:
                    length, place = _varint(data, place - 1)
                if length > end - place:
                    raise ValueError("it is cut short")
                value, place = data[place : place + length], place + length
            elif kind in (_FIXED64, _FIXED32):
                length = 8 if kind == _FIXED64 else 4
                if length > end - place:
                    raise ValueError("it is cut short")
                value, place = data[place : place + length], place + length
            else:
                raise ValueError("it is damaged")
            fields.append((number, kind, value))
        self._left -= len(fields)
        return fields


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place
    raise ValueError("it is damaged")


def screen_tflite(raw: bytes, where: str) -> None:
    """Refuse a LiteRT file that reads other files, calls its own subgraphs or needs a plug-in.

    Args:
        raw: the file.
        where: its name, for messages.

    Raises:
        EngineError: naming what it holds; or it isn't a LiteRT file.
    """
    try:
        if raw[4:8] != _TFLITE_IDENTIFIER:
            raise ValueError("not a LiteRT file")
        model = struct.unpack_from("<I", raw, 0)[0]
        for number in _TFLITE_EXTERNAL:
            if list(_tables(raw, model, number)):
                raise EngineError(
                    f"{where}: the graph keeps tensors in another file (external buffers); "
                    f"{_REFUSED}"
                )
        for code in _tables(raw, model, _TFLITE_OPERATOR_CODES):
            old, new = _field(raw, code, 0), _field(raw, code, 3)
            operator = max(
                struct.unpack_from("<b", raw, old)[0] if old else 0,
                struct.unpack_from("<i", raw, new)[0] if new else 0,
            )
            if operator == _TFLITE_CUSTOM or operator in _TFLITE_FLOW:
                name = _TFLITE_FLOW.get(operator, "an operator of a plug-in")
                raise EngineError(f"{where}: the graph holds {name}; {_REFUSED}")
    except (ValueError, IndexError, struct.error) as error:
        raise EngineError(
            f"{where}: LiteRT can't open it ({error}); fetch or export the bundle again"
        ) from None


def _field(raw: bytes, table: int, number: int) -> int:
    """Where a field of a table lies; 0 if it isn't there."""
    layout = table - struct.unpack_from("<i", raw, table)[0]
    if layout < 0:
        raise ValueError("it is damaged")
    size = struct.unpack_from("<H", raw, layout)[0]
    entry = 4 + 2 * number
    if entry + 2 > size:
        return 0
    offset = struct.unpack_from("<H", raw, layout + entry)[0]
    return table + offset if offset else 0


def _tables(raw: bytes, table: int, number: int) -> Iterator[int]:
    """Where the tables of a vector lie."""
    field = _field(raw, table, number)
    if not field:
        return
    vector = field + struct.unpack_from("<I", raw, field)[0]
    count = struct.unpack_from("<I", raw, vector)[0]
    if count > min(_MAX_FIELDS, len(raw) // 4):
        raise ValueError("it is damaged")
    for i in range(count):
        entry = vector + 4 + 4 * i
        yield entry + struct.unpack_from("<I", raw, entry)[0]
