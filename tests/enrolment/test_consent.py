"""Consent in profiles: none made, kept or spoken with without it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.consenting import agreed, draft, scripted, someone, without_consent
from tests.profiles.test_profile import seal
from tests.synth.voices import tiny_voice
from voicelet.enrolment.consent import give_consent, revoke_consent
from voicelet.enrolment.gate import MAX_REFERENCE_S, GateConfig
from voicelet.errors import (
    ConfigError,
    ConsentEndedError,
    ConsentError,
    LivenessRejectedError,
    ProfileError,
    VoiceletError,
)
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.vault import Vault
from voicelet.synth import Voice
from voicelet.trust.audit.device_log import audit_folder, flush
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.consent.statement import Consent, ConsentRecord, SpokenConsent

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
NOW = datetime.now(timezone.utc)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    return Voice.load(tiny_voice(tmp_path_factory.mktemp("voice") / "bundle"))


def speak(voice: Voice, profile: Profile, **options: str) -> None:
    """In every way that there is."""
    errors = []
    for way in (
        lambda: voice.synthesize("hello", profile=profile, **options),
        lambda: voice.stream("hello", profile=profile, **options),
        lambda: voice.synthesize_phones("həlˈO", profile=profile, **options),
    ):
        try:
            way()
        except ConsentError as error:
            errors.append(error)
    assert len(errors) in (0, 3)
    if errors:
        raise errors[0]


def test_who_agreed_is_spoken_with(voice: Voice) -> None:
    ana = someone(purposes=("own-use", "publishing"))
    for purpose in ("own-use", "assistive"):
        speak(voice, ana, purpose=purpose)
    with pytest.raises(ConsentError, match="only written down"):
        speak(voice, ana, purpose="publishing")
    with pytest.raises(
        ConsentError, match="not to research.*renew, with --purpose .*--purpose research"
    ):
        speak(voice, ana, purpose="research")
    with pytest.raises(ConsentError, match="did you mean 'publishing'"):
        speak(voice, ana, purpose="publish")
    with pytest.raises(ConsentError, match="no purpose"):
        voice.synthesize("hello", purpose="")  # not even as a preset
    voice.synthesize("hello", purpose="publishing")


def test_nobody_speaks_without(voice: Voice) -> None:
    ana = someone("o'ana")
    with pytest.raises(ConsentError, match="voicelet consent add 'o'\"'\"'ana'"):
        speak(voice, without_consent(ana))
    assert ana.consent is not None
    forged = dataclasses.replace(ana.consent, purposes=("own-use", "publishing"))
    with pytest.raises(ConsentError, match="changed since it was signed"):
        speak(voice, dataclasses.replace(ana, consent=forged))
    with pytest.raises(ConsentError, match="another voice's"):
        dataclasses.replace(draft(f0_hz=120.0), consent=ana.consent)


def test_a_class_of_ones_own_is_no_way_round(voice: Voice) -> None:
    with pytest.raises(TypeError, match="subclass"):
        type("Mine", (Profile,), {"check_consent": lambda self, purpose="", now=None: None})

    class Someone:
        def speaker_vector(self, mel_mean: object, mel_std: object) -> np.ndarray:
            return np.zeros(328, np.float32)

        def check_consent(self, purpose: str) -> None:
            return

    with pytest.raises(ProfileError, match="a profile is needed, not Someone"):
        voice.synthesize("hello", profile=Someone())


def test_withdrawn_at_once_everywhere(voice: Voice, tmp_path: Path) -> None:
    ana, ben = someone(), someone("ben", f0_hz=110.0)
    elsewhere = Profile.from_bytes(ana.to_bytes())
    speak(voice, ana)
    stream = voice.stream("hello world", profile=ana)
    revoke_consent(ana, "no longer needed")
    for profile in (ana, elsewhere):
        with pytest.raises(ConsentEndedError, match="withdrew.*voicelet consent add ana"):
            speak(voice, profile)
    assert sum(len(chunk.samples) for chunk in stream) > 2400  # what has begun is spoken
    speak(voice, ben)
    renewed = agreed(ana)
    speak(voice, renewed)
    with pytest.raises(ConsentEndedError):
        speak(voice, ana)
    assert [e.reason for e in device_revocations().entries()] == ["no longer needed"]
    with pytest.raises(ConsentError, match="no consent to withdraw"):
        revoke_consent(draft())


def test_an_end_is_warned_of_ahead(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    never, far = someone(), someone(expires=NOW + timedelta(days=90))
    for profile in (never, far):
        speak(voice, profile)
    assert caplog.text == ""
    near = someone(expires=NOW + timedelta(days=20, hours=1))
    speak(voice, near)
    speak(voice, near)
    assert caplog.text.count("ends in 20 days") == 1
    assert "voicelet consent renew ana" in caplog.text
    with pytest.raises(ConsentEndedError, match="voicelet consent renew ana"):
        near.check_consent(now=NOW + timedelta(days=21))
    near.check_consent(now=NOW + timedelta(days=20))


def test_the_signature_is_checked_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an object remembers of a check could be set by anybody."""
    from voicelet.trust.keys import seal as sealing

    calls = []
    verify = sealing.verify
    monkeypatch.setattr(sealing, "verify", lambda *a: (calls.append(a), verify(*a)))
    ana = someone()
    for _ in range(5):
        ana.check_consent()
    assert len(calls) == 5
    Profile.from_bytes(ana.to_bytes()).check_consent()
    assert len(calls) == 6


