"""What `status` tells of a run and of a device, whole or broken."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from tests.federated import tiny_federation
from tests.federated.tiny_federation import Federation
from voicelet.errors import ConfigError
from voicelet_federated.app.checkpoint import read_state
from voicelet_federated.app.spend import days_from_now, open_ledger
from voicelet_federated.cli.status import add_status_command, status_of
from voicelet_federated.deploy.certificates import make_certificates
from voicelet_federated.errors import FederationError
from voicelet_federated.ledger import PURPOSE, FederationConsent
from voicelet_federated.privacy.skellam import NoiseShare

Make = Callable[..., Federation]


def run(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> str:
    parser = argparse.ArgumentParser()
    add_status_command(parser.add_subparsers())
    args = parser.parse_args(["status", "--state", str(folder), *words])
    args.run(args)
    return capsys.readouterr().out


def test_a_run(
    tiny_parts: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from voicelet_federated.app.config import SIMULATION

    monkeypatch.setenv(SIMULATION, "1")
    held_out = tmp_path / "held-out.json"
    held_out.write_text('["s3"]')
    monkeypatch.setattr(tiny_federation, "DEVICES", 3)
    config = tiny_federation.CONFIG
    made = Federation(tmp_path / "run", *tiny_parts, config=config, held_out=held_out)
    made.run()
    told = json.loads(run(capsys, made.folder, "--json"))
    assert told["side"] == "server" and told["whole"]
    assert told["rounds"] == {"done": 1, "failed": 0, "open": 0}
    state = read_state(made.folder)
    assert told["epsilon_spent"] == pytest.approx(state.spent(made.config)) and state.rounds
    assert told["joins"] == {"devices": 3, "most": 1} and told["agreed"]["joins"] == 2
    assert told["agreed"]["cohort"] == 4 and told["last_round"]["opened"] == 3
    assert told["held_out"]["after"]["mel"] == state.rounds[-1].held_out["mel"]
    assert told["files"] == {"run.json": "whole", "report.json": "whole"}
    text = run(capsys, made.folder)
    assert "rounds: 1 done, 0 failed" in text and "mel" in text and "masking on" in text


def test_a_run_without_noise_and_its_failures(
    federation: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    made = federation(epsilon=math.inf)
    for name in ("s0", "s1"):
        open_ledger(made.folder / "devices" / name).revoke()
    made.run()
    told = json.loads(run(capsys, made.folder, "--json"))
    assert told["refusals"] == {"consent": 2} and told["rounds"]["failed"] == 1
    assert told["agreed"]["epsilon"] is None and told["epsilon_spent"] == 0.0
    text = run(capsys, made.folder)
    assert "2 consent" in text and "fewer than the minimum" in text and "without bound" in text
    for name in ("s0", "s1"):
        open_ledger(made.folder / "devices" / name).grant(
            FederationConsent(PURPOSE, 9, math.inf, days_from_now(1.0))
        )
    made.restart(rounds=2)
    made.run()
    assert status_of(made.folder)["epsilon_spent"] is None


def test_a_run_that_was_killed(federation: Make) -> None:
    class Killed(BaseException):
        pass

    made = federation()

    def kill(message: Any, send: Any) -> bytes:
        if message.metadata.message_type == "train":
            raise Killed
        from voicelet_federated.app.grid import to_wire

        return send(to_wire(message, message.metadata.message_id))

    made.grid.fault = kill
    with pytest.raises(Killed):
        made.run(kill)
    (made.folder / "report.json").unlink()
    told = status_of(made.folder)
    assert told["rounds"]["open"] == 1 and told["whole"]
    assert told["epsilon_spent"] > 1.0 and "missing" in told["files"]["report.json"]


def test_broken_files_are_told_of(federation: Make, capsys: pytest.CaptureFixture[str]) -> None:
    made = federation()
    made.run()
    report = made.folder / "report.json"
    whole = report.read_text()
    for text in ("{", "[]", '{"guarantee": 3}', whole[:-9]):
        report.write_text(text)
        told = status_of(made.folder)
        assert not told["whole"] and told["files"]["report.json"].startswith("broken")
        assert told["rounds"]["done"] == 1
    report.write_text(whole)
    (made.folder / "run.json").write_text("{")
    with pytest.raises(FederationError, match="run.json"):
        run(capsys, made.folder)
    assert "masking on" in capsys.readouterr().out


def test_a_server_before_its_first_run(tmp_path: Path) -> None:
    make_certificates(tmp_path / "tls", ["127.0.0.1"], 30)
    told = status_of(tmp_path)
    assert told["side"] == "server" and told["whole"] and "rounds" not in told
    assert told["files"]["tls/server.pem"].startswith("good until")
    assert told["files"]["identity.pem"].startswith("missing")
    (tmp_path / "tls" / "server.pem").write_text("none")
    assert not status_of(tmp_path)["whole"]


def test_a_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="neither"):
        status_of(tmp_path)
    (tmp_path / "node.key").write_text("key")
    (tmp_path / "node.key").chmod(0o600)
    told = status_of(tmp_path)
    assert told["consent"] == "none" and sorted(p.name for p in tmp_path.iterdir()) == ["node.key"]
    ledger = open_ledger(tmp_path)
    ledger.grant(FederationConsent(PURPOSE, 3, 8.0, days_from_now(9.0)))
    spent = ledger.join(NoiseShare(1.0, 3.0, 10, 256), "r", 1)
    told = json.loads(run(capsys, tmp_path, "--json"))
    assert told["side"] == "device" and told["left"]["epsilon"] == pytest.approx(8.0 - spent)
    assert told["left"]["rounds"] == 2 and told["files"]["ledger.key"] == "there"
    assert "left: 2 rounds" in run(capsys, tmp_path)
    (tmp_path / "node.key").chmod(0o644)
    assert "others may read" in status_of(tmp_path)["files"]["node.key"]
    (tmp_path / "ledger").write_bytes(b"VLLG\x01 nonsense")
    with pytest.raises(FederationError, match=r"ledger, node\.key"):
        run(capsys, tmp_path)
