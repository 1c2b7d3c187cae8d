"""From a folder of recordings and texts to what trains, in one command that can be cut off.

Folder → packed corpus (`corpus/pack.py`) → feature cache, shard by shard → phones by the front end
that the device uses, and durations by the aligner.
"""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import voicelet_export
from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.corpus.cache import CacheWriter, DVectorExtractor, build_aligned_cache
from voicelet_export.corpus.merge import merge_caches
from voicelet_export.corpus.pack import DEFAULT_PACK, OnItem, PackConfig, pack_corpus
from voicelet_export.corpus.reader import iterate_corpus, read_rows
from voicelet_export.errors import CorpusError

if TYPE_CHECKING:
    from voicelet_export.corpus.align_cache import RealAlignConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tools:
    """Models that preparation uses.

    Attributes:
        encoder: speaker encoder, ONNX.
        aligner: weights of the frame classifier, or `None` to leave a cache without durations.
        lexicon, g2p: of the front end.
        packaged_aligner: align with the classifier that the runtime ships.
        bounds: of what is kept after alignment; `None` for the defaults.
    """

    encoder: Path
    aligner: Path | None
    lexicon: Path
    g2p: Path | None
    packaged_aligner: bool = False
    bounds: RealAlignConfig | None = None

    @property
    def can_align(self) -> bool:
        """Whether recordings can be given durations."""
        return self.packaged_aligner or self.aligner is not None

    @classmethod
    def found(
        cls, encoder: Path | None = None, aligner: Path | None = None, aligned: bool = True
    ) -> Tools:
        """The tools named, and for the others those of this checkout or of the packaged voice.

        Raises:
            ConfigError: there is no aligner where one is needed, or a named file is missing.
        """
        from voicelet.bundle import open_bundle

        artifacts = Path(voicelet_export.__file__).resolve().parents[1] / "artifacts"
        for given in (encoder, aligner):
            if given is not None and not given.is_file():
                raise ConfigError(f"there is no file {given}; check the path")
        bundle = open_bundle()
        own_encoder = artifacts / "speaker_encoder" / "speaker_encoder.onnx"
        own_aligner = artifacts / "aligner" / "aligner.safetensors"
        # The trainer's own weights, or the runtime's int8 form of them.
        packaged_aligner = aligned and aligner is None and not own_aligner.is_file()
        if encoder is None:
            packaged = bundle.graph_path("speaker_encoder")[0]
            encoder = own_encoder if own_encoder.is_file() else packaged
        return cls(
            encoder=encoder,
            aligner=(aligner or own_aligner) if aligned and not packaged_aligner else None,
            lexicon=bundle.data_path("lexicon"),
            g2p=bundle.graph_path("g2p")[0] if "g2p" in bundle.manifest.graphs else None,
            packaged_aligner=packaged_aligner,
        )


def recording_aligner(tools: Tools) -> Any:
    """The aligner of recordings that `tools` name.

    Raises:
        ConfigError: they name none, or its weights can't be read.
    """
    from safetensors import SafetensorError

    from voicelet.text.g2p import NeuralG2P
    from voicelet.text.lexicon import Lexicon
    from voicelet_export.corpus.align_cache import RealAlignConfig, RecordingAligner
    from voicelet_export.corpus.transcripts import TranscriptReader
    from voicelet_export.models.aligner import FramePosteriors, PackagedPosteriors, load_aligner

    posteriors: Any = PackagedPosteriors()
    if tools.aligner is not None:
        try:
            posteriors = FramePosteriors(load_aligner(tools.aligner))
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ConfigError(f"{tools.aligner} holds no aligner ({error})") from error
    elif not tools.packaged_aligner:
        raise ConfigError("alignment needs the aligner's weights; give --aligner")
    g2p = NeuralG2P(tools.g2p) if tools.g2p is not None else None
    reader = TranscriptReader(Lexicon.open(tools.lexicon), g2p)
    return RecordingAligner(reader, posteriors, tools.bounds or RealAlignConfig())


def prepare_data(
    folder: Path,
    out: Path,
    tools: Tools,
    config: PackConfig = DEFAULT_PACK,
    on_item: OnItem | None = None,
) -> Path:
    """A feature cache of any folder that can be trained on; what is there already isn't redone.

    Args:
        folder: a corpus of any layout, or a feature cache, which is returned as it is.
        out: folder under which the packed corpus (`<name>-corpus`) and the cache (`<name>`) go.

    Returns:
        The cache's folder.

    Raises:
        ConfigError, CorpusError: as :func:`pack_corpus` and :func:`build_cache` raise them.
    """
    if (folder / "index.json").is_file():
        return folder
    name = folder.resolve().name
    packed = (folder / "metadata.jsonl").is_file() and config.layout in ("auto", "packed")
    if packed and not config.clean:
        corpus = folder
    else:
        corpus = out / f"{name}-corpus"
        pack_corpus(folder, corpus, config, on_item)
    build_cache(corpus, out / name, tools, on_item)
    return out / name


