"""How many listen to one core: first audio, gaps, and callers that leave, stall and flood.

    python -m benchmarks.serving --listeners 20,40,60,80 --seconds 30

A server of one thread runs as a process of its own; listeners ask for a sentence, hear it at the
pace of speech, and ask for the next.  First audio is counted from the request; a gap is how much
later a piece came than the listener needed it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SENTENCES = (
    "The kettle is on, and the tea will be ready in a minute or two.",
    "Your next appointment is on Thursday at half past nine in the morning.",
    "Nobody had told him that the last train left so early on a Sunday.",
    "It is raining in the north, with some sun along the coast.",
    "Please turn off the lights in the kitchen before you go to bed.",
)
_BYTES_A_SECOND = 48_000
_GAP_S = 0.1
_FIRST_AUDIO_S = 0.12


@dataclass
class Heard:
    """What listeners saw."""

    first_s: list[float] = field(default_factory=list)
    gaps_s: list[float] = field(default_factory=list)
    spoken_s: float = 0.0
    refused: int = 0

    def row(self, listeners: int, cpu: float) -> dict[str, Any]:
        """As figures."""
        first = sorted(self.first_s)
        return {
            "listeners": listeners,
            "texts": len(first),
            "refused": self.refused,
            "first_audio_ms": {
                name: round(1000 * first[min(len(first) - 1, int(share * len(first)))], 1)
                for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
            },
            "gaps_over_100_ms": sum(g > _GAP_S for g in self.gaps_s),
            "worst_gap_ms": round(1000 * max(self.gaps_s, default=0.0), 1),
            "spoken_s": round(self.spoken_s, 1),
            "cores": round(cpu, 3),
        }


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _ask(port: int, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"input": text, "response_format": "pcm"}).encode()
    writer.write(
        b"POST /v1/audio/speech HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    )
    await writer.drain()
    return reader, writer


async def _pieces(reader: asyncio.StreamReader) -> Any:
    """Sizes of the chunks of a body."""
    while size := int((await reader.readline()).strip() or b"0", 16):
        await reader.readexactly(size + 2)
        yield size


async def _listen(port: int, number: int, until_s: float, heard: Heard) -> None:
    await asyncio.sleep(number * 0.618 % 3.0)
    turn = number
    while time.monotonic() < until_s:
        turn += 1
        asked_s = time.monotonic()
        reader, writer = await _ask(port, SENTENCES[turn % len(SENTENCES)])
        status = await reader.readline()
        while (await reader.readline()).strip():
            pass
        if b" 200 " not in status:
            heard.refused += 1
            writer.close()
            await asyncio.sleep(1.0)
            continue
        first_s, length_s = 0.0, 0.0
        async for size in _pieces(reader):
            now = time.monotonic()
            if not first_s:
                first_s = now
                heard.first_s.append(now - asked_s)
            else:
                heard.gaps_s.append(max(0.0, now - first_s - length_s))
            length_s += size / _BYTES_A_SECOND
        writer.close()
        heard.spoken_s += length_s
        await asyncio.sleep(max(0.0, first_s + length_s - time.monotonic()))


async def _trouble(port: int, until_s: float) -> dict[str, int]:
    """Callers that leave after the first audio, that take nothing, and that never finish asking."""
    counts = {"left": 0, "stalled": 0, "unfinished": 0}
    stalled = [await _ask(port, " ".join(SENTENCES) * 20) for _ in range(20)]
    unfinished = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
    counts["stalled"], counts["unfinished"] = len(stalled), len(unfinished)
    while time.monotonic() < until_s:
        reader, writer = await _ask(port, " ".join(SENTENCES) * 20)
        await reader.read(100)
        writer.close()
        counts["left"] += 1
    for _, writer in (*stalled, *unfinished):
        writer.close()
    return counts


async def _load(port: int, pid: int, listeners: int, seconds: float, trouble: bool) -> Any:
    heard, until_s = Heard(), time.monotonic() + seconds
    before_s, began_s = _cpu_s(pid), time.monotonic()
    work: list[Any] = [_listen(port, i, until_s, heard) for i in range(listeners)]
    if trouble:
        work.append(_trouble(port, until_s))
    done = await asyncio.gather(*work)
    row = heard.row(listeners, (_cpu_s(pid) - before_s) / (time.monotonic() - began_s))
    return {**row, **done[-1]} if trouble else row


async def _idle(port: int, repeats: int) -> dict[str, float]:
    """First audio over HTTP and in this process, in turn, with nobody else."""
    from voicelet import Voice

    voice = Voice.load()
    over_http, here = [], []
    for i in range(repeats + 3):
        text = SENTENCES[i % len(SENTENCES)]
        start_s = time.perf_counter()
        reader, writer = await _ask(port, text)
        while (await reader.readline()).strip():
            pass
        await reader.read(1)
        over_http.append(time.perf_counter() - start_s)
        writer.close()
        await asyncio.sleep(0.3)
        start_s = time.perf_counter()
        stream = voice.stream(text)
        next(stream)
        here.append(time.perf_counter() - start_s)
        stream.close()  # type: ignore[attr-defined]
    http_ms = 1000 * statistics.median(over_http[3:])
    here_ms = 1000 * statistics.median(here[3:])
    return {
        "http_ms": round(http_ms, 2),
        "in_process_ms": round(here_ms, 2),
        "difference_ms": round(http_ms - here_ms, 2),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listeners", default="20,40,60,80,100")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(argv)
    command = [sys.executable, "-m", "voicelet", "serve", "--port", "0", "--threads", "1"]
    command += ["--quiet"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        address = next(line.split()[-1] for line in server.stderr if "serves at" in line)
        port = int(address.rpartition(":")[2])
        try:
            result: dict[str, Any] = {"idle": asyncio.run(_idle(port, args.repeats)), "load": []}
            for count in map(int, args.listeners.split(",")):
                row = asyncio.run(_load(port, server.pid, count, args.seconds, False))
                print(row, flush=True)
                result["load"].append(row)
            good = [
                r["listeners"]
                for r in result["load"]
                if r["first_audio_ms"]["p95"] <= 1000 * _FIRST_AUDIO_S
                and not r["gaps_over_100_ms"]
                and not r["refused"]
            ]
            result["listeners_a_core"] = max(good, default=0)
            some = max(1, result["listeners_a_core"] // 2)
            row = asyncio.run(_load(port, server.pid, some, args.seconds, True))
            result["with_trouble"] = row
            print(row, flush=True)
        finally:
            server.terminate()
    if args.out is not None:
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
