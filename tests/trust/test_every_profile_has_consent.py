"""Every path that makes a profile has a consent record; every path that uses one looks at it.

The paths are found, not listed: by introspection of the public API, by walking the command line and
by reading the sources.  A new one fails here until somebody has said how it asks for consent.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voicelet
from tests.consenting import draft, scripted, someone, without_consent
from tests.synth.voices import tiny_voice
from voicelet.cli.main import build_parser, main
from voicelet.enrolment.consent import adapt_profile, follow_consent, give_consent
from voicelet.enrolment.enrolment import enrol, make_profile
from voicelet.errors import ConsentError
from voicelet.profiles import backup
from voicelet.profiles.profile import Profile, stored_copy
from voicelet.profiles.transfer import INFO, import_profile
from voicelet.profiles.vault.vault import Vault
from voicelet.serve.speakers import Speakers
from voicelet.synth import SpeechOptions, Voice
from voicelet.synth.presets import find_voice
from voicelet.trust.keys.device_key import device_sealing_key
from voicelet.trust.keys.seal import new_sealing_key, seal

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples" / "reader-2.opus"
REFUSED = 61
WORDS = "kettle marble seven harbour"


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    return Voice.load(tiny_voice(tmp_path_factory.mktemp("voice") / "bundle"))


def vault_of_old() -> Vault:
    """The user's vault, with a profile in it as voicelet 0.1 left it."""
    vault = Vault()
    vault.path.mkdir(parents=True, exist_ok=True)
    (vault.path / "old.vclp").write_bytes(draft("old").to_bytes())
    return vault


def served_old() -> Any:
    """The same, as a server opens it."""
    return Speakers(Voice.load(), vault=vault_of_old()).find("old")[0]


def sealed_old() -> bytes:
    """A profile without consent, sealed for this device by somebody with a changed voicelet."""
    return seal(device_sealing_key().public, draft("old").to_bytes(), info=INFO)


def backup_of_old() -> Path:
    """The same in a backup, under `WORDS`."""
    key = new_sealing_key(hybrid=False)
    path = Vault().path.parent / "old.backup"
    path.parent.mkdir(parents=True, exist_ok=True)
    sealed = seal(key.public, draft("old").to_bytes(), info=INFO)
    path.write_bytes(backup._pack(key, sealed, WORDS))
    return path


# ---------------------------------------------------------------- the API

MAKERS: dict[str, Callable[[], Any]] = {
    "enrolment.enrolment.enrol": lambda: enrol([SAMPLE], name="ana"),
    "enrolment.enrolment.make_profile": lambda: make_profile(_accepted(), "ana", None, None),  # type: ignore[arg-type]
    "enrolment.consent.give_consent": lambda: give_consent(draft(), None),  # type: ignore[arg-type]
    "enrolment.consent.adapt_profile": lambda: adapt_profile(
        draft(),
        None,
        np.zeros((1, 256)),
        speech_s=1.0,
        voice=None,  # type: ignore[arg-type]
    ),
    "enrolment.consent.follow_consent": lambda: follow_consent(draft(), draft()),
    "profiles.transfer.import_profile": lambda: import_profile(
        Vault(), sealed_old(), device_sealing_key()
    ),
    "profiles.backup.restore_profile": lambda: backup.restore_profile(
        Vault(), backup_of_old(), WORDS
    ),
}
"""What brings a new profile about, called without anybody's consent."""

READERS: dict[str, Callable[[], Any]] = {
    "profiles.profile.Profile.from_bytes": lambda: Profile.from_bytes(draft("old").to_bytes()),
    "profiles.profile.stored_copy": lambda: stored_copy(draft("old")),
    "profiles.vault.vault.Vault.load": lambda: vault_of_old().load("old"),
    "profiles.vault.vault.Vault.list": lambda: vault_of_old().list()[0],
    "profiles.vault.access.Access.load": lambda: vault_of_old()._access.load("old.vclp"),
    "synth.presets.find_voice": lambda: (vault_of_old(), find_voice("old", ()))[1][0],
    "serve.speakers.Speakers.find": lambda: served_old(),
}
"""What gives a profile that is there already: an old one may be looked at."""


