"""`voicelet-federated certify|keys|serve|join`: a federation of real devices."""

from __future__ import annotations

import argparse
import logging
import math
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError

_FIRST_PAUSE_S, _LAST_PAUSE_S = 2.0, 60.0
_LIVED_S = 60.0

log = logging.getLogger(__name__)


def add_certify_command(commands: Any) -> None:
    """Add `certify` to the command line."""
    parser = commands.add_parser("certify", help="make or renew the server's TLS certificate")
    parser.add_argument("--state", type=Path, required=True, help="the server's folder")
    parser.add_argument(
        "--host",
        action="append",
        required=True,
        help="name or address that devices call; also 127.0.0.1 behind a proxy; may be repeated",
    )
    parser.add_argument("--days", type=int, default=365, help="that the certificate is good for")
    parser.set_defaults(run=_certify)


def add_keys_command(commands: Any) -> None:
    """Add `keys` to the command line."""
    parser = commands.add_parser("keys", help="make a device's two keys; hand over the public ones")
    parser.add_argument("--state", type=Path, required=True, help="the device's folder")
    parser.add_argument("--out", type=Path, help="put the public ones there")
    parser.set_defaults(run=_keys)


def add_serve_command(commands: Any) -> None:
    """Add `serve` to the command line."""
    parser = commands.add_parser("serve", help="a SuperLink, and a run on the devices registered")
    parser.add_argument("--state", type=Path, required=True, help="the server's folder, certified")
    parser.add_argument("--listen", default="127.0.0.1:9092", help="host:port")
    parser.add_argument(
        "--guarded",
        action="store_true",
        help="another host than this machine's own is all right: a firewall or an OIDC provider "
        "keeps everybody from /v1/control/",
    )
    parser.add_argument("--nodes", type=Path, required=True, help="folder of node keys (*.key.pub)")
    parser.add_argument("--roster", type=Path, required=True, help="folder of identities (*.pem)")
    parser.add_argument("--base", type=Path, required=True, help="the acoustic model that learns")
    parser.add_argument("--config", type=Path, help="YAML of the run's terms (FederationConfig)")
    parser.add_argument("--hours", type=float, default=24.0, help="for the run before it is ended")
    parser.set_defaults(run=_serve)


def add_join_command(commands: Any) -> None:
    """Add `join` to the command line."""
    parser = commands.add_parser("join", help="this device takes part until it is stopped")
    parser.add_argument("--superlink", required=True, metavar="HOST:PORT")
    parser.add_argument("--ca", type=Path, required=True, help="the operator's CA certificate")
    parser.add_argument("--operator", type=Path, required=True, help="public key of assignments")
    parser.add_argument("--roster", type=Path, required=True, help="public keys of all devices")
    parser.add_argument("--base", type=Path, required=True, help="the acoustic model that learns")
    parser.add_argument(
        "--speech", type=Path, required=True, help="recordings with texts, or cache"
    )
    parser.add_argument("--speaker", default="", help="whose, if the cache holds several")
    parser.add_argument("--state", type=Path, required=True, help="the device's folder")
    parser.add_argument("--max-retries", type=int, help="failed starts in a row; for ever without")
    parser.set_defaults(run=_join)


def _certify(args: argparse.Namespace) -> None:
    from voicelet_federated.certificates import make_certificates, write_public
    from voicelet_federated.devices import load_identity

    made = make_certificates(args.state / "tls", args.host, args.days)
    operator = write_public(load_identity(args.state).public_key(), args.state / "operator.pem")
    sys.stdout.write(f"for devices: {made.ca}\nfor devices: {operator}\n")
    sys.stdout.write(f"keep elsewhere until the certificate is renewed: {made.ca.parent}/ca.key\n")


def _keys(args: argparse.Namespace) -> None:
    from voicelet_federated.certificates import node_key, write_public
    from voicelet_federated.devices import load_identity
    from voicelet_federated.protocol import device_id

    _, node = node_key(args.state)
    key = load_identity(args.state).public_key()
    name = f"{device_id(key):016x}"
    folder = args.out or args.state
    folder.mkdir(parents=True, exist_ok=True)
    identity = write_public(key, folder / f"{name}.pem")
    public = folder / f"{name}.key.pub"
    shutil.copyfile(node, public)
    sys.stdout.write(f"for the operator's --roster: {identity}\n")
    sys.stdout.write(f"for the operator's --nodes: {public}\n")


