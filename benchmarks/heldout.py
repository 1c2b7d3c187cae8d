"""The people no model is trained on, and which of their recordings are used for what.

`benchmarks/data/heldout.json` is the list; training reads it and leaves these speakers out.  The
draw below made it and can be run again (`python -m benchmarks.heldout CORPUS`) to check it:

- ten speechocean762 speakers (five women, five men): utterances in order of id are joined until
  they hold at least 30 s: the reference.  The speaker's other utterances are the ceiling.
- ten LibriSpeech speakers with an utterance of at least 14.5 s: cut in two at the quietest place
  between 9 and 11 s; the first part is the reference, the second the ceiling.
- six speakers of the teacher (two of its own voices, four mixes) to validate the training with.
"""

from __future__ import annotations

import json
import random
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
SEED = 20240607
REFERENCE_S = 30.0
CEILING_S = 15.0


@dataclass(frozen=True)
class Person:
    """A real person held out of every training.

    Attributes:
        speaker: id in the corpus.
        corpus: "speechocean762" or "librispeech".
        gender: "f", "m" or None where the corpus doesn't say.
        reference: utterance ids that are joined, in this order, into the enrolment recording.
        ceiling: utterance ids of other recordings of the same person.
        split_s: where there is one utterance only, it is both: the reference ends here and the
            ceiling begins.
    """

    speaker: str
    corpus: str
    gender: str | None
    reference: tuple[str, ...]
    ceiling: tuple[str, ...]
    split_s: float | None = None


@dataclass(frozen=True)
class HeldOut:
    """Everything in `heldout.json`."""

    people: tuple[Person, ...]
    teacher_speakers: tuple[str, ...]

    def speakers(self) -> frozenset[str]:
        """Ids of all speakers, real and of the teacher, that training must leave out."""
        return frozenset(p.speaker for p in self.people) | frozenset(self.teacher_speakers)


def load(path: Path = DATA / "heldout.json") -> HeldOut:
    """Read the list of held-out speakers."""
    data = json.loads(path.read_text("utf-8"))
    people = tuple(
        Person(
            speaker=p["speaker"],
            corpus=p["corpus"],
            gender=p["gender"],
            reference=tuple(p["reference"]),
            ceiling=tuple(p["ceiling"]),
            split_s=p["split_s"],
        )
        for p in data["people"]
    )
    return HeldOut(people, tuple(data["teacher_speakers"]))


def _rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    by_speaker: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        by_speaker[row["speaker"]].append(row)
    return {s: sorted(by_speaker[s], key=lambda r: str(r["id"])) for s in sorted(by_speaker)}


def _speechocean(speaker: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    seconds, count = 0.0, 0
    while seconds < REFERENCE_S:
        seconds += rows[count]["seconds"]
        count += 1
    ids = [r["id"] for r in rows]
    return {
        "speaker": speaker,
        "corpus": "speechocean762",
        "gender": rows[0]["gender"],
        "reference": ids[:count],
        "ceiling": ids[count:],
        "split_s": None,
    }


def quietest_s(samples: Any, rate: int, low_s: float, high_s: float) -> float:
    """Middle of the quietest 50 ms of `samples` between `low_s` and `high_s`, in seconds."""
    import numpy as np

    step = rate // 100
    squares = np.add.reduceat(
        np.square(samples, dtype=np.float64), np.arange(0, len(samples), step)
    )
    loud = np.convolve(squares, np.ones(5), "same")
    low, high = round(low_s * 100), round(high_s * 100)
    return float(low + int(np.argmin(loud[low:high]))) / 100 + 0.005


def draw(corpus: Path) -> dict[str, Any]:
    """Draw the held-out speakers from the corpora below `corpus` ("real" and "teacher")."""
    from benchmarks.corpora import TarCorpus

    rng = random.Random(SEED)
    real = _rows(corpus / "real")
    audio = TarCorpus(corpus / "real")
    people: list[dict[str, Any]] = []
    for gender in ("f", "m"):
        enough = [
            s
            for s, rows in real.items()
            if s.startswith("so_")
            and rows[0]["gender"] == gender
            and sum(r["seconds"] for r in rows) >= REFERENCE_S + CEILING_S + 10.0
        ]
        people += [_speechocean(s, real[s]) for s in sorted(rng.sample(enough, 5))]
    enough = [s for s, r in real.items() if s.startswith("ls_") and r[0]["seconds"] >= 14.5]
    for speaker in sorted(rng.sample(enough, 10)):
        row = real[speaker][0]
        samples, rate = audio.read(row["id"])
        people.append(
            {
                "speaker": speaker,
                "corpus": "librispeech",
                "gender": row.get("gender"),
                "reference": [row["id"]],
                "ceiling": [row["id"]],
                "split_s": round(quietest_s(samples, rate, 9.0, 11.0), 3),
            }
        )
    teacher = _rows(corpus / "teacher")
    own = [s for s, r in teacher.items() if len(r[0]["mix"]) == 1 and s[0] in "ab"]
    women = [s for s in own if s[1] == "f"]
    men = [s for s in own if s[1] == "m"]
    mixes = [s for s, r in teacher.items() if len(r[0]["mix"]) > 1 and len(r) >= 8]
    speakers = [rng.choice(women), rng.choice(men), *sorted(rng.sample(mixes, 4))]
    return {"people": people, "teacher_speakers": speakers}


def main() -> None:
    """Draw again and compare with what is committed; write it where nothing is."""
    drawn = draw(Path(sys.argv[1]))
    path = DATA / "heldout.json"
    if not path.exists():
        path.write_text(json.dumps(drawn, indent=1) + "\n", "utf-8")
    print("same" if json.loads(path.read_text("utf-8")) == drawn else "different")


if __name__ == "__main__":
    main()
