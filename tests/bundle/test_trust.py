"""Who vouches for a bundle; nobody speaks through one that nobody vouches for."""

from __future__ import annotations

import copy
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voicelet
from tests.consenting import scripted, someone
from tests.piper.tiny import write_piper
from tests.synth.voices import speaker_vectors, tiny_voice
from tests.tiny import tiny_manifest
from voicelet.audio.source import load_recording
from voicelet.bundle import Bundle, open_bundle, trust, write_bundle
from voicelet.bundle.manifest import Preset, parse_manifest
from voicelet.cli.main import main
from voicelet.enrolment.enrolment import enrol
from voicelet.errors import (
    BundleError,
    BundleUnsignedError,
    ConfigError,
    VoiceProtectedError,
)
from voicelet.files import data_dir, embedded_bundle, parse_npy
from voicelet.piper.open import open_voice
from voicelet.profiles.protected import encode_list, lists_folder, protect
from voicelet.speaker.encoder import d_vector, open_encoder
from voicelet.speaker.origin import speech_16k
from voicelet.synth import Voice, explain
from voicelet.trust.keys.seal import new_signing_key

ROOT = Path(__file__).resolve().parents[2]
UNSIGNED = 35


def hex_of(key: Any) -> str:
    return str(key.public_key().public_bytes_raw().hex())


def planted(
    folder: Path, victim: np.ndarray, signing_key: Any = None, source: Bundle | None = None
) -> Path:
    """A bundle (the tiny voice's) with a further row and preset, as an attacker would write it."""
    source = source or open_bundle(tiny_voice(folder / "honest"))
    rows = parse_npy(source.data_path("presets").read_bytes())
    file = io.BytesIO()
    np.save(file, np.concatenate([rows, victim[None]]).astype(np.float32))
    files: dict[str, Path | bytes] = {f.file: source.root / f.file for f in source.manifest.files()}
    files["presets.npy"] = file.getvalue()
    presets = (*source.manifest.presets, Preset("victim", len(rows)))
    manifest = replace(source.manifest, presets=presets)
    return write_bundle(folder / "planted", manifest, files, signing_key).root


def victim_vector() -> np.ndarray:
    statistics = tiny_manifest().statistics
    mean, std = np.array(statistics.mel_mean), np.array(statistics.mel_std)
    return someone("victim").speaker_vector(mean, std)


# ---------------------------------------------------------------- nobody vouches


@pytest.mark.parametrize("signed", [False, True])
def test_a_planted_preset_does_not_speak(signed: bool, tmp_path: Path) -> None:
    """A victim's vector as a row of its own, in a bundle unsigned or signed by its maker."""
    folder = planted(tmp_path, victim_vector(), new_signing_key() if signed else None)
    with pytest.raises(BundleUnsignedError, match="--trust-bundle"):
        Voice.load(folder).synthesize("hello", preset="victim")
    with pytest.raises(BundleUnsignedError):
        Voice(open_bundle(folder))
    assert open_bundle(folder).trusted_by is None  # it can still be looked at
    for command in (
        ["say", "hello", "--voice", "victim", "-o", str(tmp_path / "a.wav")],
        ["bench", "--voice", "victim", "--text", "hello"],
        ["explain", "hello", "--voice", "victim"],
    ):
        assert main([*command, "--bundle", str(folder)]) == UNSIGNED
    assert not (tmp_path / "a.wav").exists()


def test_nor_does_a_consented_profile_speak_through_it(tmp_path: Path) -> None:
    """Its graphs could leave out the speaker they are given, and speak as anybody."""
    folder = tiny_voice(tmp_path / "b", signing_key=None)
    with pytest.raises(BundleUnsignedError):
        Voice.load(folder).synthesize("hello", profile=someone())


def test_nor_does_it_enrol(tmp_path: Path) -> None:
    """Its speaker encoder could give a victim's vector for everybody, who then consents."""
    shipped = open_bundle()
    files: dict[str, Path | bytes] = {
        f.file: shipped.root / f.file for f in shipped.manifest.files()
    }
    folder = write_bundle(tmp_path / "copy", shipped.manifest, files).root
    with pytest.raises(BundleUnsignedError):
        enrol([ROOT / "samples" / "reader-1.opus"], consent=scripted(), bundle=folder)
    with pytest.raises(BundleUnsignedError):
        open_encoder(open_bundle(folder))
    open_encoder(open_bundle(folder, trust_bundle=True))


# ---------------------------------------------------------------- somebody does


