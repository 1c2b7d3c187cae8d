from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

from voicelet.audio.features import FeatureConfig
from voicelet.errors import BundleError, ConfigError, PhoneError
from voicelet.text.phones import PhoneInventory
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.teach.base import TeacherSpeech
from voicelet_export.teach.kokoro import (
    EXCLUDED_VOICES,
    WEIGHT_PACKAGES,
    KokoroTeacher,
    check_mix,
    is_kokoro_folder,
    read_mixes,
    read_styles,
    read_vocabulary,
    with_taps,
)
from voicelet_export.teach.label import LabelConfig, label_corpus, lay_out, lay_out_f0
from voicelet_export.teach.open import open_teacher

ENCODER = Path(__file__).parents[3] / "export/artifacts/speaker_encoder/speaker_encoder.onnx"
# Where benchmarks/setup.sh unpacks the voices.
HOME = Path(os.environ.get("VOICELET_BENCH_HOME", Path.home() / ".cache" / "voicelet-bench"))
FOLDER = HOME / "kokoro" / "package"
WEIGHTS = all(importlib.util.find_spec(name.replace("-", "_")) for name in WEIGHT_PACKAGES)
needs_kokoro = pytest.mark.skipif(
    not WEIGHTS or not is_kokoro_folder(FOLDER),
    reason="Kokoro's packages or its voices are missing; see benchmarks/setup.sh",
)
PHONES = "ðɪs ɪz ɐ tˈɛst."


@pytest.fixture(scope="module")
def teacher() -> KokoroTeacher:
    mixes = {"two": {"af_heart": 1.0, "ef_dora": 1.0}, "one": {"am_michael": 2.0}}
    return KokoroTeacher(FOLDER, mixes)


@needs_kokoro
def test_durations_and_f0_fit_the_audio(teacher: KokoroTeacher) -> None:
    spoken = teacher.speak(PHONES, "af_heart")
    assert spoken.durations_s is not None and spoken.f0_hz is not None
    assert len(spoken.durations_s) == len(PHONES) + 2
    seconds = len(spoken.samples) / spoken.sample_rate_hz
    assert spoken.durations_s.sum() == pytest.approx(seconds, abs=1e-4)
    assert len(spoken.f0_hz) * 300 == len(spoken.samples)
    energy = np.square(spoken.samples.reshape(-1, 300)).mean(axis=1)
    voiced = spoken.f0_hz[energy > 0.1 * energy.max()]
    assert 140.0 < np.median(voiced) < 300.0  # a woman's voice
    again = teacher.speak(PHONES, "af_heart", seed=9)
    np.testing.assert_array_equal(again.samples, spoken.samples)
    slow = teacher.speak(PHONES, "af_heart", speed=0.7)
    assert len(slow.samples) > 1.15 * len(spoken.samples)


@needs_kokoro
def test_a_mix_is_another_speaker_and_of_one_voice_the_same(teacher: KokoroTeacher) -> None:
    own = teacher.speak(PHONES, "am_michael").samples
    np.testing.assert_array_equal(teacher.speak(PHONES, "one").samples, own)
    lower, higher = (teacher.speak(PHONES, name).f0_hz for name in ("am_michael", "two"))
    assert lower is not None and higher is not None
    assert np.median(lower[lower > 60.0]) < np.median(higher[higher > 60.0])


@needs_kokoro
def test_voices_to_be_judged_by_are_refused(teacher: KokoroTeacher) -> None:
    assert not EXCLUDED_VOICES & set(teacher.speakers)
    assert len(teacher.speakers) == 48 + 2
    with pytest.raises(ConfigError, match="judged"):
        teacher.speak(PHONES, "af_nova")
    with pytest.raises(ConfigError, match="judged"):
        KokoroTeacher(FOLDER, speakers=["af_heart", "bm_lewis"])
    with pytest.raises(ConfigError, match="af_heart"):
        teacher.speak(PHONES, "af_hart")
    with pytest.raises(ConfigError, match="no voice 'af_hart'"):
        KokoroTeacher(FOLDER, {"m": {"af_hart": 1.0}})


