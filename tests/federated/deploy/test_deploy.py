from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

import pytest

from voicelet.errors import ConfigError, ConsentError, ProfileNotFoundError
from voicelet_federated.app.spend import days_from_now, open_ledger
from voicelet_federated.cli.devices import add_join_command, add_keys_command
from voicelet_federated.cli.operator import add_certify_command, add_fleet_command
from voicelet_federated.deploy.address import Address, DeploymentError, free_port, is_healthy
from voicelet_federated.deploy.certificates import make_certificates, open_certificates
from voicelet_federated.deploy.flower import SuperLink, SuperNode, environment, take_part
from voicelet_federated.deploy.node_keys import node_key, write_public
from voicelet_federated.deploy.processes import ProcessError, Processes
from voicelet_federated.errors import BudgetError, CohortError, FederationError
from voicelet_federated.ledger import PURPOSE, FederationConsent
from voicelet_federated.privacy.skellam import NoiseShare


@pytest.mark.parametrize("text", ["9092", "host:", "host:x", "host:70000", ":1"])
def test_addresses_are_checked(text: str) -> None:
    with pytest.raises(DeploymentError, match="host:port"):
        Address.parse(text)


def test_addresses_are_read_and_written() -> None:
    assert str(Address.parse("[::1]:9092")) == "[::1]:9092"
    own = ("127.0.0.1:1", "[::1]:1", "localhost:1")
    assert all(Address.parse(text).is_loopback for text in own)
    others = ("0.0.0.0:1", "[::]:1", "192.168.0.7:1", "voice.example:1")
    assert not any(Address.parse(text).is_loopback for text in others)


def test_the_control_path_isnt_opened_to_others(tmp_path: Path) -> None:
    make_certificates(tmp_path / "tls", ["0.0.0.0"])
    with Processes(tmp_path / "logs") as processes:
        with pytest.raises(DeploymentError, match="could push code to every device"):
            SuperLink(processes, tmp_path, Address("0.0.0.0", 9092))
        SuperLink(processes, tmp_path, Address("0.0.0.0", 9092), guarded=True)


def test_processes_have_their_own_home_and_tell_nobody(tmp_path: Path) -> None:
    told = environment(tmp_path / "home")
    assert told["FLWR_HOME"] == str((tmp_path / "home").resolve())
    assert told["FLWR_TELEMETRY_ENABLED"] == "0" and told["FLWR_DISABLE_UPDATE_CHECK"] == "1"


def test_a_device_needs_the_operators_ca(tmp_path: Path) -> None:
    key, _ = node_key(tmp_path)
    node = SuperNode("n", tmp_path, Address(), tmp_path / "ca.pem", key, {})
    with Processes(tmp_path / "logs") as processes, pytest.raises(FederationError, match="ask for"):
        node.start(processes)


def test_a_real_superlink_answers_with_tls_and_takes_registered_nodes(tmp_path: Path) -> None:
    pytest.importorskip("flwr")
    files = make_certificates(tmp_path / "tls")
    _, public = node_key(tmp_path / "node")
    with Processes(tmp_path / "logs") as processes:
        link = SuperLink(processes, tmp_path, Address("127.0.0.1", free_port()))
        link.start()
        assert is_healthy(link.address, files.ca)
        with pytest.raises(DeploymentError, match="can't be listened on"):
            link.start()
        link.register(public)
        link.register(public)  # known already: no error
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((link.address.host, link.address.port))


def test_a_device_gives_up_as_often_as_it_was_told(tmp_path: Path) -> None:
    files = make_certificates(tmp_path / "tls")
    key, _ = node_key(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens, so that nobody else can
        nobody = Address("127.0.0.1", taken.getsockname()[1])
        node = SuperNode("n", tmp_path, nobody, files.ca, key, {})
        with pytest.raises(ProcessError, match="doesn't answer"):
            take_part(node, max_retries=0)


def test_nobody_joins_without_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("flwr")
    from tests.federated.tiny_federation import keep_voice
    from voicelet_federated.app.devices import load_identity
    from voicelet_federated.app.floor import Floor, sign_floor

    files = make_certificates(tmp_path / "tls")
    for name in ("roster", "base", "speech"):
        (tmp_path / name).mkdir()
    operator = load_identity(tmp_path / "operator")
    write_public(operator.public_key(), tmp_path / "operator.pem")
    (tmp_path / "fleet.json").write_bytes(sign_floor(Floor(20, 10), operator))
    parser = argparse.ArgumentParser()
    add_join_command(parser.add_subparsers())
    given = ["--superlink", f"127.0.0.1:{free_port()}", "--ca", str(files.ca), "--profile", "ana"]
    for name in ("operator", "roster", "base", "speech", "state"):
        given += [f"--{name}", str(tmp_path / (name + ".pem" * (name == "operator")))]

    def join(*words: str) -> None:
        args = parser.parse_args(["join", *given, *words])
        args.run(args)

    fleet = ("--fleet", str(tmp_path / "fleet.json"))
    with open(os.devnull) as nobody, monkeypatch.context() as m:
        m.setattr(sys, "stdin", nobody)
        with pytest.raises(ProfileNotFoundError):
            join(*fleet)
        keep_voice("ana", "own-use")
        with pytest.raises(ConsentError, match="not to federation"):
            join(*fleet)
        keep_voice("ana", "federation")
        with pytest.raises(CohortError, match="ask the operator for the fleet's file"):
            join()
        with pytest.raises(ConsentError, match="add --consent"):
            join(*fleet)
        with pytest.raises(ConsentError, match="add --consent"):
            join()  # the floor is kept
        assert not (tmp_path / "state" / "speech").exists()
        for words in (
            ["--honest", "-1"],
            ["--least-battery", "7"],
            ["--time-limit-s", "0"],
            ["--rounds", "3"],
        ):
            with pytest.raises(ConfigError):
                join(*words)
    open_ledger(tmp_path / "state").grant(FederationConsent(PURPOSE, 1, 100.0, days_from_now(1.0)))
    open_ledger(tmp_path / "state").join(NoiseShare(1.0, 3.0, 10, 256), "r", 1)
    with pytest.raises(BudgetError, match="agrees to more"):
        join()


def test_keys_and_certificates_are_made_by_commands(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("flwr")
    from voicelet_federated.app.devices import load_identity, load_roster
    from voicelet_federated.app.floor import Floor, load_floor

    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    add_certify_command(commands)
    add_fleet_command(commands)
    add_keys_command(commands)
    told = ["certify", "--state", str(tmp_path / "s"), "--host", "127.0.0.1", "--host", "a.example"]
    args = parser.parse_args(told)
    args.run(args)
    open_certificates(tmp_path / "s" / "tls", "a.example")
    args = parser.parse_args(
        ["fleet", "--state", str(tmp_path / "s"), "--minimum", "20", "--honest", "10"]
    )
    args.run(args)
    assert load_floor(tmp_path / "s", load_identity(tmp_path / "s").public_key()) == Floor(20, 10)
    args = parser.parse_args(["keys", "--state", str(tmp_path / "d"), "--out", str(tmp_path / "o")])
    args.run(args)
    names = sorted(p.name for p in (tmp_path / "o").iterdir())
    number = names[0].partition(".")[0]
    assert names == [f"{number}.key.pub", f"{number}.pem"]
    assert list(load_roster(tmp_path / "o")) == [int(number, 16)]
    for file in (tmp_path / "o").iterdir():
        assert b"PRIVATE" not in file.read_bytes()
