"""Piper voices as bundles: made once, then opened like any other.

The bundle holds the three graphs of the voice, what its JSON says, and for English voices the text
front end of the default voice (Piper's own, eSpeak NG, is GPL and isn't needed).
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path

from voicelet.audio.features import FeatureConfig
from voicelet.bundle import (
    SCHEMA_VERSION,
    UNHASHED,
    Bundle,
    BundleFile,
    GraphFile,
    GraphSpec,
    Manifest,
    Preset,
    Statistics,
    TensorSpec,
    open_bundle,
    write_bundle,
)
from voicelet.bundle.manifest import MAX_BUNDLE_BYTES
from voicelet.engine import WORK_LIMIT_S, Graph, get_engine
from voicelet.errors import BundleError
from voicelet.files import read_regular
from voicelet.piper.config import (
    ARCHITECTURE,
    CONFIG_ROLE,
    MAX_CONFIG_BYTES,
    PiperConfig,
    parse_config,
)
from voicelet.piper.parity import check_parts
from voicelet.piper.split import SplitVoice, split_voice
from voicelet.text.phones import ENGLISH_SYMBOLS

log = logging.getLogger(__name__)

GRAPHS = ("vits_encoder", "vits_flow", "vits_decoder")
_FRONT_END_GRAPHS = ("g2p",)
_FRONT_END_DATA = ("lexicon", "g2p_units")
_N_MELS = 80


def config_path(onnx: Path) -> Path:
    """Where a voice's JSON lies: `x.onnx.json` beside `x.onnx`."""
    return onnx.with_name(onnx.name + ".json")


def read_voice(onnx: Path, config: Path | None = None) -> tuple[bytes, bytes]:
    """Read a voice and its JSON.

    Raises:
        BundleError: one of them is missing or can't be read.
    """
    beside = config_path(onnx) if config is None else config
    raw = read_regular(onnx, MAX_BUNDLE_BYTES)
    if not beside.exists():
        raise BundleError(
            f"{onnx}: there is no {beside.name} beside it; fetch it from where the voice came"
        )
    return raw, read_regular(beside, MAX_CONFIG_BYTES)


def import_piper(onnx: Path, config: Path | None, out: Path) -> Bundle:
    """Write a Piper voice as a bundle; the same voice always gives the same bytes.

    The parts are run against the whole before anything is written.

    Args:
        onnx: the voice.
        config: its JSON; None for `<onnx>.json`.
        out: folder of the bundle, replaced if it exists.

    Raises:
        BundleError: not a Piper voice, or the onnx package is missing
            (pip install "voicelet[piper]").
    """
    return import_bytes(*read_voice(onnx, config), out, str(onnx))


def import_bytes(raw: bytes, raw_config: bytes, out: Path, where: str) -> Bundle:
    """As :func:`import_piper`, of files that were read before; `where` names them."""
    config = parse_config(raw_config, f"{where}.json")
    try:
        parts = split_voice(raw)
    except BundleError as error:
        raise BundleError(f"{where}: {error}") from None
    files: dict[str, Path | bytes] = {
        "vits_encoder.onnx": parts.encoder,
        "vits_flow.onnx": parts.flow,
        "vits_decoder.onnx": parts.decoder,
        "piper.json": raw_config,
    }
    with tempfile.TemporaryDirectory(prefix="voicelet-") as folder:
        work = Path(folder)
        (work / "whole.onnx").write_bytes(raw)
        for role, content in zip(GRAPHS, (parts.encoder, parts.flow, parts.decoder)):
            (work / f"{role}.onnx").write_bytes(content)
        ids = sorted({i for ids in config.id_map.values() for i in ids})
        try:
            encoder, flow, decoder = (
                get_engine("onnx").open(work / f"{role}.onnx", limit_s=WORK_LIMIT_S)
                for role in GRAPHS
            )
            check_parts(work / "whole.onnx", (encoder, flow, decoder), parts, ids)
            opened_graphs = zip(GRAPHS, (encoder, flow, decoder))
            graphs = {role: _spec(role, graph, parts) for role, graph in opened_graphs}
        except BundleError as error:
            raise BundleError(f"{where}: {error}") from None
    data = {CONFIG_ROLE: BundleFile("piper.json", UNHASHED, 0)}
    if config.is_english:
        _borrow_front_end(graphs, data, files)
    manifest = _manifest(config, parts, graphs, data, raw)
    log.info("%s: imported as a bundle of %.1f MB", where, len(raw) / 1e6)
    return write_bundle(out, manifest, files)


def _spec(role: str, graph: Graph, parts: SplitVoice) -> GraphSpec:
    inputs, outputs = (
        tuple(TensorSpec(t.name, t.dtype, t.shape) for t in tensors)
        for tensors in (graph.inputs, graph.outputs)
    )
    context = {"vits_flow": parts.flow_context, "vits_decoder": parts.decoder_context}.get(role, 0)
    return GraphSpec((GraphFile(f"{role}.onnx", UNHASHED, 0, "onnx", inputs, outputs),), context)


def _borrow_front_end(
    graphs: dict[str, GraphSpec], data: dict[str, BundleFile], files: dict[str, Path | bytes]
) -> None:
    """Take lexicon and letter-to-sound model of the default voice."""
    lender = open_bundle()
    manifest = lender.manifest
    listed: list[BundleFile] = []
    for role in _FRONT_END_GRAPHS:
        if role in manifest.graphs:
            graphs[role] = manifest.graphs[role]
            listed += graphs[role].alternatives
    for role in _FRONT_END_DATA:
        if role in manifest.data:
            data[role] = manifest.data[role]
            listed.append(data[role])
    files.update({f.file: lender.root / f.file for f in listed})


def _manifest(
    config: PiperConfig,
    parts: SplitVoice,
    graphs: dict[str, GraphSpec],
    data: dict[str, BundleFile],
    raw: bytes,
) -> Manifest:
    rate = config.sample_rate_hz
    named = sorted(config.speakers.items(), key=lambda item: item[1])
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=config.name,
        version="1",
        languages=(config.language,),
        sample_rate_hz=rate,
        features=FeatureConfig(
            rate, 4 * parts.hop, 4 * parts.hop, parts.hop, _N_MELS, 0.0, rate / 2
        ),
        statistics=Statistics((0.0,) * _N_MELS, (1.0,) * _N_MELS),
        phones=ENGLISH_SYMBOLS,
        graphs=graphs,
        data=data,
        presets=tuple(Preset(name, index) for name, index in named),
        licence="LicenseRef-Piper-voice",
        provenance={
            "voice": "a Piper voice; its licence is told where it was published",
            "sha256": hashlib.sha256(raw).hexdigest(),
        },
        architecture=ARCHITECTURE,
    )
