"""A folder of wavs with `texts.tsv`: what systems write and metrics read.

Each line of `texts.tsv` is `file <tab> text [<tab> reference]`; paths are relative to the folder
(or absolute), the text may be empty (no word errors are counted), the reference is a recording of
the speaker the clip should sound like.  Clips with the same reference have the same speaker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voicelet_export.metrics.base import MetricError


@dataclass(frozen=True)
class Clip:
    """One line of `texts.tsv`.

    Attributes:
        path: the audio to measure.
        text: what it should say; empty where unknown.
        reference: the recording it should sound like, if any.
    """

    path: Path
    text: str
    reference: Path | None = None


def read_folder(folder: Path) -> list[Clip]:
    """Read the clips that `texts.tsv` lists.

    Raises:
        MetricError: there is no `texts.tsv`, a line has a wrong number of columns or names a
            file that isn't there.
    """
    path = folder / "texts.tsv"
    if not path.is_file():
        raise MetricError(f"{path} is missing; write 'file<tab>text[<tab>reference]' lines")
    clips: list[Clip] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        cells = line.split("\t")
        if len(cells) not in (2, 3):
            raise MetricError(f"{path}:{number}: expected 2 or 3 columns, got {len(cells)}")
        reference = folder / cells[2].strip() if len(cells) == 3 and cells[2].strip() else None
        clip = Clip(folder / cells[0].strip(), cells[1].strip(), reference)
        for file in (clip.path, reference):
            if file is not None and not file.is_file():
                raise MetricError(f"{path}:{number}: there is no file {file}")
        clips.append(clip)
    if not clips:
        raise MetricError(f"{path} lists no clips")
    return clips


def read_copies(folder: Path) -> list[tuple[Path, Path]]:
    """Read `copies.tsv`: a copy, a tab and its original on each line.

    Raises:
        MetricError: there is no `copies.tsv`, or a line names a file that isn't there.
    """
    path = folder / "copies.tsv"
    if not path.is_file():
        raise MetricError(f"{path} is missing; write 'copy<tab>original' lines")
    pairs: list[tuple[Path, Path]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.split("\t")]
        if cells == [""]:
            continue
        if len(cells) != 2 or not all((folder / cell).is_file() for cell in cells):
            raise MetricError(f"{path}:{number}: expected two files that exist")
        pairs.append((folder / cells[0], folder / cells[1]))
    if not pairs:
        raise MetricError(f"{path} lists no copies")
    return pairs


def write_texts(folder: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    """Write `texts.tsv` from rows of file, text and reference (may be empty)."""
    lines = ("\t".join(" ".join(cell.split()) for cell in row) for row in rows)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "texts.tsv").write_text("".join(f"{line}\n" for line in lines), "utf-8")
