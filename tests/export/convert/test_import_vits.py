"""Checkpoints of Coqui and of the authors of VITS and HiFi-GAN, generated from lists of names."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.export._vits_layout import (  # noqa: E402
    COQUI_CONFIG,
    OFFICIAL_CONFIG,
    coqui_state,
    official_shapes,
    random_state,
)
from voicelet.errors import BundleError  # noqa: E402
from voicelet_export.cli.main import main  # noqa: E402
from voicelet_export.convert.importing.coqui import VitsImport, import_vits  # noqa: E402
from voicelet_export.convert.importing.hifigan import (  # noqa: E402
    HifiganImport,
    import_hifigan,
)
from voicelet_export.models.teachers.hifigan.voice import load_hifigan  # noqa: E402
from voicelet_export.models.teachers.vits.voice import load_vits  # noqa: E402
from voicelet_export.teach.vits import VitsTeacher  # noqa: E402


def _write(folder: Path, state: Any, config: Any, name: str = "model.pth") -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / name)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder / name, folder / "config.json"


def _speak(folder: Path) -> tuple[Any, Any]:
    """The log durations that a model chooses, and its waveform for durations given to it."""
    model, _ = load_vits(folder)
    generator = torch.Generator().manual_seed(0)
    ids, lengths = torch.randint(0, 50, (1, 12), generator=generator), torch.tensor([12])
    noise, latent = (torch.randn(1, n, 36, generator=generator) for n in (2, 8))
    with torch.no_grad():
        speaker, keep = model.speaker(torch.tensor([1])), torch.ones(1, 1, 12)
        hidden, _, _ = model.enc_p(ids, keep)
        drawn = (noise[:, :, :12],) if model.config.stochastic_durations else ()
        log_durations = model.dp(hidden, keep, speaker, *drawn)
        made = model.infer(
            ids, lengths, speaker, latent_noise=latent, durations=torch.full((1, 12), 3.0)
        )
    return log_durations, made.wave


def test_coqui_and_official_checkpoints_of_one_voice_speak_the_same(tmp_path: Path) -> None:
    state = random_state(official_shapes())
    ours = _write(tmp_path / "o", {"model": state, "iteration": 3}, OFFICIAL_CONFIG)
    theirs = _write(tmp_path / "c", {"model": coqui_state(state), "step": 3}, COQUI_CONFIG)
    command = ["import", "vits", *map(str, ours), "--out", str(tmp_path / "official")]
    assert main(command) == 0
    names = tmp_path / "speakers.json"
    names.write_text('{"anna": 0, "bert": 1}')
    voice = import_vits(VitsImport(*theirs, tmp_path / "coqui", speakers=names))
    assert voice.trainable and voice.speakers == {"anna": 0, "bert": 1}
    assert (voice.noise_scale, voice.duration_noise_scale) == (0.5, 0.4)
    first, second = _speak(tmp_path / "official"), _speak(tmp_path / "coqui")
    assert float(first[0].std()) > 0.1 and float(first[1].std()) > 0.01
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    model, _ = load_vits(tmp_path / "coqui", trainable=True)
    torch.testing.assert_close(
        model.dp.post_flows[7].proj.weight, state["dp.post_flows.7.proj.weight"]
    )


def test_symbols_are_numbered_as_the_tokenizers_do(tmp_path: Path) -> None:
    state = random_state(official_shapes())
    ours = _write(tmp_path / "o", {"model": state}, OFFICIAL_CONFIG)
    official = import_vits(VitsImport(*ours, tmp_path / "official")).symbols
    # The authors' table: "_" 0, sixteen marks, 52 letters, then IPA from 69.
    assert (official.ids[";"], official.ids[" "], official.ids["A"]) == ((1,), (16,), (17,))
    assert (official.ids["ɑ"], official.ids["ᵻ"], official.blank) == ((69,), (177,), 0)
    spelt = official.encode("bA")
    b, e, i = (official.ids[s][0] for s in "beɪ")
    assert spelt.ids.tolist() == [0, b, 0, e, 0, i, 0]
    assert spelt.owner.tolist() == [0, 1, 1, 2, 2, 2, 2]

    theirs = _write(tmp_path / "c", {"model": coqui_state(state)}, COQUI_CONFIG)
    coqui = import_vits(VitsImport(*theirs, tmp_path / "coqui")).symbols
    assert (coqui.ids["!"], coqui.ids["a"], coqui.ids["ɑ"]) == ((1,), (7,), (33,))
    assert coqui.blank == 33 + 25
    sorted_ = copy.deepcopy(COQUI_CONFIG)
    sorted_["characters"] = {
        "characters_class": "TTS.tts.utils.text.characters.IPAPhonemes", "pad": "<PAD>",
        "eos": "<EOS>", "bos": "<BOS>", "blank": "<BLNK>", "characters": "ɑbab", "phonemes": None,
        "punctuations": "!.", "is_unique": True, "is_sorted": True,
    }  # fmt: skip
    theirs = _write(tmp_path / "s", {"model": coqui_state(state)}, sorted_)
    plain = import_vits(VitsImport(*theirs, tmp_path / "plain")).symbols
    assert plain.ids == {"a": (4,), "b": (5,), "ɑ": (6,), "!": (7,), ".": (8,)}
    assert plain.blank == 3


def test_an_imported_checkpoint_teaches(tmp_path: Path) -> None:
    ours = _write(tmp_path / "o", random_state(official_shapes()), OFFICIAL_CONFIG)
    import_vits(VitsImport(*ours, tmp_path / "m"))
    teacher = VitsTeacher(tmp_path / "m")
    assert teacher.speakers == ("0", "1")
    spoken = teacher.speak("hˈɛlO.", "1", 5)
    assert spoken.durations_s is not None and len(spoken.durations_s) == 8
    seconds = len(spoken.samples) / 22050
    assert float(spoken.durations_s.sum()) == pytest.approx(seconds, abs=1e-4)


def test_regressed_durations_have_coqui_norms(tmp_path: Path) -> None:
    state = random_state(official_shapes(stochastic=False))
    config = copy.deepcopy(COQUI_CONFIG)
    args: Any = config["model_args"]
    args["use_sdp"] = False
    theirs = _write(tmp_path / "c", {"model": coqui_state(state)}, config)
    voice = import_vits(VitsImport(*theirs, tmp_path / "coqui"))
    assert voice.model.duration_epsilon == 1e-4 and not voice.model.stochastic_durations
    log_durations, wave = _speak(tmp_path / "coqui")
    assert float(log_durations.std()) > 0.1 and np.isfinite(wave.numpy()).all()


def test_checkpoints_that_do_not_fit_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    state = random_state(official_shapes())
    wider = copy.deepcopy(OFFICIAL_CONFIG)
    wider_model: Any = wider["model"]
    wider_model["filter_channels"] = 16
    cut = {k: v for k, v in state.items() if k != "flow.flows.4.enc.in_layers.2.weight_v"}
    lacking = {k: v for k, v in state.items() if k != "dec.conv_pre.weight"}
    bad = {**state, "dec.conv_pre.weight": state["dec.conv_pre.weight"] * float("nan")}
    few = random_state(official_shapes(symbols=20))
    languages = copy.deepcopy(COQUI_CONFIG)
    arguments: Any = languages["model_args"]
    arguments["use_language_embedding"] = True
    cases = [
        (state, wider, r"ffn_layers.0.conv_1"), (cut, OFFICIAL_CONFIG, "in_layers.2"),
        (lacking, OFFICIAL_CONFIG, "lacks dec.conv_pre.weight"),
        (bad, OFFICIAL_CONFIG, "aren't finite"), (few, OFFICIAL_CONFIG, "--symbols"),
        (state, {}, "missing"), (state, {"data": {}, "model": {}}, "missing"),
        (coqui_state(state), languages, "languages"), ({"model": {}}, OFFICIAL_CONFIG, "weights"),
        ({"enc_p": "text"}, OFFICIAL_CONFIG, "weights"),
    ]  # fmt: skip
    for index, (given, config, match) in enumerate(cases):
        files = _write(tmp_path / f"{index}", given, config)
        with pytest.raises(BundleError, match=match):
            import_vits(VitsImport(*files, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


class _Harm:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harm-was-done"),))


def test_a_pickle_that_runs_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = _write(tmp_path, {"model": _Harm()}, OFFICIAL_CONFIG)
    with pytest.raises(BundleError, match="refused"):
        import_vits(VitsImport(*files, tmp_path / "out"))
    with pytest.raises(BundleError, match="refused"):
        import_hifigan(HifiganImport(*files, tmp_path / "out"))
    assert not (tmp_path / "harm-was-done").exists()
    for data in (b"", b"PK\x03\x04" + b"\0" * 50, b"\x80\x02}q\0."):
        files[0].write_bytes(data)
        with pytest.raises(BundleError):
            import_vits(VitsImport(*files, tmp_path / "out"))


HIFIGAN_CONFIG = {
    "resblock": "1", "num_gpus": 0, "batch_size": 16, "learning_rate": 0.0002,
    "upsample_rates": [8, 4], "upsample_kernel_sizes": [16, 8], "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3, 7], "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]],
    "num_mels": 10, "n_fft": 128, "hop_size": 32, "win_size": 128, "sampling_rate": 22050,
    "fmin": 0, "fmax": 8000, "fmax_for_loss": None,
}  # fmt: skip


def _hifigan_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    layers = [("conv_pre", 16, 16, 10, 7), ("conv_post", 1, 1, 4, 7)]
    layers += [("ups.0", 8, 16, 8, 16), ("ups.1", 4, 8, 4, 8)]
    for block, (channels, kernel) in enumerate(((8, 3), (8, 7), (4, 3), (4, 7))):
        for convs in ("convs1", "convs2"):
            for i in range(3):
                name = f"resblocks.{block}.{convs}.{i}"
                layers.append((name, channels, channels, channels, kernel))
    for name, bias, rows, second, kernel in layers:
        shapes[f"{name}.bias"] = (bias,)
        shapes[f"{name}.weight_g"] = (rows, 1, 1)
        shapes[f"{name}.weight_v"] = (rows, second, kernel)
    return shapes


def test_an_official_hifigan_is_imported(tmp_path: Path) -> None:
    state = random_state(_hifigan_shapes())
    files = _write(tmp_path / "g", {"generator": state}, HIFIGAN_CONFIG, "generator_v1")
    assert main(["import", "hifigan", *map(str, files), "--out", str(tmp_path / "m")]) == 0
    model, voice = load_hifigan(tmp_path / "m")
    assert (voice.features.hop_length, voice.features.f_max_hz) == (32, 8000.0)
    g, v = state["ups.1.weight_g"], state["ups.1.weight_v"]
    expected = g * v / v.pow(2).sum((1, 2), keepdim=True).sqrt()
    torch.testing.assert_close(model.ups[1].weight, expected)
    with torch.no_grad():
        wave = model(torch.randn(1, 10, 6))
    assert wave.shape == (1, 1, 6 * 32) and float(wave.abs().max()) > 1e-3
    for change, match in (
        ({"hop_size": 64}, "hop length"), ({"resblock": "3"}, "resblock"),
        ({"upsample_initial_channel": 10**9}, "initial_channels"), ({"num_mels": 80}, "conv_pre"),
        ({"upsample_rates": "8"}, "upsample_rates"),
    ):  # fmt: skip
        files = _write(tmp_path / "w", {"generator": state}, {**HIFIGAN_CONFIG, **change})
        with pytest.raises(BundleError, match=match):
            import_hifigan(HifiganImport(*files, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
