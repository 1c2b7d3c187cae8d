"""Bundles for make_trust_golden.py: sound, changed, unsigned, of a newer schema; and archives."""

from __future__ import annotations

import copy
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.golden.trust_seeds import MAKER, OTHER, b64
from voicelet.audio.features import FeatureConfig
from voicelet.bundle import (
    UNHASHED,
    BundleFile,
    GraphFile,
    GraphSpec,
    Manifest,
    Preset,
    Statistics,
    TensorSpec,
    open_bundle,
    pack,
    write_bundle,
)
from voicelet.bundle.integrity import sign
from voicelet.errors import VoiceletError
from voicelet.trust.keys.seal import signing_key_from_bytes

FILES = {
    "vocoder.onnx": bytes(range(256)) * 8,
    "text/lexicon.txt": b"voz\tv o s\n",
    "MODEL_CARD.md": b"# A bundle for tests\n",
}
_DELETED = object()


def _manifest() -> Manifest:
    tensor = TensorSpec("x", "float32", (1, "frames", 4))
    graph = GraphFile("vocoder.onnx", UNHASHED, 0, "onnx", (tensor,), (tensor,), "int8")
    return Manifest(
        schema_version=1,
        name="golden",
        version="1",
        languages=("en-US", "es"),
        sample_rate_hz=24000,
        features=FeatureConfig(n_mels=4),
        statistics=Statistics((-5.0,) * 4, (2.0,) * 4, speaker_size=8),
        phones="_ abcɛ",
        graphs={"vocoder": GraphSpec((graph,), context_frames=8)},
        data={
            "lexicon": BundleFile("text/lexicon.txt", UNHASHED, 0),
            "model_card": BundleFile("MODEL_CARD.md", UNHASHED, 0),
        },
        presets=(Preset("low", 0, "low and calm"),),
        model_card="model_card",
        provenance={"teacher": "none, it's a test"},
        measured={"wer_percent": 100.0},
    )


def make_bundles(home: Path) -> dict[str, Any]:
    """Cases: files of a folder, or an archive, how it is opened, and what comes of it."""
    maker = signing_key_from_bytes(MAKER)
    folder = home / "bundles" / "golden"
    write_bundle(folder, _manifest(), dict(FILES), maker)
    sound = {n: (folder / n).read_bytes() for n in ("manifest.json", "manifest.sig", *FILES)}
    archive = pack(folder, home / "golden.voicelet").read_bytes()
    return {
        "files": {name: b64(data) for name, data in sound.items()},
        "folders": [_judged(home, *case) for case in _folders(sound, maker)],
        "manifests": [
            _judged(home, name, {**sound, "manifest.json": raw, "manifest.sig": sign(raw, maker)})
            for name, raw in _manifests(sound["manifest.json"])
        ],
        "archives": [_judged_archive(home, *case) for case in _archives(archive, sound)],
    }


