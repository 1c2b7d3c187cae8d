"""Every path that makes audio marks it, and every path that makes a profile has a consent record.

The first half speaks through each public way to audio and looks for the mark in what comes out.
The second half reads the sources and fails where a new way was added that the first doesn't know.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from tests.consenting import draft, someone, without_consent
from tests.piper.tiny import write_piper
from voicelet.cli.main import COMMANDS, main
from voicelet.enrolment.enrolment import enrol
from voicelet.errors import ConsentError
from voicelet.files import embedded_bundle
from voicelet.profiles.vault.vault import Vault
from voicelet.synth import Voice, join
from voicelet.synth import voice as facade
from voicelet.synth.labelling import write_labelled
from voicelet.trust.audit import device_log as audit
from voicelet.trust.labels import read_label
from voicelet.trust.watermark.base import FrameMark
from voicelet.trust.watermark.detect import Detection, detect_watermark
from voicelet.trust.watermark.mark import RESEARCH_SWITCH, model_digest

SDK = Path(__file__).resolve().parents[2] / "sdk"
SAMPLES = SDK.parent / "samples"
TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps."
PHONES = "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˈOvəɹ ðə lˈAzi dˈɔɡ, ænd ðˈɛn ɪt slˈips."

needs_voice = pytest.mark.skipif(
    not (embedded_bundle() / "manifest.json").is_file(), reason="no default voice here"
)


@pytest.fixture(scope="module")
def voice() -> Voice:
    return Voice.load()


def look(samples: npt.NDArray[Any], rate: int) -> Detection:
    return detect_watermark(np.asarray(samples, np.float32), rate, scales=False)


def assert_marked(samples: npt.NDArray[Any], rate: int, voice: Voice) -> None:
    found = look(samples, rate)
    assert found.found, f"no mark in {len(samples) / rate:.1f} s (score {found.score:.1f})"
    if found.payload is not None:  # what lossy codecs leave of it may be unreadable in 4 s
        info = voice.info
        assert found.payload.model == model_digest(info.name, info.version)


WAYS: dict[str, Callable[[Voice, Any], npt.NDArray[Any]]] = {
    "synthesize": lambda v, who: v.synthesize(TEXT, **who).samples,
    "stream": lambda v, who: join(v.stream(TEXT, **who), v.sample_rate_hz).samples,
    "phones": lambda v, who: v.synthesize_phones(PHONES, **who).samples,
    "clauses": lambda v, who: v.synthesize_phones(v.front_end.clauses(TEXT), **who).samples,
    "ssml": lambda v, who: v.synthesize(f"<speak>{TEXT}</speak>", **who).samples,
    "fast": lambda v, who: v.synthesize(" ".join([TEXT] * 4), speed=4.0, **who).samples,
    "key": lambda v, who: v.synthesize("Ctrl+Shift+Alt+Page Down", key=True, **who).samples,
    "marks by name": lambda v, who: (
        v.synthesize(TEXT, punctuation="all", capitals="tone", **who).samples
    ),
    "controls": lambda v, who: (
        v.synthesize(TEXT, pitch_semitones=3.0, energy=0.5, speed=0.8, seed=5, **who).samples
    ),
}


class Halving:
    """A watermark that does nothing but halve every sample, so that it is easily seen."""

    def clause(self, opening: str) -> Halving:
        return self

    def frames(self, rate: int, hop: int, size: int, offset: int = 0) -> FrameMark:
        return lambda first, count: np.full((count, size // 2 + 1), 0.5, np.float32)


@needs_voice
def test_a_voice_carries_any_watermark_that_offers_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as other:
        other.setattr(facade, "open_watermark", lambda name, version: Halving())
        halved = Voice.load().synthesize(TEXT).samples
    monkeypatch.setenv(RESEARCH_SWITCH, "1")
    unmarked = Voice.load().synthesize(TEXT).samples
    assert np.abs(unmarked).max() > 0.1
    np.testing.assert_allclose(halved, unmarked / 2, atol=1e-3)


@needs_voice
@pytest.mark.parametrize("way", WAYS)
def test_the_facade_marks(voice: Voice, way: str) -> None:
    assert_marked(WAYS[way](voice, {}), voice.sample_rate_hz, voice)


@needs_voice
def test_every_preset_and_every_profile_is_marked(voice: Voice) -> None:
    for preset in voice.presets:
        assert_marked(voice.synthesize(TEXT, preset=preset).samples, 24000, voice)
    assert_marked(voice.synthesize(TEXT, profile=someone()).samples, 24000, voice)


@needs_voice
def test_labelled_files_are_marked(voice: Voice, tmp_path: Path) -> None:
    label = write_labelled(tmp_path / "a.flac", voice, TEXT, label="eu", style="calm")
    assert_marked(*soundfile.read(tmp_path / "a.flac", dtype="float32"), voice)
    said = read_label(tmp_path / "a.flac")
    assert said is not None and said["id"] == label.id


def test_a_piper_voice_is_marked(tmp_path: Path) -> None:
    voice = Voice.load(write_piper(tmp_path / "piper"))
    long = " ".join([TEXT] * 3)  # it speaks fast
    for samples in (
        voice.synthesize(long).samples,
        join(voice.stream(long), voice.sample_rate_hz).samples,
    ):
        assert_marked(samples, voice.sample_rate_hz, voice)


@needs_voice
@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".opus"])
def test_say_marks_files_of_every_format(voice: Voice, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    assert main(["say", TEXT, "-o", str(path), "--label", "none"]) == 0
    assert_marked(*soundfile.read(path, dtype="float32"), voice)


@needs_voice
def test_say_marks_pipes(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["say", TEXT, "--raw"]) == 0
    raw = out.buffer.getvalue()  # type: ignore[attr-defined]
    assert_marked(np.frombuffer(raw, "<i2") / 32768.0, 24000, voice)


@needs_voice
def test_what_is_played_aloud_is_marked(
    voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = tmp_path / "bin" / "pw-play"
    player.parent.mkdir()
    player.write_text(f"#!/bin/sh\nexec cat > '{tmp_path}/heard'\n")
    player.chmod(0o755)
    monkeypatch.setenv("PATH", f"{player.parent}:/usr/bin:/bin")
    assert main(["say", TEXT, "--quiet"]) == 0
    heard = np.frombuffer((tmp_path / "heard").read_bytes(), "<i2") / 32768.0
    assert_marked(heard, 24000, voice)


@needs_voice
def test_read_and_demo_mark(voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text(f"# A\n\n{TEXT}\n")
    assert main(["read", str(tmp_path / "b.md"), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    (chapter,) = (tmp_path / "out").glob("*.opus")
    assert_marked(*soundfile.read(chapter, dtype="float32"), voice)
    (tmp_path / "samples").mkdir()
    for number in range(1, 5):
        name = f"reader-{number}.opus"
        (tmp_path / "samples" / name).symlink_to(SAMPLES / name)
    options = [
        "--recordings",
        str(tmp_path / "samples"),
        "--scripted-consent",
        "a reader of a corpus",
    ]
    assert main(["demo", "-o", str(tmp_path / "d.wav"), "--text", TEXT, *options]) == 0
    assert_marked(*soundfile.read(tmp_path / "d.wav", dtype="float32"), voice)


@needs_voice
def test_bench_speaks_as_everybody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """It throws its audio away; what it would have given is what `Voice.stream` gives."""
    spoken = []
    stream = Voice.stream

    def watched(self: Voice, *args: Any, **options: Any) -> Any:
        chunks = list(stream(self, *args, **options))
        spoken.append(join(chunks, self.sample_rate_hz).samples)
        return iter(chunks)

    monkeypatch.setattr(Voice, "stream", watched)
    assert main(["bench", "--repeat", "1", "--text", TEXT, "--json"]) == 0
    assert len(spoken) == 2 and look(spoken[1], 24000).found


@needs_voice
def test_unmarked_speech_would_be_noticed(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RESEARCH_SWITCH, "1")
    assert not look(voice.synthesize(TEXT).samples, 24000).found


# ---------------------------------------------------------------- profiles


@needs_voice
def test_no_profile_without_consent_is_made_kept_or_spoken(voice: Voice, tmp_path: Path) -> None:
    with pytest.raises((ConsentError, TypeError)):
        enrol([SAMPLES / "reader-1.opus"], name="ana")  # type: ignore[call-arg]
    for profile in (draft(), without_consent(someone())):
        with pytest.raises(ConsentError):
            Vault(tmp_path).save(profile)
        for way in (voice.synthesize, voice.synthesize_phones, lambda t, **o: voice.stream(t, **o)):
            with pytest.raises(ConsentError):
                way("həlˈO", profile=profile)
    assert [r.event for r in audit.default_log().records() if r.event == "enrol"] == []


# ---------------------------------------------------------------- nothing was forgotten


@functools.cache
def sources() -> dict[str, ast.Module]:
    """Modules of the runtime; not `audio`, whose `Audio` is a recording."""
    paths = [p for p in SDK.rglob("*.py") if p.parent.name != "audio"]
    named = {".".join(p.relative_to(SDK / "voicelet").with_suffix("").parts): p for p in paths}
    return {name: ast.parse(p.read_text(encoding="utf-8")) for name, p in named.items()}


def returning(pattern: str) -> set[str]:
    """Public functions and methods of the runtime whose return type matches."""
    found: set[str] = set()

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
                visit(child, f"{prefix}.{child.name}")
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                returns = ast.unparse(child.returns) if child.returns else ""
                if not child.name.startswith("_") and re.search(pattern, returns):
                    found.add(f"{prefix}.{child.name}")

    for module, tree in sources().items():
        visit(tree, module)
    return found


def test_no_way_to_audio_was_forgotten() -> None:
    assert returning(r"\b(Audio|Chunk)\b") == {
        "synth.voice.Voice.synthesize",
        "synth.voice.Voice.stream",
        "synth.voice.Voice.synthesize_phones",
        "synth.voice.join",  # of chunks that were marked already
        "synth.audit.audited",  # passes them on
        "synth.stream.SpeechStream.chunks",  # what all of `Voice` goes through
        "serve.speechd.module.Module.chunks",  # those of `Voice.stream` (tests/serve/test_speechd)
    }, "walk the new way to audio above, then name it here"


def test_no_command_was_forgotten() -> None:
    speaking = {"say", "read", "demo", "bench"}
    serving = {"serve", "speechd"}  # through `Voice.stream`: tests/serve/test_every_server_marks
    speaking_prompts = {"record"}  # through `Voice.synthesize`, to the loudspeaker
    silent = {"enrol", "voices", "profiles", "consent", "erase", "explain", "info", "audit"}
    silent |= {"detect", "verify", "protected", "pack"}
    names = {command.__name__.rsplit(".", 1)[-1] for command in COMMANDS}
    assert names <= speaking | serving | speaking_prompts | silent, (
        "does the new command make audio? say so here"
    )
    assert speaking <= names


def test_no_way_to_a_profile_was_forgotten() -> None:
    ways = returning(r"(?<!\w)Profile\b")
    assert ways == {
        "enrolment.enrolment.enrol",
        "enrolment.enrolment.make_profile",  # a draft: neither kept nor spoken (above)
        "enrolment.consent.give_consent",
        "enrolment.consent.adapt_profile",
        "enrolment.consent.follow_consent",  # its record names those it took the place of
        "profiles.profile.Profile.from_bytes",  # checked whenever it is used
        "profiles.profile.stored_copy",  # the same
        "profiles.transfer.import_profile",
        "profiles.backup.restore_profile",
        "profiles.vault.vault.Vault.load",
        "profiles.vault.vault.Vault.list",
        "profiles.vault.access.Access.load",
        "synth.presets.find_voice",
        "serve.speakers.Speakers.find",  # what it gives is checked by `Voice.stream`
        "synth.consent_check.check_consent",  # a copy of what was checked
    }, "does the new way to a profile ask for consent? test it, then name it here"
