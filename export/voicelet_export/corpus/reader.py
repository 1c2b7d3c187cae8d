"""Read a packed corpus: `metadata.jsonl` beside `shard-N.tar` files of compressed audio."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from voicelet.audio.features import FloatArray


@dataclass(frozen=True)
class Utterance:
    """One row of a corpus, with its audio.

    Attributes:
        id, speaker, text: as in the metadata.
        samples: mono float32 at `sample_rate_hz`.
        row: the whole metadata row (`phonemes`, `frames`, `f0`, `gender`, … where given).
    """

    id: str
    speaker: str
    text: str
    samples: FloatArray
    sample_rate_hz: int
    row: dict[str, Any] = field(repr=False)


def read_rows(corpus: Path) -> list[dict[str, Any]]:
    """All metadata rows of a corpus folder, in file order."""
    with open(corpus / "metadata.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def iterate_corpus(corpus: Path, only: set[str] | None = None) -> Iterator[Utterance]:
    """Stream a corpus shard by shard, in the order in which the audio lies on disk.

    Args:
        corpus: folder with `metadata.jsonl` and `shard-*.tar`.
        only: ids to keep; `None` keeps all.
    """
    rows = {row["id"]: row for row in read_rows(corpus)}
    for shard in sorted(corpus.glob("shard-*.tar")):
        with tarfile.open(shard) as tar:
            for member in tar:
                row = rows.get(Path(member.name).stem)
                handle = tar.extractfile(member)
                if row is None or handle is None or (only is not None and row["id"] not in only):
                    continue
                samples, rate = soundfile.read(io.BytesIO(handle.read()), dtype="float32")
                if samples.ndim > 1:
                    samples = samples.mean(axis=1)
                yield Utterance(row["id"], row["speaker"], row["text"], samples, int(rate), row)


def resample(samples: FloatArray, from_hz: int, to_hz: int) -> FloatArray:
    """Band-limited resampling between integer rates."""
    if from_hz == to_hz:
        return samples
    from scipy.signal import resample_poly  # loading it costs more than all else here

    gcd = int(np.gcd(from_hz, to_hz))
    out: FloatArray = resample_poly(samples, to_hz // gcd, from_hz // gcd).astype(np.float32)
    return out
