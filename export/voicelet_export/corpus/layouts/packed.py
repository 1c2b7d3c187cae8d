"""The project's own packed corpus (`metadata.jsonl` and `shard-N.tar`), as recordings in place."""

from __future__ import annotations

import tarfile
from pathlib import Path

from voicelet_export.corpus.layouts.base import CorpusLayout, CorpusRecording, gender_of, unique
from voicelet_export.corpus.reader import read_rows
from voicelet_export.errors import CorpusError


def _fits(folder: Path) -> bool:
    return (folder / "metadata.jsonl").is_file()


def _read(folder: Path) -> list[CorpusRecording]:
    try:
        rows = {str(row["id"]): row for row in read_rows(folder)}
        sources = []
        for shard in sorted(folder.glob("shard-*.tar")):
            with tarfile.open(shard) as tar:
                for member in tar:
                    row = rows.get(Path(member.name).stem)
                    if row is None or not member.isfile():
                        continue
                    source = CorpusRecording(
                        str(row["id"]),
                        str(row["speaker"]),
                        str(row["text"]),
                        shard,
                        member.offset_data,
                        member.size,
                        gender_of(str(row.get("gender", ""))),
                        row,
                    )
                    sources.append(source)
    except (OSError, ValueError, KeyError, TypeError, tarfile.TarError) as error:
        raise CorpusError(
            f"{folder} is no whole packed corpus ({error!r}); pack it again"
        ) from error
    return unique(sources, folder)


PACKED = CorpusLayout("packed", _fits, _read)