def test_the_package_vouches_for_its_own_voice_wherever_it_lies(tmp_path: Path) -> None:
    import shutil

    assert open_bundle().trusted_by == "package"
    moved = tmp_path / "moved"
    shutil.copytree(embedded_bundle(), moved)
    assert open_bundle(moved).trusted_by == "package"
    (moved / "manifest.sig").unlink()
    assert open_bundle(moved).trusted_by is None


def test_where_its_voice_is_not_signed_its_place_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_voice(tmp_path / "voices" / "default", signing_key=None)
    monkeypatch.setattr(trust, "embedded_bundle", lambda: folder)
    assert open_bundle(folder).trusted_by == "package"
    assert open_bundle(tiny_voice(tmp_path / "b", signing_key=None)).trusted_by is None


def test_a_key_is_trusted_for_a_call_or_for_good(tmp_path: Path) -> None:
    key = new_signing_key()
    folder = tiny_voice(tmp_path / "b", signing_key=key)
    assert Voice.load(folder, trusted_keys=[hex_of(key).upper()]).info.trusted_by == "key"
    with pytest.raises(BundleUnsignedError, match=f"--trust-key {hex_of(key)}"):
        Voice.load(folder)
    assert main(["voices", "--trust-key", hex_of(key).upper()]) == 0
    assert main(["voices", "--trust-key", hex_of(key)]) == 0
    assert Voice.load(folder).info.trusted_by == "key"
    assert trust.user_keys().count(hex_of(key)) == 1
    assert main(["voices", "--trust-key", "f00"]) == 2


def test_a_damaged_list_of_keys_trusts_nobody(tmp_path: Path) -> None:
    path = data_dir() / trust.KEYS_NAME
    path.write_text(path.read_text() + "not a key\n")
    with pytest.raises(ConfigError, match="trusted_keys.txt"):
        open_bundle(tiny_voice(tmp_path / "b", signing_key=new_signing_key()))
    assert open_bundle().trusted_by == "package"  # needs no such list


def test_the_caller_may_vouch_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = planted(tmp_path, victim_vector())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            voice = Voice.load(folder, trust_bundle=True)
    assert voice.info.trusted_by == "caller" and voice.synthesize("hello").seconds > 0.1
    assert len([r for r in caplog.records if "vouches" in r.getMessage()]) == 1
    target = str(tmp_path / "a.wav")
    assert main(["say", "hello", "--bundle", str(folder), "--trust-bundle", "-o", target]) == 0


def test_info_says_who_vouches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tiny_voice(tmp_path / "a", signing_key=None))]) == 0
    assert "NO: it doesn't speak" in capsys.readouterr().out
    assert main(["info", str(tiny_voice(tmp_path / "b")), "--json"]) == 0
    assert '"trusted_by": "key"' in capsys.readouterr().out


def test_vouching_does_not_get_past_a_protected_voice(tmp_path: Path) -> None:
    speech = speech_16k(load_recording(ROOT / "samples" / "reader-1.opus", 24000, 60.0).samples)
    actor = d_vector(open_encoder(open_bundle()), speech)
    vector = parse_npy(open_bundle().data_path("presets").read_bytes())[0].copy()
    vector[:256] = actor
    folder = planted(tmp_path, vector, source=open_bundle())
    Voice.load(folder, trust_bundle=True)
    listed = protect("actors", {"one": actor}, "ge2e", rng=np.random.default_rng(1))
    lists_folder().mkdir(parents=True)
    (lists_folder() / "actors.protected.json").write_bytes(encode_list(listed, new_signing_key()))
    with pytest.raises(VoiceProtectedError, match="'victim'.*'actors'"):
        Voice.load(folder, trust_bundle=True)


def test_piper_imports_speak_and_their_bundles_need_somebody(tmp_path: Path) -> None:
    onnx = write_piper(tmp_path / "piper")
    for _ in range(2):  # imported, and found again
        assert open_voice(onnx).trusted_by == "import"
    assert Voice.load(onnx).synthesize("hello").seconds > 0.0
    with pytest.raises(BundleUnsignedError):
        Voice.load(open_voice(onnx).root)


# ---------------------------------------------------------------- what a bundle claims


def npy(shape: str, descr: str = "<f4", body: bytes = bytes(2 * 328 * 4)) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + body