def test_files_hold_the_record() -> None:
    ana = someone(purposes="assistive")
    data = ana.to_bytes()
    assert int.from_bytes(data[4:6], "little") == 2
    assert Profile.from_bytes(data) == ana
    assert Profile.from_bytes(data).consent == ana.consent
    assert agreed(ana) != ana  # a record of its own


def test_old_files_are_read_and_lose_nothing(tmp_path: Path) -> None:
    old = draft("ana")
    data = old.to_bytes()
    assert int.from_bytes(data[4:6], "little") == 1
    read = Profile.from_bytes(data)
    assert read == old and read.consent is None
    vault = Vault(tmp_path / "v", protection="plain")
    vault.path.mkdir()
    (vault.path / "ana.vclp").write_bytes(data)  # as voicelet 0.1 left it
    loaded = vault.load("ana")
    with pytest.raises(ConsentError, match="voicelet consent add ana"):
        loaded.check_consent()
    with pytest.raises(ConsentError, match="voicelet consent add ana"):
        vault.save(loaded)
    assert vault.load("ana") == old
    vault.save(give_consent(loaded, scripted()))
    assert vault.load("ana").d_vector.tobytes() == old.d_vector.tobytes()
    vault.load("ana").check_consent()


def with_consent_header(profile: Profile, consent: object) -> bytes:
    """A file whose record was changed by somebody who could mend the checksum."""
    data = profile.to_bytes()
    _, version, flags, size, body_size = struct.unpack_from("<4sHHII", data)
    header = json.loads(data[16 : 16 + size])
    header["consent"] = consent
    if consent is None:
        del header["consent"]
    text = json.dumps(header).encode()
    body = data[16 + size : 16 + size + body_size]
    return seal(struct.pack("<4sHHII", b"VCLP", version, flags, len(text), body_size) + text + body)


def test_a_record_that_was_taken_out_or_swapped(voice: Voice) -> None:
    ana, ben = someone(), someone("ben", f0_hz=110.0)
    assert ana.consent is not None and ben.consent is not None
    with pytest.raises(ProfileError, match="taken out"):
        Profile.from_bytes(with_consent_header(ana, None))
    with pytest.raises(ProfileError, match="another voice's"):
        Profile.from_bytes(with_consent_header(ana, ben.consent.to_dict()))
    wider = {**ana.consent.to_dict(), "purposes": ["own-use", "publishing"]}
    forged = Profile.from_bytes(with_consent_header(ana, wider))
    with pytest.raises(ConsentError, match="changed since it was signed"):
        speak(voice, forged, purpose="publishing")
    newer = {**ana.consent.to_dict(), "version": 9}
    with pytest.raises(ProfileError, match="update voicelet"):
        Profile.from_bytes(with_consent_header(ana, newer))
    older = bytearray(ana.to_bytes())
    older[4] = 1  # a record isn't dodged by calling the file an old one: those don't speak
    assert Profile.from_bytes(seal(bytes(older[:-32]))).consent is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(data=st.data(), value=json_values)
def test_no_record_crashes_a_reader(ana: Profile, data: st.DataObject, value: object) -> None:
    assert ana.consent is not None
    record = ana.consent.to_dict()
    field = data.draw(st.sampled_from([*record, ""]))
    changed = value if not field else {**record, field: value}
    if changed == record:
        return
    with pytest.raises(VoiceletError):
        Profile.from_bytes(with_consent_header(ana, changed)).check_record()


