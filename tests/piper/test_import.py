"""A Piper voice becomes a bundle: once, whole or not at all, found again by its content."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tests.piper.tiny import SYMBOLS, tiny_json, tiny_piper, write_piper
from voicelet.bundle import open_bundle
from voicelet.errors import BundleError, BundleUnsignedError
from voicelet.files import cache_dir
from voicelet.piper import split
from voicelet.piper.bundle import import_piper
from voicelet.piper.config import parse_config
from voicelet.piper.open import open_voice

ROOT = Path(__file__).resolve().parents[2]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_voice_gives_the_same_bytes(tmp_path: Path) -> None:
    voice = write_piper(tmp_path)
    one = import_piper(voice, None, tmp_path / "one")
    import_piper(voice, tmp_path / "tiny.onnx.json", tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    manifest = one.manifest
    assert (manifest.name, manifest.architecture) == ("en_US-tiny-medium", "piper-vits")
    assert manifest.languages == ("en-US",) and manifest.sample_rate_hz == 22050
    assert set(manifest.graphs) == {"vits_encoder", "vits_flow", "vits_decoder", "g2p"}
    assert {"lexicon", "piper"} <= set(manifest.data)
    assert manifest.graphs["vits_decoder"].context_frames == 6


def test_only_english_voices_borrow_the_front_end(tmp_path: Path) -> None:
    german = write_piper(tmp_path, language={"code": "de_DE"}, espeak={"voice": "de"})
    manifest = import_piper(german, None, tmp_path / "out").manifest
    assert manifest.languages == ("de-DE",)
    assert "lexicon" not in manifest.data and "g2p" not in manifest.graphs


def test_imported_once_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = write_piper(tmp_path)
    first = open_voice(voice)
    assert first.root.parents[1] == cache_dir() / "piper"
    # From now on the onnx package isn't needed, whatever the file is called.
    monkeypatch.setitem(sys.modules, "onnx", None)
    moved = voice.rename(tmp_path / "other.onnx")
    (tmp_path / "tiny.onnx.json").rename(tmp_path / "other.onnx.json")
    assert open_voice(str(moved)).root == first.root
    (first.root / "vits_flow.onnx").write_bytes(b"damaged")
    with pytest.raises(BundleError, match=r'pip install "voicelet\[piper\]"'):
        open_voice(moved)
    monkeypatch.undo()


def test_another_json_is_another_voice(tmp_path: Path) -> None:
    one = open_voice(write_piper(tmp_path)).root
    slow = {"noise_scale": 0.667, "length_scale": 1.5, "noise_w": 0.8}
    assert open_voice(write_piper(tmp_path, inference=slow)).root != one
    assert len(list((cache_dir() / "piper").iterdir())) == 2


def test_a_damaged_cache_is_mended(tmp_path: Path) -> None:
    voice = write_piper(tmp_path)
    root = open_voice(voice).root
    kept = files(root)
    (root / "vits_flow.onnx").write_bytes(b"damaged")
    assert open_voice(voice).root == root
    assert files(root) == kept


def test_loading_again_imports_no_onnx(tmp_path: Path) -> None:
    voice = write_piper(tmp_path)
    open_voice(voice)
    code = (
        "import sys; from voicelet.synth import Voice\n"
        f"audio = Voice.load({str(voice)!r}).synthesize('Hello.')\n"
        "assert audio.samples.any() and audio.sample_rate_hz == 22050\n"
        f"assert not {{'onnx', {split.__name__!r}}} & set(sys.modules)\n"
    )
    path = {"PYTHONPATH": str(ROOT / "sdk"), "XDG_CACHE_HOME": str(cache_dir().parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr


def large_ids(config: dict[str, Any]) -> None:
    config["phoneme_id_map"]["ə"] = [5000]


def nan_weights() -> bytes:
    model = onnx.load_from_string(tiny_piper())
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim == 3:
            tensor.CopyFrom(numpy_helper.from_array(values * np.float32(np.nan), tensor.name))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("raw", "config", "match"),
    [
        (None, None, "there is no tiny.onnx.json|no such file"),
        (None, b"", "not the JSON of a Piper voice"),
        (None, b"[" * 100_000, "not the JSON of a Piper voice"),
        (None, b'{"audio": {}}', "inference"),
        (None, b'"text"', "isn't an object"),
        (b"", ..., "not a"),
        (tiny_piper()[:4000], ..., "not a"),
        (nan_weights(), ..., "tiny.onnx: "),
        (None, large_ids, "tiny.onnx"),
    ],
)
def test_damaged_voices_leave_nothing(tmp_path: Path, raw: Any, config: Any, match: str) -> None:
    voice = write_piper(tmp_path, raw)
    beside = tmp_path / "tiny.onnx.json"
    if config is None:
        beside.unlink()
    elif isinstance(config, bytes):
        beside.write_bytes(config)
    elif callable(config):
        data = tiny_json()
        config(data)
        beside.write_text(json.dumps(data), "utf-8")
    with pytest.raises(BundleError, match=match):
        open_voice(voice)
    with pytest.raises(BundleError):
        import_piper(voice, None, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not [p for p in cache_dir().rglob("*") if p.is_file()]


@pytest.mark.parametrize("path", ["none.onnx", "\0.onnx", "a" * 5000 + ".onnx", "/dev/zero.onnx"])
def test_no_voice_there(path: str) -> None:
    with pytest.raises(BundleError):
        open_voice(path)


def test_a_folder_is_no_piper_voice(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").mkdir()
    with pytest.raises(BundleError, match="an .onnx with its .onnx.json"):
        open_voice(tmp_path / "x.onnx")


def test_signatures_arent_pretended(tmp_path: Path) -> None:
    with pytest.raises(BundleUnsignedError, match="aren't signed"):
        open_voice(write_piper(tmp_path), require_signature=True)


def test_bundles_are_opened_as_ever() -> None:
    assert open_voice().manifest == open_bundle().manifest


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"audio": {"sample_rate": 1}}, "sample_rate must lie between"),
        ({"audio": {"sample_rate": True}}, "not a number"),
        ({"audio": {"sample_rate": float("nan")}}, "must lie between"),
        ({"inference": {"length_scale": 1e9}}, "length_scale"),
        ({"phoneme_type": "pinyin"}, "phoneme_type"),
        ({"phoneme_id_map": {}}, "phoneme_id_map"),
        ({"phoneme_id_map": {"a": [-1]}}, "id of the phoneme 'a'"),
        ({"phoneme_id_map": {"a": [1.5]}}, "id of the phoneme 'a'"),
        ({"num_speakers": -3}, "num_speakers"),
        ({"num_speakers": 2, "speaker_id_map": {"p1": 2}}, "id of the speaker 'p1'"),
        ({"language": {"code": "../.."}}, "isn't a language"),
    ],
)
def test_impossible_settings_are_named(change: dict[str, Any], match: str) -> None:
    with pytest.raises(BundleError, match=match):
        parse_config(json.dumps(tiny_json(**change)).encode(), "x.onnx.json")


def test_settings_are_read() -> None:
    changes: dict[str, Any] = {"num_speakers": 2, "speaker_id_map": {"ann": 1, "bob": 0}}
    config = parse_config(json.dumps(tiny_json(**changes)).encode(), "x")
    assert config.speakers == {"ann": 1, "bob": 0} and config.is_english
    assert config.id_map["ə"] == (SYMBOLS.index("ə"),)
    assert (config.noise_scale, config.length_scale, config.noise_w) == (0.667, 1.0, 0.8)
    unnamed = parse_config(json.dumps(tiny_json(num_speakers=3, speaker_id_map={})).encode(), "x")
    assert unnamed.speakers == {"0": 0, "1": 1, "2": 2}


def test_two_processes_may_import_at_once(tmp_path: Path) -> None:
    """The slower one keeps what the faster one wrote, and may be reading."""
    voice = write_piper(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_voice, [voice] * 4))
    assert len({bundle.root for bundle in opened}) == 1
    assert [p.name for p in (cache_dir() / "piper").iterdir()] == [opened[0].root.parent.name]
    assert open_bundle(opened[0].root).manifest == opened[0].manifest
