"""Commands killed at random moments: nothing lost, nothing half-written, nothing left behind.

`VOICELET_KILLS=1000 VOICELET_TERMS=200 pytest tests/kills` for the figures of
docs/reference/profiles.md; the test run itself does a few of each.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.consenting import draft, scripted
from voicelet import files
from voicelet.audio.io import read_audio
from voicelet.enrolment.consent import give_consent
from voicelet.errors import ConsentEndedError
from voicelet.files import atomic_file
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.vault import Vault
from voicelet.synth.consent_check import check_consent
from voicelet.trust.audit import device_log
from voicelet.trust.audit.device_log import default_log
from voicelet.trust.consent import revocations

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("runner.py")
SAMPLES = sorted((ROOT / "samples").glob("reader-*.opus"))
READ = (
    "I had a great time",
    "That was certainly as tough day in my life",
    "And of course it happens that way",
    "There was no reason to take him out",
    "And if so will is the real one",
    "Am I not allowed to leave my house",
    "Ready to get down to business",
    "Get me out of here please",
    "We can never have too many friends",
)
XDG = {"XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache"}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


def environment(home: Path) -> dict[str, str]:
    """The variables under which `home` is all that voicelet knows of."""
    paths = os.pathsep.join(str(ROOT / part) for part in ("sdk", "export", "federated"))
    folders = {name: str(home / part) for name, part in XDG.items()}
    return {**os.environ, "HOME": str(home), "PYTHONPATH": paths, **folders}


@contextlib.contextmanager
def living_in(home: Path) -> Iterator[None]:
    """Have this process use the folders of `home`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        for name, part in XDG.items():
            patch.setenv(name, str(home / part))
        revocations._shared.cache_clear()  # it remembers lists of before, as it should
        try:
            yield
        finally:
            device_log._RECORDER.discard()


@dataclass(frozen=True)
class Command:
    """A command to kill.

    Attributes:
        arguments: what follows `voicelet`; `{home}` is its folder.
        changes: profiles that it may change or destroy.
        needs: a module without which it isn't run.
    """

    arguments: tuple[str, ...]
    changes: frozenset[str] = field(default=frozenset())
    needs: str = "voicelet"


ENROL = (*map(str, SAMPLES[:3]), "--scripted-consent", "a test", "--speaker", "Ana Silva")
COMMANDS = {
    "say": Command(("say", "Good morning. It rains.", "--voice", "ana", "-o", "{home}/out/a.wav")),
    "enrol": Command(("enrol", "new", *ENROL), frozenset({"new"})),
    "save": Command(("enrol", "ana", *ENROL, "--replace"), frozenset({"ana"})),
    "adapt": Command(("adapt", "ana", "{home}/read", "--steps", "4"), frozenset({"ana"}), "torch"),
    "erase": Command(("erase", "ben", "--yes"), frozenset({"ben"})),
    "rotate": Command(("profiles", "rotate-key", "--protect", "file")),
    "revoke": Command(("consent", "revoke", "ben", "--reason", "a test")),
    "audit": Command(("audit", "rotate")),
}


@dataclass(frozen=True)
class State:
    """What a home holds."""

    profiles: dict[str, Profile]
    revoked: frozenset[str]


def state_of(home: Path) -> State:
    """Read a home as its owner would, and check what must hold of any home at any time."""
    with living_in(home):
        vault = Vault()
        assert vault.damaged() == {}
        profiles = {profile.name: profile for profile in vault.list()}
        assert default_log().check().problems == ()
        return State(profiles, frozenset(n for n, p in profiles.items() if is_revoked(p)))


def is_revoked(profile: Profile) -> bool:
    try:
        check_consent(profile, "own-use")
    except ConsentEndedError:
        return True
    return False


def temporary_files(home: Path) -> list[str]:
    """Whatever isn't meant to stay."""
    return sorted(
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.suffix in (".part", ".tmp") or path.name.startswith((".tmp", "tmp"))
    )