def _folders(sound: dict[str, bytes], maker: Any) -> list[tuple[Any, ...]]:
    own, foreign = (
        signing_key_from_bytes(seed).public_key().public_bytes_raw().hex()
        for seed in (MAKER, OTHER)
    )
    unsigned = {k: v for k, v in sound.items() if k != "manifest.sig"}
    raw = sound["manifest.json"]
    by_other = {**sound, "manifest.sig": sign(raw, signing_key_from_bytes(OTHER))}
    of_pack = sign(raw, maker, "voicelet-pack-1")
    graph, signature = bytearray(sound["vocoder.onnx"]), sound["manifest.sig"]
    graph[777] ^= 1
    cases: list[tuple[Any, ...]] = [
        ("sound", sound, {}),
        ("sound, its maker trusted", sound, {"trusted_keys": [own]}),
        ("sound, key in capitals", sound, {"trusted_keys": [f" {own.upper()}\n"]}),
        ("sound, another maker trusted", sound, {"trusted_keys": [foreign]}),
        ("sound, a key that is none", sound, {"trusted_keys": [own[:-1]]}),
        ("vouched for", sound, {"trust_bundle": True}),
        ("unsigned", unsigned, {}),
        ("unsigned, one required", unsigned, {"require_signature": True}),
        ("unsigned, a key named", unsigned, {"trusted_keys": [own]}),
        ("unsigned, vouched for", unsigned, {"trust_bundle": True}),
        ("signed by another", by_other, {}),
        ("signed by another than is trusted", by_other, {"trusted_keys": [own]}),
        ("graph changed by a bit", {**sound, "vocoder.onnx": bytes(graph)}, {}),
        ("graph cut", {**sound, "vocoder.onnx": bytes(graph[:-1])}, {}),
        ("graph longer", {**sound, "vocoder.onnx": bytes(graph) + b"x"}, {}),
        ("graph missing", {k: v for k, v in sound.items() if k != "vocoder.onnx"}, {}),
        ("manifest missing", {k: v for k, v in sound.items() if k != "manifest.json"}, {}),
        ("manifest changed by a blank", {**sound, "manifest.json": raw + b" "}, {}),
        ("signature of another context", {**sound, "manifest.sig": of_pack}, {}),
        ("signature in capitals", {**sound, "manifest.sig": signature.upper()}, {}),
        ("signature spelled otherwise",
         {**sound, "manifest.sig": signature.replace(b"  ", b" ")}, {}),
        ("signature cut", {**sound, "manifest.sig": signature[:-3]}, {}),
        ("signature too long", {**sound, "manifest.sig": signature + b" " * 5000}, {}),
        ("signature empty", {**sound, "manifest.sig": b""}, {}),
        ("a file more", {**sound, "extra.bin": b"unlisted"}, {}),
    ]  # fmt: skip
    return cases


def _manifests(raw: bytes) -> list[tuple[str, bytes]]:
    """The manifest with one value another, or with none."""
    hashed = "a" * 64
    graph = ("graphs", "vocoder", "alternatives", 0)
    changes: list[tuple[tuple[Any, ...], Any]] = [
        *[((key,), _DELETED) for key in json.loads(raw)],
        *[(("schema_version",), v) for v in (0, 2, True, "1", 1.0, -1)],
        *[(("extra",), v) for v in (1, None)],
        *[(("sample_rate_hz",), v) for v in (16000, 0, 24000.0, True)],
        *[(("features", "n_mels"), v) for v in (5, 0, 4096, 4.0)],
        *[(("features", "hop_length"), v) for v in (0, 1300)],
        (("features", "f_max_hz"), 12001),
        (("features", "f_max_hz"), 12000),
        (("features", "f_min_hz"), "0"),
        (("features", "sample_rate_hz"), 48000),
        (("features", "bands"), 4),
        *[(("statistics", "mel_std", 1), v) for v in (0, -1.0, 2, "2", None, True)],
        *[(("statistics", "pitch_scale"), v) for v in (0.0, 1)],
        *[(("statistics", "label_delay_frames"), v) for v in (-0.5, 24, 24.5)],
        (("statistics", "speaker_size"), 8.0),
        (("statistics", "mel_mean"), [-5.0] * 3),
        *[(("phones",), v) for v in ("", "aa", "a\ud800", 5, "a\U0001f600b")],
        *[((*graph, "file"), v)
          for v in ("../x", "/x", "a//b", "manifest.json", ".x", "a/b/c/d/e")],
        *[((*graph, "sha256"), v) for v in (hashed.upper(), hashed[1:], hashed)],
        *[((*graph, "bytes"), v) for v in (-1, (256 << 20) + 1, 256 << 20, 2048.0)],
        *[((*graph, "engine"), v) for v in ("litert", 1, _DELETED)],
        ((*graph, "precision"), _DELETED),
        ((*graph, "inputs", 0, "shape"), [1, "frames", 4.5]),
        ((*graph, "inputs", 0, "shape"), [True]),
        ((*graph, "inputs", 0, "dtype"), _DELETED),
        ((*graph, "inputs"), {}),
        (("graphs", "vocoder", "alternatives"), []),
        (("graphs", "vocoder", "context_frames"), 4097),
        (("graphs",), {}),
        (("graphs",), []),
        (("model_card",), "card"),
        (("model_card",), ""),
        (("presets", 0, "index"), "0"),
        (("presets",), [{"name": "a", "index": 0}, {"name": "a", "index": 1}]),
        (("presets",), [{"name": "a", "index": 0}, {"name": "b", "index": 1}]),
        (("data", "twice"), {"file": "vocoder.onnx", "sha256": hashed, "bytes": 1}),
        (("data", "lexicon"), {"file": "MODEL_CARD.md", "sha256": "", "bytes": 0}),
        (("languages",), "en"),
        (("languages",), [1]),
        (("provenance",), {"teacher": 1}),
        (("measured",), {"wer_percent": 7}),
        (("measured",), {"wer_percent": "7"}),
    ]  # fmt: skip
    cases = []
    for path, value in changes:
        data = copy.deepcopy(json.loads(raw))
        place = data
        for key in path[:-1]:
            place = place[key]
        if value is _DELETED:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        shown = "none" if value is _DELETED else json.dumps(value)[:60]
        cases.append((f"{'.'.join(map(str, path))} = {shown}", json.dumps(data).encode()))
    text = raw.decode()
    cases += [
        ("a key twice", text.replace('"name":', '"name": "x", "name":', 1).encode()),
        ("a list", b"[]"),
        ("empty", b""),
        ("no JSON", raw[:-3]),
        ("nested deep", b"[" * 100_000),
        ("not UTF-8", raw.replace(b"golden", b"gold\xffn")),
        ("a number past a double", text.replace("100.0", "1e999").encode()),
        ("NaN", text.replace("100.0", "NaN").encode()),
        ("too large", raw + b" " * (1 << 20)),
    ]
    return cases


