"""The device's ledger: refuses, remembers, and survives kills, old copies and full disks."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from voicelet.errors import ConfigError, ConsentEndedError, ConsentError, VoiceletError
from voicelet.trust.audit.device_log import default_log
from voicelet_federated import ledger as module
from voicelet_federated.app.spend import open_ledger
from voicelet_federated.cli.ledger import add_ledger_command
from voicelet_federated.errors import BudgetError
from voicelet_federated.ledger import PURPOSE, DeviceLedger, FederationConsent
from voicelet_federated.privacy.accounting import rdp_epsilon
from voicelet_federated.privacy.skellam import NoiseShare

KEY = bytes(range(32))
SHARE = NoiseShare(1.0, 3.0, 10, 256)
ROOT = Path(__file__).parents[2]


def granted(path: Path, rounds: int = 100, epsilon: float = 100.0, **more: object) -> DeviceLedger:
    ledger = DeviceLedger(path, KEY, **more)  # type: ignore[arg-type]
    ledger.grant(FederationConsent(PURPOSE, rounds, epsilon, time.time() + 1e4))
    return ledger


def test_pays_by_the_accountant_and_remembers(tmp_path: Path) -> None:
    ledger = granted(tmp_path / "l")
    spent = [ledger.join(SHARE, "r", i) for i in range(3)]
    assert spent == [pytest.approx(rdp_epsilon(SHARE.rdp, k), abs=1e-9) for k in (1, 2, 3)]
    again = DeviceLedger(tmp_path / "l", KEY)
    assert again.epsilon == pytest.approx(spent[-1])
    assert [e.round for e in again.entries] == [0, 1, 2]
    assert b"round" not in (tmp_path / "l").read_bytes()
    assert (tmp_path / "l").stat().st_mode & 0o77 == 0


def test_refuses_beyond_rounds_and_epsilon_over_all_consents(tmp_path: Path) -> None:
    ledger = granted(tmp_path / "l", rounds=2)
    ledger.join(SHARE, "a", 1)
    ledger.join(SHARE, "b", 1)
    with pytest.raises(BudgetError, match="as many"):
        ledger.join(SHARE, "c", 1)
    limit = rdp_epsilon(SHARE.rdp, 3) + 1e-6
    ledger.revoke()
    ledger.grant(FederationConsent(PURPOSE, 100, limit, time.time() + 1e4))
    ledger.join(SHARE, "c", 1)
    with pytest.raises(BudgetError, match="epsilon"):
        ledger.join(SHARE, "d", 1)
    with pytest.raises(BudgetError):
        ledger.join(NoiseShare(1.0, 0.0, 10, 256), "d", 1)
    assert len(DeviceLedger(tmp_path / "l", KEY).entries) == 3


def test_consent_is_needed_and_ends(tmp_path: Path) -> None:
    now = [1000.0]
    ledger = DeviceLedger(tmp_path / "l", KEY, clock=lambda: now[0])
    with pytest.raises(ConsentError, match="nobody has agreed"):
        ledger.join(SHARE, "r", 1)
    ledger.revoke()  # of nothing is no withdrawal
    assert not ledger.withdrawn
    ledger.grant(FederationConsent(PURPOSE, 5, 50.0, 2000.0))
    with pytest.raises(ConsentError, match="not to"):
        ledger.join(SHARE, "r", 1, "advertising")
    ledger.join(SHARE, "r", 1)
    now[0] = 2500.0
    assert ledger.expired
    with pytest.raises(ConsentEndedError, match="expired"):
        ledger.may_join(SHARE)
    now[0] = 1500.0  # a clock set back, and a new start
    ledger = DeviceLedger(tmp_path / "l", KEY, clock=lambda: now[0])
    assert ledger.expired
    with pytest.raises(ConsentEndedError, match="expired"):
        ledger.join(SHARE, "r", 2)
    ledger.grant(FederationConsent(PURPOSE, 5, 50.0, 9000.0))
    ledger.join(SHARE, "r", 2)
    ledger.revoke()
    assert DeviceLedger(tmp_path / "l", KEY).withdrawn
    with pytest.raises(ConsentEndedError, match="withdrawn"):
        ledger.join(SHARE, "r", 3)
    assert len(ledger.entries) == 2
    with pytest.raises(ConfigError):
        FederationConsent(PURPOSE, 0, 1.0, 9000.0)


def test_changes_and_truncation_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "l"
    granted(path).join(SHARE, "r", 1)
    for file in (path, tmp_path / "l.count"):
        good = file.read_bytes()
        cut = [good[:n] for n in (0, 3, 12, len(good) // 2, len(good) - 1)]
        flips = [good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :] for i in range(0, len(good), 9)]
        for bad in cut + flips:
            file.write_bytes(bad)
            with pytest.raises(BudgetError):
                DeviceLedger(path, KEY)
        file.write_bytes(good)
    with pytest.raises(BudgetError):
        DeviceLedger(path, bytes(32))
    assert len(DeviceLedger(path, KEY).entries) == 1


def test_older_and_missing_files_are_noticed(tmp_path: Path) -> None:
    path, count = tmp_path / "l", tmp_path / "l.count"
    ledger = granted(path)
    old, old_count = path.read_bytes(), count.read_bytes()
    ledger.join(SHARE, "r", 1)
    ledger.join(SHARE, "r", 2)
    new = path.read_bytes()
    path.write_bytes(old)
    with pytest.raises(BudgetError, match="newest"):
        ledger.join(SHARE, "r", 3)
    path.unlink()
    with pytest.raises(BudgetError, match="newest"):
        DeviceLedger(path, KEY)
    path.write_bytes(new)
    count.write_bytes(old_count)
    with pytest.raises(BudgetError, match="newest"):
        DeviceLedger(path, KEY)
    count.unlink()
    with pytest.raises(BudgetError, match="newest"):
        DeviceLedger(path, KEY)


def test_two_processes_do_not_lose_each_others_payments(tmp_path: Path) -> None:
    one = granted(tmp_path / "l", rounds=3)
    two = DeviceLedger(tmp_path / "l", KEY)
    one.join(SHARE, "r", 1)
    two.join(SHARE, "r", 2)
    one.join(SHARE, "r", 3)
    with pytest.raises(BudgetError, match="as many"):
        two.join(SHARE, "r", 4)


def test_full_disk_means_no_joining(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = granted(tmp_path / "l")
    ledger.join(SHARE, "r", 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as m:
        m.setattr(os, "fsync", full)
        with pytest.raises(BudgetError, match="free some room"):
            ledger.join(SHARE, "r", 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["l", "l.count", "l.lock"]
    assert len(DeviceLedger(tmp_path / "l", KEY).entries) == 1
    ledger.join(SHARE, "r", 2)


def count_lost(write: Callable[..., None]) -> Callable[..., None]:
    def lost(file: object, path: Path, *args: bytes) -> None:
        if path.suffix == ".count":
            raise OSError(5, "gone")
        write(file, path, *args)

    return lost


def test_every_crash_between_writes_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before any of the writes of a payment, the ledger opens and goes on."""
    path = tmp_path / "l"
    granted(path)
    real = module.atomic_file
    # Of the ledger and its counter; after a crash between them, of the counter that is behind.
    for step, behind, paid in (
        (0, False, 0),
        (1, False, 1),
        (0, True, 0),
        (1, True, 0),
        (2, True, 1),
    ):
        if behind:
            with monkeypatch.context() as m:
                m.setattr(module.LedgerFile, "_write", count_lost(module.LedgerFile._write))
                with pytest.raises(BudgetError):
                    DeviceLedger(path, KEY).join(SHARE, "r", 0)
        done = [0]

        def dies(*args: object, follow: bool, step: int = step, done: list[int] = done) -> object:
            done[0] += 1
            if done[0] > step:
                raise OSError(5, "gone")
            return real(*args, follow=follow)  # type: ignore[arg-type]

        ledger = DeviceLedger(path, KEY)
        before = len(ledger.entries)
        with monkeypatch.context() as m:
            m.setattr(module, "atomic_file", dies)
            with pytest.raises(BudgetError):
                ledger.join(SHARE, "r", step)
        assert len(DeviceLedger(path, KEY).entries) == before + paid
        DeviceLedger(path, KEY).join(SHARE, "r", step)