def build_cache(
    corpus: Path, out: Path, tools: Tools, on_item: OnItem | None = None
) -> dict[str, Any]:
    """Measure a packed corpus into the cache `out`, shard by shard, and align it.

    Rows that carry `phonemes`, `frames` and `f0` are taken at their word; the others are aligned
    where `tools` name an aligner.

    Returns:
        A report, also in `out/prepare.json`: utterances, and of them the aligned ones.

    Raises:
        CorpusError: the corpus is empty or can't be read, or nothing could be aligned.
    """
    try:
        rows = read_rows(corpus)
        facts = [(s.name, s.stat().st_size) for s in sorted(corpus.glob("shard-*.tar"))]
        metadata = (corpus / "metadata.jsonl").stat().st_size
    except (OSError, ValueError) as error:
        raise CorpusError(f"{corpus} is no packed corpus ({error}); pack it first") from error
    if not rows or not facts:
        raise CorpusError(f"{corpus} holds no utterances")
    measured: dict[str, Any] = {"shards": [list(f) for f in facts], "metadata": metadata}
    measured["encoder"] = _size(tools.encoder)
    plan = {
        **measured,
        "aligner": int(tools.packaged_aligner) or _size(tools.aligner),
        "lexicon": _size(tools.lexicon),
    }
    if tools.bounds is not None:
        plan["bounds"] = asdict(tools.bounds)
    done = out / "prepare.json"
    if (out / "index.json").is_file() and done.is_file():
        report: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        if report.get("plan") == plan:
            return report
    labelled = all("frames" in r and "phonemes" in r and "f0" in r for r in rows)
    if labelled:
        build_aligned_cache(corpus, out, tools.encoder)
        aligned = len(rows)
    else:
        _measure(corpus, rows, out, tools.encoder, measured, on_item)
        aligned = _align(corpus, out, tools) if tools.can_align else 0
    report = {"plan": plan, "utterances": len(rows), "aligned": aligned}
    _write_json(done, report)
    return report


def _size(path: Path | None) -> int:
    """Of a tool: tells versions apart well enough, whatever their paths."""
    return path.stat().st_size if path is not None else 0


def _measure(
    corpus: Path,
    rows: list[dict[str, Any]],
    out: Path,
    encoder: Path,
    plan: dict[str, Any],
    on_item: OnItem | None,
) -> None:
    """Features of every shard in a part of its own, then all of them joined."""
    work, kept = out / ".parts", out / "measured.json"
    if kept.is_file() and (out / "index.json").is_file() and _holds(kept, plan):
        return
    marker = work / "plan.json"
    if not _holds(marker, plan):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        _write_json(marker, plan)
    by_shard: dict[int, set[str]] = {}
    for row in rows:
        by_shard.setdefault(int(row["shard"]), set()).add(str(row["id"]))
    extract = DVectorExtractor(encoder)
    count = 0
    parts = []
    for number, ids in sorted(by_shard.items()):
        part = work / f"part-{number}"
        parts.append(part)
        if (part / "index.json").is_file():
            count += len(ids)
            continue
        writer = CacheWriter(part)
        for utterance in iterate_corpus(corpus, ids):
            writer.add(utterance, extract(utterance.samples, utterance.sample_rate_hz))
            count += 1
            if on_item is not None:
                on_item(count, len(rows))
        writer.close()
    for stale in ("measured.json", "recorded.json", "alignment.json"):
        (out / stale).unlink(missing_ok=True)
    merge_caches(parts, out)
    _write_json(kept, plan)
    shutil.rmtree(work)


def _holds(path: Path, plan: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")) == plan)
    except (OSError, ValueError):
        return False


def _write_json(path: Path, value: dict[str, Any]) -> None:
    with atomic_file(path) as file:
        file.write(json.dumps(value, indent=1).encode("utf-8"))


def _align(corpus: Path, cache: Path, tools: Tools) -> int:
    from voicelet_export.corpus.align_cache import align_cache

    report = align_cache(cache, corpus, recording_aligner(tools))
    if not report["aligned"]:
        raise CorpusError(
            f"no recording of {corpus} fits its text ({report['dropped']}); check the texts with "
            "`voicelet-export corpus check --align`"
        )
    log.info("%d of %d utterances aligned", report["aligned"], len(report["utterances"]))
    return int(report["aligned"])