@needs_kokoro
def test_it_knows_the_phones_of_its_languages(teacher: KokoroTeacher) -> None:
    assert not teacher.missing("ɲʎʁøyœ̃ʦʣɣβ")
    with pytest.raises(PhoneError, match="♥"):
        teacher.speak("a♥")
    with pytest.raises(PhoneError, match="too many"):
        teacher.speak("a" * 509)


@needs_kokoro
def test_labels_hold_durations_and_f0(tmp_path: Path) -> None:
    teacher = open_teacher(FOLDER, speakers=["af_heart", "am_michael"])
    phones = [PHONES, "hˌW ɑɹ jˈu?"]
    config = LabelConfig(hours=0.0006, held_out_every=2)
    assert label_corpus(teacher, phones, tmp_path / "c", ENCODER, config) == 2
    cache = FeatureCache(tmp_path / "c")
    medians = {}
    for entry in cache.entries:
        assert PhoneInventory().decode(cache.phones(entry)) in phones
        assert cache.durations(entry).sum() == entry.n_frames
        f0 = cache.f0_hz(entry)
        medians[entry.speaker.split(".")[0]] = float(np.median(f0[f0 > 0]))
    assert medians["am_michael"] < medians["af_heart"]


def test_a_late_teacher_is_brought_to_the_convention() -> None:
    features = FeatureConfig()
    spoken = TeacherSpeech(
        np.ones(24000 * 7 // 10, np.float32),
        24000,
        np.full(7, 0.1, np.float32),
        np.arange(56, dtype=np.float32),
        label_delay_s=4 / 80,
    )
    config = LabelConfig(lead_in_frames=20, tail_frames=10, label_delay_frames=4.0)
    samples, frames = lay_out(spoken, "bˈAt.", features, config)
    assert frames is not None
    assert frames.tolist() == [20 + 8, 8, 8, 8, 8, 8 + 8 + 10 - 2, 2]
    f0 = lay_out_f0(spoken, len(samples) // features.hop_length, features, config)
    assert f0 is not None
    assert f0.tolist() == [0.0] * 20 + list(range(56)) + [0.0] * 10
    early = LabelConfig(lead_in_frames=20, tail_frames=10, label_delay_frames=0.0)
    assert lay_out(spoken, "bˈAt.", features, early)[1].tolist()[:2] == [20 + 8 - 4, 8]  # type: ignore[index, union-attr]


def test_mixes_are_read_from_json_and_from_a_corpus(tmp_path: Path) -> None:
    mixes = {"a": {"af_heart": 0.5, "ff_siwis": 0.5}}
    (tmp_path / "mixes.json").write_text(json.dumps(mixes), "utf-8")
    assert read_mixes(tmp_path / "mixes.json") == mixes
    rows = [
        {"speaker": "b"},
        {"speaker": "a", "mix": mixes["a"]},
        {"speaker": "af_sky", "mix": {"af_sky": 1.0}},
    ]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert read_mixes(tmp_path / "metadata.jsonl") == mixes
    (tmp_path / "bad.json").write_text('{"a": 3}', "utf-8")
    with pytest.raises(ConfigError, match="no mixes"):
        read_mixes(tmp_path / "bad.json")
    with pytest.raises(ConfigError, match="am_puck"):
        check_mix("m", {"af_heart": 0.5, "am_puck": 0.5})
    with pytest.raises(ConfigError, match="above 0"):
        check_mix("m", {"af_heart": 0.0})


def test_what_is_not_kokoro_is_refused(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [])
    with pytest.raises(BundleError, match="taps"):
        with_taps(helper.make_model(graph).SerializeToString())
    (tmp_path / "voices").mkdir()
    table = tmp_path / "voices" / "af_heart.bin"
    np.zeros(100, np.float32).tofile(table)
    assert is_kokoro_folder(tmp_path)
    with pytest.raises(BundleError, match="510 by 256"):
        read_styles(table)
    (tmp_path / "vocab.json").write_text("[]", "utf-8")
    with pytest.raises(BundleError, match="no vocabulary"):
        read_vocabulary(tmp_path)
    with pytest.raises(BundleError, match="voices"):
        KokoroTeacher(tmp_path / "voices")
    with pytest.raises(ConfigError, match="Kokoro only"):
        open_teacher(tmp_path / "x.onnx", speakers=["a"])