@pytest.fixture(scope="module")
def ana(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("home")))
        return someone()


def test_no_more_than_three_minutes() -> None:
    assert MAX_REFERENCE_S == GateConfig().max_speech_s == 180.0
    for more in (180.1, 3600.0, float("inf"), float("nan")):
        with pytest.raises(ConfigError):
            GateConfig(max_speech_s=more)


def test_nothing_of_a_recording_is_left_on_the_disk(tmp_path: Path) -> None:
    """A process that enrols from bytes, watched: what it writes, and what is there after."""
    code = f"""
        import io, os, sys
        from pathlib import Path
        written = []
        def watch(event, args):
            if event == "open" and isinstance(args[0], (str, bytes)):
                if (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                    written.append(str(args[0]))
        sys.addaudithook(watch)
        import voicelet
        consent = voicelet.Consent.scripted("Ana", "a reader of a public corpus")
        data = [Path({str(SAMPLES)!r}, f"reader-{{n}}.opus").read_bytes() for n in (2, 3)]
        profile = voicelet.enrol([io.BytesIO(d) for d in data], consent=consent)
        for path in written:
            print(path)
        print(profile.speech_s)
    """
    home = {k: str(tmp_path / k) for k in ("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    for folder in home.values():
        Path(folder).mkdir()
    done = subprocess.run(
        [sys.executable, "-B", "-c", textwrap.dedent(code)],
        env={**home, "PYTHONPATH": str(ROOT / "sdk"), "PATH": "", "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    *written, speech_s = done.stdout.split("\n")[:-1]
    assert float(speech_s) > 3.0
    allowed = ("/voicelet/keys/", "/voicelet/audit/", os.devnull)
    allowed += ("/voicelet/consent/",)  # the time
    assert written and all(any(a in path for a in allowed) for path in written), written
    kept = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert all(any(a in str(p) for a in allowed) for p in kept), kept
    assert sum(p.stat().st_size for p in kept) < 4000  # a key, a line of the log: no speech


def test_the_log_tells_of_consent_without_names() -> None:
    ana = someone()
    revoke_consent(ana)
    flush()
    lines = _log_lines()
    assert [line["event"] for line in lines] == ["consent", "revocation", "revoke"]
    assert ana.consent is not None
    for line in lines:
        assert line["fields"]["consent"] == ana.consent.id
    for line in (lines[0], lines[2]):
        assert line["fields"]["method"] == "scripted"
        assert "ana" not in json.dumps(line).casefold().replace(ana.consent.id, "")


def _log_lines() -> list[dict[str, object]]:
    files = sorted(p for p in audit_folder().iterdir() if p.suffix == ".jsonl")
    return [json.loads(line) for p in files for line in p.read_text().splitlines()]


def test_a_spoken_consent_is_heard() -> None:
    """Somebody else's words are no consent; with the real check, on a real recording."""
    import voicelet

    sentence = voicelet.consent_sentence()
    spoken = SpokenConsent(SAMPLES / "reader-2.opus", sentence)
    recordings = [SAMPLES / f"reader-{n}.opus" for n in (3, 4)]
    with pytest.raises(LivenessRejectedError, match="sentence"):
        voicelet.enrol(recordings, consent=Consent("Ana", spoken))
    made = voicelet.enrol(recordings, consent=scripted("Ana"))
    with pytest.raises(LivenessRejectedError, match="sentence"):
        give_consent(made, Consent("Ana", spoken))
    assert isinstance(made.consent, ConsentRecord) and made.consent.method == "scripted"


def test_what_was_heard_is_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself is tested where it lives; here, that it is asked and what comes of it."""
    import voicelet
    import voicelet.enrolment.liveness.check as liveness

    asked: list[tuple[object, str, np.ndarray]] = []

    def accept(
        recording: object, sentence: liveness.Sentence, windows: np.ndarray, **_: Any
    ) -> None:
        asked.append((recording, sentence.text, windows))

    monkeypatch.setattr(liveness, "check_spoken_consent", accept)
    ana = draft()
    sentence = liveness.consent_sentence()
    path = SAMPLES / "reader-2.opus"
    made = give_consent(ana, Consent("Ana", SpokenConsent(path, sentence), purposes="publishing"))
    with pytest.raises(ConsentError, match="used already"):  # one sentence, one consent
        give_consent(ana, Consent("Ana", SpokenConsent(path, sentence)))
    with pytest.raises(ConsentError, match=r"used already.*draw a new one"):
        voicelet.enrol([path], consent=Consent("Ana", SpokenConsent(path, sentence)))
    ((recording, text, windows),) = asked
    assert (recording, text) == (path.read_bytes(), sentence.text)
    assert windows.shape == (round(ana.speech_s / 0.77), 256)
    np.testing.assert_array_equal(windows[-1], ana.d_vector)
    record = made.check_record()
    assert (record.method, record.sentence, record.reason) == ("spoken", sentence.text, "")
    assert record.audio_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    made.check_consent("publishing")


def test_a_consent_that_changes_its_mind_is_read_once() -> None:
    """What is checked is what is signed, whatever a subclass answers the next time."""
    import voicelet

    said = SpokenConsent(b"silence", voicelet.consent_sentence())
    asked: list[int] = []

    class Late(Consent):
        pass

    late = Late("Ana", None, "", ("publishing",), "", None, "x")
    object.__setattr__(late, "reason", "")
    for patience in range(6):
        asked.clear()

        def spoken(_: object, patience: int = patience) -> SpokenConsent | None:
            asked.append(1)
            return said if len(asked) > patience else None

        Late.spoken = property(spoken)  # type: ignore[assignment]
        with pytest.raises(VoiceletError):
            give_consent(draft(), late)
        assert len(asked) <= 2  # once, or in the constructor's own check as well


def test_a_sentence_that_changes_its_words_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import voicelet
    import voicelet.enrolment.liveness.check as liveness

    heard: list[str] = []
    monkeypatch.setattr(
        liveness,
        "check_spoken_consent",
        lambda recording, sentence, *a, **k: heard.append(sentence.text),
    )
    real = voicelet.consent_sentence().text

    class Turning:
        count = 0

        @property
        def text(self) -> str:
            self.count += 1
            return real if self.count <= 2 else "Never said."

    made = give_consent(draft(), Consent("Ana", SpokenConsent(b"x", Turning())))
    assert made.consent is not None and made.consent.sentence == real and heard == [real]


def test_a_recording_that_changes_is_the_one_that_was_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import voicelet
    import voicelet.enrolment.liveness.check as liveness

    path = tmp_path / "a.wav"
    path.write_bytes(b"heard")

    def listen(recording: object, *_: object, **__: object) -> None:
        assert recording == b"heard"
        path.write_bytes(b"swapped")

    monkeypatch.setattr(liveness, "check_spoken_consent", listen)
    made = give_consent(draft(), Consent("Ana", SpokenConsent(path, voicelet.consent_sentence())))
    assert made.consent is not None
    assert made.consent.audio_sha256 == hashlib.sha256(b"heard").hexdigest()


def test_only_a_vouched_encoder_says_who_reads(make_bundle: Callable[..., Path]) -> None:
    import voicelet
    from voicelet.bundle import open_bundle

    bundle = open_bundle(make_bundle(), trust_bundle=True)
    spoken = Consent("Ana", SpokenConsent(b"x", voicelet.consent_sentence()))
    with pytest.raises(ConsentError, match="no key that is trusted here"):
        give_consent(draft(), spoken, bundle=bundle)
    with pytest.raises(ConsentError, match="no key that is trusted here"):
        voicelet.enrol([SAMPLES / "reader-2.opus"], consent=spoken, bundle=bundle)


def test_a_key_that_the_caller_names_is_no_voucher_for_the_encoder(
    make_bundle: Callable[..., Path],
) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    import voicelet
    from voicelet.bundle import Bundle, open_bundle

    key = Ed25519PrivateKey.generate()
    folder = make_bundle(signing_key=key)
    named = open_bundle(folder, trusted_keys=[key.public_key().public_bytes_raw().hex()])
    assert named.trusted_by == "key"

    class Sly(Bundle):
        trusted_by = "package"  # type: ignore[assignment]

    packaged = open_bundle(None)
    changed = open_bundle(None)
    object.__setattr__(changed, "manifest", named.manifest)
    for bundle in (named, Sly(named.root, named.manifest), changed):
        spoken = Consent("Ana", SpokenConsent(b"x", voicelet.consent_sentence()))
        with pytest.raises(ConsentError, match="no key that is trusted here"):
            give_consent(draft(), spoken, bundle=bundle)
    assert packaged.trusted_by == "package"