def run(home: Path, command: Command, number: int = 0, count: int = 0) -> subprocess.Popen[bytes]:
    """Start a command that sends itself the signal `number` at its operation `count`."""
    arguments = [a.format(home=home) for a in command.arguments]
    return subprocess.Popen(
        [sys.executable, str(RUNNER), str(number), str(count), *arguments],
        env=environment(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@dataclass(frozen=True)
class Home:
    """A folder that is set back to how it was; always the same one, for a log knows its place."""

    folder: Path
    saved: Path

    def reset(self) -> Path:
        """As before any command."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.saved, self.folder)
        return self.folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Ana is enrolled from recordings, Ben and Cy are two others; Cy has withdrawn the consent."""
    folder = tmp_path_factory.mktemp("people") / "home"
    folder.mkdir()
    (folder / "out").mkdir()
    (folder / "read").mkdir()
    for sample, words in zip(SAMPLES, READ, strict=True):
        shutil.copy(sample, folder / "read")
        (folder / "read" / sample.with_suffix(".txt").name).write_text(words)
    enrol = run(folder, Command(("enrol", "ana", *ENROL)))
    assert enrol.communicate() and enrol.returncode == 0
    with living_in(folder):
        vault = Vault()
        for name in ("ben", "cy"):
            vault.save(give_consent(draft(name), scripted(name)))
    revoke = run(folder, Command(("consent", "revoke", "cy")))
    assert revoke.communicate() and revoke.returncode == 0
    assert state_of(folder).revoked == {"cy"}
    shutil.copytree(folder, folder.with_name("saved"))
    return Home(folder, folder.with_name("saved"))


@dataclass(frozen=True)
class Undisturbed:
    """A command that nobody kills: how long it takes, what it does and what comes of it."""

    seconds: float
    operations: int
    before: State
    after: State


def undisturbed(home: Home, command: Command) -> Undisturbed:
    folder = home.reset()
    before = state_of(folder)
    begun = time.monotonic()
    process = run(folder, command)
    _, err = process.communicate()
    assert process.returncode == 0, err.decode()
    return Undisturbed(time.monotonic() - begun, int(err.split()[-1]), before, state_of(folder))


def same_voice(a: Profile | None, b: Profile | None) -> bool:
    """Whether two are one person's, whatever moment they were made at."""
    if a is None or b is None:
        return a is b
    return a.name == b.name and a.voice_sha256 == b.voice_sha256


def check(home: Path, command: Command, plain: Undisturbed, finished: bool) -> None:
    """What was there is there, and what was begun is done or isn't."""
    now = state_of(home)
    for name in plain.before.profiles.keys() | plain.after.profiles.keys():
        found = now.profiles.get(name)
        allowed = [plain.after] if finished else [plain.before, plain.after]
        if name not in command.changes:
            allowed = [plain.before]
        if not any(same_voice(found, state.profiles.get(name)) for state in allowed):
            pytest.fail(f"{name}, {finished=}: {found}, not one of {allowed}")
    assert plain.before.revoked - command.changes <= now.revoked, "a withdrawn consent came back"
    assert now.revoked <= plain.before.revoked | plain.after.revoked
    assert not finished or now.revoked == plain.after.revoked
    for file in (home / "out").glob("[!.]*"):
        assert read_audio(file).samples.size > 24000, "half a file"


def disturb(
    home: Path,
    command: Command,
    plain: Undisturbed,
    number: signal.Signals,
    rng: random.Random,
) -> str:
    """Kill a command at a random operation on files or a random time; returns how it ended."""
    at_operation = rng.random() < 0.6
    count = rng.randint(1, plain.operations) if at_operation else 0
    process = run(home, command, int(number), count)
    if not at_operation:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.0, plain.seconds))
        process.send_signal(number)
    _, err = process.communicate()
    finished = process.returncode == 0
    # 128 and the signal's number where the process was stuck in a library and gave up waiting.
    assert finished or process.returncode in (-number, 128 + number), err.decode()
    if number == signal.SIGKILL:  # nobody could tidy up: the next process that writes there does
        files._looked_through.clear()
        for folder in {(home / file).parent for file in temporary_files(home)}:
            with atomic_file(folder / "next.txt"):
                pass
            (folder / "next.txt").unlink()
    assert temporary_files(home) == [], f"{number.name}, {process.returncode}, {count}"
    check(home, command, plain, finished)
    return "finished" if finished else "at an operation" if at_operation else "at a time"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_loses_nothing(name: str, home: Home) -> None:
    command = COMMANDS[name]
    if importlib.util.find_spec(command.needs) is None:
        pytest.skip(f"{command.needs} isn't installed")
    plain = undisturbed(home, command)
    rng = random.Random(name)
    kills = -(-int(os.environ.get("VOICELET_KILLS", "16")) // len(COMMANDS))
    terms = -(-int(os.environ.get("VOICELET_TERMS", "8")) // len(COMMANDS))
    ends: Counter[str] = Counter()
    for number, times in ((signal.SIGKILL, kills), (signal.SIGTERM, terms)):
        for _ in range(times):
            how = disturb(home.reset(), command, plain, number, rng)
            ends[f"{number.name} {how}"] += 1
    print(f"{name}: {json.dumps(ends)}")