def _accepted() -> Any:
    """Speech that the gate let pass."""
    from types import SimpleNamespace

    return SimpleNamespace(report=SimpleNamespace(accepted=True, reasons=()), windows=())


def public_callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function and method of the runtime."""
    for found in pkgutil.walk_packages(voicelet.__path__, "voicelet."):
        module = importlib.import_module(found.name)
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != found.name:
                continue
            where = f"{found.name.removeprefix('voicelet.')}.{name}"
            if inspect.isfunction(thing):
                yield where, thing
            elif inspect.isclass(thing):
                for method, value in vars(thing).items():
                    function = getattr(value, "__func__", value)
                    if not method.startswith("_") and inspect.isfunction(function):
                        yield f"{where}.{method}", function


CHECKED = {"synth.consent_check.check_consent"}
"""What gives a profile that may speak, and no other."""


def test_every_way_to_a_profile_is_known() -> None:
    ways = {
        where
        for where, function in public_callables()
        if re.search(r"(?<!\w)Profile\b", str(inspect.signature(function).return_annotation))
    }
    assert ways == set(MAKERS) | set(READERS) | CHECKED, "how does the new way ask for consent?"


@pytest.mark.parametrize("way", MAKERS)
def test_nobody_makes_a_profile_without_consent(way: str) -> None:
    with pytest.raises(ConsentError):
        MAKERS[way]()
    assert Vault().names() == []


@pytest.mark.parametrize("way", READERS)
def test_old_profiles_are_there_but_do_not_speak(way: str, voice: Voice) -> None:
    profile = READERS[way]()
    assert isinstance(profile, Profile) and profile.consent is None
    with pytest.raises(ConsentError, match="voicelet consent add"):
        voice.synthesize("hello", profile=profile)
    with pytest.raises(ConsentError, match="voicelet consent add"):
        Vault().save(profile)


def test_the_public_names_lead_through_these_doors(voice: Voice, tmp_path: Path) -> None:
    doors = {"Profile", "Vault", "Voice", "enrol", "explain", "write_labelled"}
    doors |= {"backup_profile", "restore_profile"}
    silent = {"Audio", "Bundle", "Chunk", "Detection", "Explanation", "FileSigner", "GateConfig"}
    silent |= {"GateReport", "Label", "MarkTiming", "SpeechOptions", "Verification", "VoiceInfo"}
    silent |= {"Consent", "ConsentRecord", "SpokenConsent", "WordTiming", "consent_sentence"}
    silent |= {"detect_watermark", "device_signer", "file_signer", "open_bundle"}
    silent |= {"read_credentials", "read_label", "verify_recording", "ThoroughSearch"}
    silent |= {"VoiceletError", "__version__", "errors"}
    assert set(voicelet.__all__) == doors | silent, "a new door? walk it below"
    with pytest.raises(ConsentError):
        voicelet.enrol([SAMPLE])
    bare = voicelet.Profile(
        **{k: getattr(draft(), k) for k in inspect.signature(Profile).parameters}
    )
    vault_of_old()
    with pytest.raises(ConsentError):
        voicelet.backup_profile(Vault(), "old", tmp_path / "f", WORDS)
    with pytest.raises(ConsentError):
        voicelet.restore_profile(Vault(), backup_of_old(), WORDS, name="new")
    for profile in (bare, without_consent(someone())):
        with pytest.raises(ConsentError):
            voice.synthesize("hello", profile=profile)
        with pytest.raises(ConsentError):
            voicelet.explain(voice, "hello", profile=profile)
        with pytest.raises(ConsentError):
            voicelet.write_labelled(tmp_path / "a.wav", voice, "hello", profile=profile)
        assert not list(tmp_path.iterdir())
        with pytest.raises(ConsentError):
            Vault().save(profile)
        with pytest.raises(ConsentError):
            voicelet.Profile.from_bytes(profile.to_bytes()).check_consent()


def test_whatever_takes_a_profile_to_speak_asks(voice: Voice) -> None:
    asked = []
    assert SpeechOptions().purpose == "own-use"
    for name, method in inspect.getmembers(Voice, inspect.isfunction):
        parameters = inspect.signature(method).parameters
        if name.startswith("_") or "profile" not in parameters:
            continue
        assert "settings" in parameters, name
        for profile, purpose in [(draft(), "own-use"), (someone(), "publishing")]:
            with pytest.raises(ConsentError):
                method(voice, "həlˈO", profile=profile, purpose=purpose)
        asked.append(name)
    assert {"stream", "synthesize", "synthesize_phones"} <= set(asked)


# ---------------------------------------------------------------- the command line

BOOK = "Chapter one.\n\nHello world."
MAKING = {
    "enrol": ("ana", str(SAMPLE)),
    "enroll": ("ana", str(SAMPLE)),
    "consent add": ("old",),
    "consent renew": ("old",),
    "profiles import": ("sealed.bin",),
    "demo": ("--recordings", str(SAMPLE.parent), "-o", "demo.wav"),
}
THROUGH_ENROL = {"record": "voicelet.cli.record"}
"""Commands that listen first, and hand what they heard to `voicelet enrol`; their modules."""
SPEAKING = {
    "say": ("hello", "--voice", "old", "-o", "out.wav", "--bundle", "BUNDLE"),
    "read": ("book.txt", "--voice", "old", "-o", "book", "--format", "wav", "--bundle", "BUNDLE"),
    "bench": ("--voice", "old", "--text", "hello", "--bundle", "BUNDLE"),
    "explain": ("hello", "--voice", "old", "--bundle", "BUNDLE"),
    "profiles export": ("old", "--to", "key.txt", "-o", "out.bin"),
    "profiles backup": ("old", "-o", "old.backup", "--backup-passphrase-file", "words.txt"),
    "adapt": ("old", "."),
}
NEITHER = re.compile(
    r"(voices|info|erase|audit|detect|verify|protected|pack)( .*)?"
    r"|profiles( (list|key|restore|rotate-key|delete))?|consent (show|revoke|repair|verify)"
    r"|consent (trust|untrust|signers|countersign|attach)"
    r"|serve|speechd"  # what they speak as is refused in tests/serve/test_every_server_marks
)
"""Commands that neither make a profile nor use one's voice."""


