"""Quantize a graph, or the graphs of a voice, from files to files.

What was found (how sensitive each product is, how fast each scheme) is written before the graph it
led to, and found again by the hash of all that went in: a step that was cut off, or is run again,
makes the same bytes and measures nothing twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from voicelet.errors import BundleError, ConfigError
from voicelet.files import atomic_file
from voicelet_export.compress.quantize.report import GraphReport, source_hash
from voicelet_export.compress.quantize.schemes import Evaluate, Gate, Search, scheme_quantizer
from voicelet_export.compress.quantize.static_qdq import products
from voicelet_export.convert.parity import Feed
from voicelet_export.models.int8_codes import Scale

log = logging.getLogger(__name__)

TEST_EVERY = 4
"""Of a list of real inputs, every fourth tests and the others calibrate."""


@dataclass(frozen=True)
class Settings:
    """How to quantize.

    Attributes:
        scheme: "auto", or one of :data:`~.schemes.SCHEMES`.
        gate: what is good enough.
        rounds: of the measurement of speed.
    """

    scheme: str = "auto"
    gate: Gate = field(default_factory=Gate)
    rounds: int = 9


@dataclass(frozen=True)
class GraphRecipe:
    """One graph to quantize.

    Attributes:
        graph: ONNX file in float32.
        out: where the quantized graph goes; its report goes beside it, as `.quantize.json`.
        calibration: `.npz` of real inputs (:func:`read_feeds`).
        settings: how.
    """

    graph: Path
    out: Path
    calibration: Path
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True)
class Sources:
    """What a graph is quantized with.

    Attributes:
        calibration, tested: real inputs.
        evaluate: losses on real data.
        trained: scales that quantization-aware training found.
        key: hash of all of them.
    """

    calibration: Sequence[Feed]
    tested: Sequence[Feed]
    evaluate: Evaluate | None
    trained: Mapping[str, Scale]
    key: str


def quantize_file(recipe: GraphRecipe) -> GraphReport:
    """Quantize one graph.

    Raises:
        BundleError: the file isn't a graph that can be run, or a named scheme fails the gate.
        ConfigError: the inputs don't fit the graph, or a setting is wrong.
    """
    model = read_graph(recipe.graph)
    feeds = read_feeds(recipe.calibration, model)
    sources = Sources(
        [f for i, f in enumerate(feeds) if i % TEST_EVERY != TEST_EVERY - 1] or feeds,
        feeds[TEST_EVERY - 1 :: TEST_EVERY] or feeds[-1:],
        None,
        {},
        _sha256(recipe.calibration.read_bytes()),
    )
    return quantize_to(recipe.out, model, sources, recipe.settings)


def quantize_to(
    out: Path, model: onnx.ModelProto, sources: Sources, settings: Settings
) -> GraphReport:
    """Quantize a graph to a file, or find that this was done already.

    Raises:
        BundleError, ConfigError: as :func:`quantize_file`.
    """
    told = [source_hash(model), sources.key, json.dumps(asdict(settings), sort_keys=True)]
    key = _sha256("\n".join(told).encode())
    where = report_path(out)
    known = _read_report(where, key)
    if known is None:
        search = Search(
            model,
            sources.calibration,
            sources.tested,
            settings.gate,
            sources.evaluate,
            settings.rounds,
            sources.trained,
        )
        made, report = search.run(settings.scheme)
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(where) as file:
            text = json.dumps({"key": key, **report.to_mapping()}, indent=1)
            file.write(text.encode() + b"\n")
    else:
        report = known
        quantize = scheme_quantizer(model, report.chosen, sources.calibration, sources.trained)
        kept = set(report.best.kept)
        made = quantize([p.name for p in products(model) if p.name not in kept])
    with atomic_file(out) as file:
        file.write(made.SerializeToString(deterministic=True))
    log.info("%s: %s, %d → %d bytes", out, report.chosen, report.source_bytes, out.stat().st_size)
    return report


def report_path(out: Path) -> Path:
    """Where the report of a quantized graph lies."""
    return out.with_name(out.name.removesuffix(".onnx") + ".quantize.json")


def losses_of(folder: Path, sources: Mapping[str, onnx.ModelProto]) -> dict[str, float]:
    """What quantization cost a voice, for a manifest: "int8_<role>_<figure>_percent".

    Empty as far as the folder has no reports.

    Args:
        folder: of :func:`~.quantize_models.quantize_models`.
        sources: role → the float32 graph that the quantized one must be of.

    Raises:
        BundleError: a report is about a graph of another model.
    """
    out: dict[str, float] = {}
    for role, source in sources.items():
        path = report_path(folder / f"{role}.onnx")
        if not path.is_file():
            continue
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            data.pop("key", None)
            report = GraphReport.from_mapping(data, str(path))
        except (OSError, ValueError, AttributeError, ConfigError) as error:
            raise BundleError(
                f"{path}: not a report of voicelet-export quantize ({error})"
            ) from None
        if report.source_sha256 != source_hash(source):
            raise BundleError(
                f"{folder / role}.onnx was made of another model; quantize again, or name the "
                "folder of the model that quantize fine-tuned (qat-…)"
            )
        changes = report.losses_percent()
        out |= {f"int8_{role}_{name}_percent": value for name, value in changes.items()}
    return out


def read_graph(path: Path) -> onnx.ModelProto:
    """Load and check an ONNX file; nodes without a name get one.

    Raises:
        BundleError: it isn't one, or ONNX Runtime can't run it.
    """
    from voicelet_export.convert.parity import session

    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
        session(model)
    except Exception as error:  # protobuf, onnx and ONNX Runtime each have classes of their own
        first = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BundleError(f"{path}: not a graph that can be run ({first})") from None
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}.{index}"
    return model


def read_feeds(path: Path, model: onnx.ModelProto) -> list[Feed]:
    """Read real inputs of a graph.

    The arrays of the `.npz` are named `0/NAME`, `1/NAME`, … for each input NAME of the graph; one
    set of inputs may go without the number.

    Raises:
        ConfigError: the file can't be read, or a set doesn't hold the graph's inputs.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zipfile, zlib and numpy each have classes of their own
        raise ConfigError(f"{path}: not a .npz of arrays ({error})") from None
    sets: dict[int, dict[str, Any]] = {}
    for name, value in arrays.items():
        number, _, rest = name.partition("/")
        place, given = (int(number), rest) if number.isdigit() and rest else (0, name)
        sets.setdefault(place, {})[given] = value
    wanted = {
        v.name: onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type)
        for v in model.graph.input
    }
    for place, found in sorted(sets.items()):
        if set(found) != set(wanted):
            raise ConfigError(
                f"{path}: set {place} holds {', '.join(sorted(found))}; "
                f"the graph takes {', '.join(sorted(wanted))}"
            )
        for name, value in found.items():
            if value.dtype != wanted[name]:
                raise ConfigError(
                    f"{path}: {place}/{name} is {value.dtype}; the graph takes {wanted[name]}"
                )
    if not sets:
        raise ConfigError(f"{path}: holds no arrays")
    return [sets[place] for place in sorted(sets)]


def stricter(settings: Settings, **gate: Any) -> Settings:
    """The settings with other fields of the gate."""
    return replace(settings, gate=replace(settings.gate, **gate))


def _read_report(path: Path, key: str) -> GraphReport | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("key") != key:
            return None
        return GraphReport.from_mapping(data, str(path))
    except (OSError, ValueError, KeyError, AttributeError, ConfigError):
        return None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