@pytest.mark.parametrize(
    "raw",
    [
        npy("(1000000000, 328)"),  # 1.3 TB
        npy("(4611686018427387904, 4)"),  # 2^66 bytes, which wrap around to 0
        npy("(-2, 328)"),
        npy("(2, 328)", "<f8"),
        npy("(2, 328)", "|O"),
        npy("(2, 328)", body=bytes(7)),
        npy("()"),
        b"",
        b"\x93NUMPY\x09\x00" + bytes(100),
    ],
)
def test_presets_that_claim_more_than_they_hold(raw: bytes, tmp_path: Path) -> None:
    source = open_bundle(tiny_voice(tmp_path / "honest"))
    files: dict[str, Path | bytes] = {f.file: source.root / f.file for f in source.manifest.files()}
    files["presets.npy"] = raw
    folder = write_bundle(tmp_path / "b", source.manifest, files).root
    # In a process that may not have the memory, so that a claim isn't believed unnoticed.
    code = (
        "import resource, sys\n"
        "from voicelet.synth import Voice\n"
        "from voicelet.errors import BundleError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "try:\n"
        "    Voice.load(sys.argv[1], trust_bundle=True)\n"
        "except BundleError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert "presets" in done.stdout and done.returncode == 0, done.stderr


def test_sound_arrays_are_read() -> None:
    for values in (np.zeros((0, 3), np.float32), speaker_vectors()):
        file = io.BytesIO()
        np.save(file, values.astype(np.float32))
        np.testing.assert_array_equal(parse_npy(file.getvalue()), values.astype(np.float32))


@pytest.mark.parametrize("field", ["name", "licence", "languages", "presets"])
def test_half_characters_in_a_manifest(field: str, tmp_path: Path) -> None:
    raw = (tiny_voice(tmp_path / "b") / "manifest.json").read_text(encoding="utf-8")
    old = {"name": '"tiny"', "licence": '"Apache-2.0"', "languages": '"en-US"', "presets": '"low"'}
    changed = raw.replace(old[field], old[field][:-1] + '\\ud800"')
    assert changed != raw
    with pytest.raises(BundleError, match="Unicode"):
        parse_manifest(changed.encode())


def test_explaining_asks_as_well(tmp_path: Path) -> None:
    voice = Voice.load(tiny_voice(tmp_path / "b"))
    assert explain.explain(voice, "hello").phones
    assert voicelet.Voice is Voice


@pytest.mark.parametrize(
    ("key", "value"),
    [("n_fft", 1 << 40), ("n_mels", 100_000), ("sample_rate_hz", 10**12), ("n_mels", 0)],
)
def test_sizes_that_no_voice_has(key: str, value: int, tmp_path: Path) -> None:
    manifest = json.loads((tiny_voice(tmp_path / "b") / "manifest.json").read_text())
    manifest["features"][key] = value
    if key == "sample_rate_hz":
        manifest[key] = value
    if key == "n_mels":
        manifest["statistics"].update(mel_mean=[0.0] * value, mel_std=[1.0] * value)
    with pytest.raises(BundleError, match=key):
        parse_manifest(json.dumps(manifest).encode())


def test_another_bundle_in_the_place_of_an_import(tmp_path: Path) -> None:
    """Who can write the cache must not plant a bundle there that counts as imported."""
    import shutil

    onnx = write_piper(tmp_path / "piper")
    root = open_voice(onnx).root
    shutil.rmtree(root)
    shutil.copytree(planted(tmp_path, victim_vector()), root)
    again = open_voice(onnx)
    assert "victim" not in [p.name for p in again.manifest.presets]
    assert again.manifest.architecture == "piper-vits"


def test_presets_changed_after_they_were_verified(tmp_path: Path) -> None:
    bundle = open_bundle(tiny_voice(tmp_path / "b"))
    rows = parse_npy(bundle.data_path("presets").read_bytes()).copy()
    rows[0] = victim_vector()
    np.save(bundle.data_path("presets"), rows)
    with pytest.raises(BundleError, match="SHA-256"):
        Voice(bundle)


def test_nobody_vouches_for_a_bundle_put_together_by_hand(make_bundle: Callable[..., Path]) -> None:
    unsigned = open_bundle(make_bundle())
    assert unsigned.trusted_by is None
    with pytest.raises(TypeError):
        replace(unsigned, trusted_by="package")  # type: ignore[call-arg]
    packaged = open_bundle(None)
    assert packaged.trusted_by == "package" and copy.copy(packaged).trusted_by == "package"
    for made in (
        replace(packaged, root=unsigned.root, manifest=unsigned.manifest),
        replace(packaged),
        Bundle(packaged.root, packaged.manifest, packaged.signed_by),
    ):
        assert made.trusted_by is None
        with pytest.raises(BundleUnsignedError):
            Voice(made)