def leaves(parser: argparse.ArgumentParser, prefix: str = "") -> Iterator[str]:
    """Every command with its actions: "consent add"."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in below:
        for name, child in action.choices.items():
            yield from leaves(child, f"{prefix} {name}".strip())
    if prefix and not (below and below[0].required):
        yield prefix


def test_every_command_is_known() -> None:
    found = set(leaves(build_parser()))
    known = {*MAKING, *SPEAKING, *THROUGH_ENROL}
    unknown = {c for c in found - known if not NEITHER.fullmatch(c)}
    assert not unknown, "does the new command make a profile, or speak as one? say so here"
    assert set(MAKING) <= found and set(SPEAKING) - {"adapt"} <= found
    for module in THROUGH_ENROL.values():
        tree = ast.parse(Path(importlib.import_module(module).__file__ or "").read_text())
        assert list(calls("enrol_and_save", tree))
        assert not [*calls("make_profile", tree), *calls("enrol", tree), *calls("Profile", tree)]


@pytest.mark.parametrize("command", [*MAKING, *SPEAKING])
def test_no_command_does_without_consent(
    command: str,
    voice: Voice,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if command not in set(leaves(build_parser())):
        pytest.skip("its package isn't installed")
    if command == "adapt":
        pytest.importorskip("torch")
    vault_of_old()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sealed.bin").write_bytes(sealed_old())
    (tmp_path / "book.txt").write_text(BOOK)
    (tmp_path / "words.txt").write_text(WORDS)
    assert main(["profiles", "key", "-o", "key.txt"]) == 0
    before = {p: p.stat().st_mtime_ns for p in Vault().path.rglob("*") if p.is_file()}
    given = {**MAKING, **SPEAKING}[command]
    arguments = [str(voice.bundle.root) if a == "BUNDLE" else a for a in given]
    assert main([*command.split(), *arguments]) == REFUSED
    assert "onsent" in capsys.readouterr().err
    after = {p: p.stat().st_mtime_ns for p in Vault().path.rglob("*") if p.is_file()}
    assert set(before) <= set(after) and Vault().names() == ["old"]
    assert not [p for p in tmp_path.rglob("*") if p.suffix in {".wav", ".opus"}]
    assert Vault().load("old") == draft("old")


# ---------------------------------------------------------------- the sources


def calls(name: str, tree: ast.AST) -> Iterator[ast.Call]:
    """Calls of `name(…)` or `….name(…)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if getattr(called, "id", None) == name or getattr(called, "attr", None) == name:
                yield node


def python_sources() -> Iterator[tuple[str, ast.Module]]:
    """Everything that runs: packages, benchmarks and what the pages tell people to type."""
    for folder in ("sdk", "export", "federated", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if re.search(r"\benrol\(|\bProfile\b", text):  # reading all of them takes long
                yield str(path.relative_to(ROOT)), ast.parse(text)
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        for code in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield page.name, ast.parse(code)


def test_every_caller_hands_consent_on() -> None:
    enrolling, making = set(), set()
    for where, tree in python_sources():
        for call in calls("enrol", tree):
            assert "consent" in {k.arg for k in call.keywords}, f"{where}:{call.lineno}"
            enrolling.add(where)
        for call in calls("Profile", tree):
            assert "consent" in {k.arg for k in call.keywords}, f"{where}:{call.lineno}"
            making.add(where)
    assert making == {"sdk/voicelet/enrolment/enrolment.py"}, "who else makes profiles?"
    expected = {
        "README.md",
        "consent.md",
        "enrolment.md",
        "python.md",
        "benchmarks/arm64_check.py",
        "benchmarks/peers/voicelet_child.py",
        "benchmarks/peers/voicelet_system.py",
        "sdk/voicelet/cli/demo.py",
        "sdk/voicelet/cli/enrol.py",
    }
    assert expected <= enrolling


def test_profiles_are_parsed_in_few_places_and_by_class_in_one() -> None:
    parsing, cloning = set(), []
    for where, tree in python_sources():
        if not where.endswith(".py"):
            continue
        parsing |= {where for c in calls("from_bytes", tree) if "Profile" in ast.unparse(c.func)}
        if where.endswith("profiles/profile.py"):
            cloning += calls("cls", tree)
    assert parsing == {
        "sdk/voicelet/profiles/backup.py",  # for its name
        "sdk/voicelet/profiles/vault/admission.py",  # before it is taken in
        "sdk/voicelet/profiles/vault/session.py",  # for the id of its consent
        "sdk/voicelet/profiles/transfer.py",
        "sdk/voicelet/profiles/vault/vault.py",
        "sdk/voicelet/profiles/vault/access.py",
        "sdk/voicelet/profiles/profile.py",  # a copy of what was checked
    }
    assert len(cloning) == 1 and "consent" in {k.arg for k in cloning[0].keywords}


def test_with_consent_all_of_it_works(voice: Voice) -> None:
    """The tests above would pass if nothing ever worked."""
    profile = give_consent(vault_of_old().load("old"), scripted())
    Vault().save(profile)
    assert Vault().load("old").check_record().purposes == ("own-use",)
    assert voice.synthesize("hello", profile=Vault().load("old")).seconds > 0.1