def _serve(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.tool_commands import settings
    from voicelet_federated.config import FederationConfig, Places, to_run_config
    from voicelet_federated.deploy import Address, SuperLink
    from voicelet_federated.processes import Processes
    from voicelet_federated.simulate import APP

    terms = settings(FederationConfig, args.config)
    keys = sorted(args.nodes.glob("*.pub"))
    if len(keys) < terms.least:
        raise ConfigError(
            f"{args.nodes} holds {len(keys)} node keys, a round needs {terms.least} devices"
        )
    places = Places(
        base=str(args.base.resolve()),
        state=str((args.state / "run").resolve()),
        roster=str(args.roster.resolve()),
        server_key=str((args.state / "identity.pem").resolve()),
    )
    with Processes(args.state / "logs") as processes:
        link = SuperLink(processes, args.state, Address.parse(args.listen), args.guarded)
        link.start()
        log.info("listening on %s; logs are in %s", link.address, processes.logs)
        for key in keys:
            link.register(key)
        log.info("%d devices are registered; the run begins", len(keys))
        link.run(APP, to_run_config(terms, places), args.hours * 3600.0)
    log.info("done; %s tells of it, `voicelet-federated export` makes its bundle", places.state)


def _join(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.prepare import Tools, prepare_data
    from voicelet_federated.certificates import node_key
    from voicelet_federated.deploy import Address, SuperNode, is_healthy
    from voicelet_federated.devices import DeviceData, load_identity

    for wanted in (args.operator, args.roster, args.base, args.speech):
        if not wanted.exists():
            raise ConfigError(f"{wanted} is missing; check the path")
    address = Address.parse(args.superlink)
    if not args.ca.is_file():
        raise ConfigError(f"{args.ca}: the operator's CA certificate is missing; ask for it")
    is_healthy(address, args.ca)  # a wrong CA is refused before any work is done
    key, _ = node_key(args.state)
    load_identity(args.state)
    cache = prepare_data(args.speech, args.state / "speech", Tools.found())
    data = DeviceData(cache, args.speaker)
    log.info("%d utterances of this device's speech are aligned", len(data.items))
    places = {
        "base": str(args.base.resolve()),
        "cache": str(cache.resolve()),
        "speaker": data.speaker,
        "state": str(args.state.resolve()),
        "roster": str(args.roster.resolve()),
        "server-key": str(args.operator.resolve()),
    }
    node = SuperNode("supernode", args.state, address, args.ca, key, places)
    log.info("taking part; ctrl-C ends it; the log is in %s", args.state / "logs")
    try:
        take_part(node, args.max_retries)
    except KeyboardInterrupt:
        log.info("stopped")


def take_part(node: Any, max_retries: int | None = None) -> None:
    """Keep a device's SuperNode going: it ends by itself when it can't activate.

    Args:
        node: a :class:`~voicelet_federated.deploy.SuperNode`.
        max_retries: starts that may fail in a row; `None` tries for ever, as a device should that
            is sometimes offline or not registered yet.

    Raises:
        DeploymentError: somebody answers whom the CA doesn't vouch for.
        ProcessError: `max_retries` is used up; with the end of the log.
    """
    from voicelet_federated.deploy import is_healthy
    from voicelet_federated.processes import ProcessError, Processes

    failures, pause_s = 0, _FIRST_PAUSE_S
    while True:
        why = f"{node.superlink} doesn't answer; is the server running, and reached from here?"
        if is_healthy(node.superlink, node.ca):
            began = time.monotonic()
            with Processes(node.folder / "logs") as processes:
                node.start(processes)
                code = processes.wait(node.name, math.inf)
                why = (
                    f"the SuperNode ended (exit code {code}): if it couldn't be activated, the "
                    f"operator hasn't registered {node.key}.pub yet; {processes.tail(node.name)}"
                )
            if time.monotonic() - began > _LIVED_S:
                failures, pause_s = 0, _FIRST_PAUSE_S
        failures += 1
        if max_retries is not None and failures > max_retries:
            raise ProcessError(why)
        log.warning("%s", why)
        time.sleep(pause_s)
        pause_s = min(2.0 * pause_s, _LAST_PAUSE_S)