def test_kill_9_never_understates(tmp_path: Path) -> None:
    path = tmp_path / "l"
    granted(path, rounds=10**6, epsilon=1e9)
    script = (
        "import sys, pathlib\n"
        "from voicelet_federated.ledger import DeviceLedger\n"
        "from voicelet_federated.privacy.skellam import NoiseShare\n"
        "ledger = DeviceLedger(pathlib.Path(sys.argv[1]), bytes(range(32)))\n"
        "ledger._account = lambda e: type('A', (), {'pay': lambda s, x: 0.0})()\n"  # speed only
        "while True:\n"
        "    ledger.join(NoiseShare(1.0, 3.0, 10, 256), 'r', 1)\n"
        "    sys.stdout.write('.'); sys.stdout.flush()\n"
    )
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'sdk'}:{ROOT / 'federated'}"}
    rng, promised, killed = random.Random(0), 0, 0
    for _ in range(20):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, env=env
        )
        assert child.stdout is not None
        first = child.stdout.read(1)  # it is at work
        time.sleep(rng.uniform(0.0, 0.02))
        child.send_signal(signal.SIGKILL)
        promised += len(first) + len(child.stdout.read())
        killed += child.wait() == -signal.SIGKILL
        child.stdout.close()
        entries = len(DeviceLedger(path, KEY).entries)
        # A payment may be written and not yet reported; at most one for each kill.
        assert promised <= entries <= promised + killed
    assert killed == 20 and promised >= 20