def _archives(archive: bytes, sound: dict[str, bytes]) -> list[tuple[str, bytes]]:
    def zipped(entries: list[tuple[str, bytes]], comment: bytes = b"") -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in entries:
                file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
            file.comment = comment
        return out.getvalue()

    entries = list(sound.items())
    place = archive.rindex(b"vocoder.onnx")
    broken = bytearray(archive)
    broken[archive.index(b"vocoder.onnx") + 40] ^= 0xFF
    renamed = archive[:place] + b"vocodex.onnx" + archive[place + 12 :]
    return [
        ("sound", archive),
        ("stored by another program", zipped(entries)),
        ("with a file that would leave the folder", zipped([*entries, ("../evil", b"x")])),
        ("a comment", zipped(entries, b"hello")),
        ("no manifest", zipped(entries[1:])),
        ("a file missing", zipped([e for e in entries if e[0] != "MODEL_CARD.md"])),
        ("a file too long", zipped([(n, d + b"x" * (n == "vocoder.onnx")) for n, d in entries])),
        ("a file cut", zipped([(n, d[: len(d) - (n == "vocoder.onnx")]) for n, d in entries])),
        ("a file changed", zipped([(n, d.replace(b"voz", b"vos")) for n, d in entries])),
        ("too many entries", zipped([*entries, *[(f"x{i}", b"") for i in range(257)]])),
        ("cut", archive[:-1]),
        ("empty", b""),
        ("half", archive[: len(archive) // 2]),
        ("data damaged", bytes(broken)),
        ("name in the directory changed", renamed),
        ("no archive", b"voicelet" * 100),
    ]


def _judged(
    home: Path, name: str, files: dict[str, bytes], options: dict[str, Any] | None = None
) -> dict[str, Any]:
    folder = home / "case"
    shutil.rmtree(folder, ignore_errors=True)
    for file, data in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
    return {
        "name": name,
        "files": {n: b64(d) for n, d in files.items() if FILES.get(n) != d},
        "missing": sorted(set(FILES) - set(files)),
        "options": options or {},
        **_opened(lambda: open_bundle(folder, **(options or {}))),
    }


def _judged_archive(home: Path, name: str, data: bytes) -> dict[str, Any]:
    path = home / "case.voicelet"
    path.write_bytes(data)
    return {"name": name, "archive": b64(data), **_opened(lambda: open_bundle(path))}


def _opened(action: Callable[[], Any]) -> dict[str, Any]:
    try:
        bundle = action()
    except VoiceletError as error:
        return {"error": type(error).__name__.removesuffix("Error")}
    return {"error": None, "signed_by": bundle.signed_by, "trusted_by": bundle.trusted_by}