def command(state: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    parser = argparse.ArgumentParser()
    add_ledger_command(parser.add_subparsers())

    def run(*words: str) -> str:
        args = parser.parse_args(["ledger", "--state", str(state), *words])
        args.run(args)
        return capsys.readouterr().out

    return run


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = command(tmp_path / "s", capsys)
    assert "consent: none" in run()
    assert "4 rounds, epsilon 9.500" in run("--consent", "--rounds", "4", "--epsilon", "9.5")
    assert "10 rounds, epsilon 8.000" in run("--consent")
    ledger = open_ledger(tmp_path / "s")
    one = ledger.join(SHARE, "a", 1)
    two = ledger.join(SHARE, "b", 1)
    told = json.loads(run("--json"))
    assert told["consent"] == "given" and told["agreed"]["rounds"] == 10
    assert told["spent"] == {"rounds": 2, "epsilon": pytest.approx(two), "delta": 1e-5}
    assert told["left"] == {"rounds": 8, "epsilon": pytest.approx(8.0 - two)}
    assert [(r["run"], r["joins"], r["epsilon"]) for r in told["runs"]] == [
        ("a", 1, pytest.approx(one)),
        ("b", 1, pytest.approx(one)),
    ]
    assert "consent: withdrawn" in run("--withdraw")
    assert json.loads(run("--json"))["left"] == {"rounds": 0, "epsilon": 0.0}
    noted = [r.event for r in default_log().records()]
    assert noted == ["consent", "consent", "revoke"]
    for words, why in (
        (["--rounds", "4"], "with --consent"),
        (["--consent", "--withdraw"], "eith"),
    ):
        with pytest.raises(VoiceletError, match=why):
            run(*words)
    (tmp_path / "s" / "ledger.key").unlink()
    with pytest.raises(BudgetError, match="missing"):
        run()
