"""`voicelet-federated certify|serve`: the operator's side of a federation of real devices."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError

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


def add_fleet_command(commands: Any) -> None:
    """Add `fleet` to the command line."""
    parser = commands.add_parser("fleet", help="sign the floor that every device will hold to")
    parser.add_argument("--state", type=Path, required=True, help="the server's folder")
    parser.add_argument(
        "--minimum", type=int, required=True, help="fewest devices in a sum that a device accepts"
    )
    parser.add_argument(
        "--honest",
        type=int,
        required=True,
        help="how many of these are sure to be different people's; what a device spends is counted "
        "as if the others added no noise (1: trust nobody)",
    )
    parser.set_defaults(run=_fleet)


def add_serve_command(commands: Any) -> None:
    """Add `serve` to the command line."""
    parser = commands.add_parser("serve", help="a SuperLink, and a run on the devices registered")
    parser.add_argument("--state", type=Path, required=True, help="the server's folder, certified")
    parser.add_argument("--listen", default="127.0.0.1:9092", help="host:port")
    parser.add_argument(
        "--guarded",
        action="store_true",
        help="allow another host than this machine's own, because a firewall or an OIDC provider "
        "keeps everybody from /v1/control/",
    )
    parser.add_argument("--nodes", type=Path, required=True, help="folder of node keys (*.key.pub)")
    parser.add_argument("--roster", type=Path, required=True, help="folder of identities (*.pem)")
    parser.add_argument("--base", type=Path, required=True, help="the acoustic model that learns")
    parser.add_argument("--config", type=Path, help="YAML of the run's terms (FederationConfig)")
    parser.add_argument("--hours", type=float, default=24.0, help="for the run before it is ended")
    parser.set_defaults(run=_serve)


def _certify(args: argparse.Namespace) -> None:
    from voicelet_federated.app.devices import load_identity
    from voicelet_federated.deploy.certificates import make_certificates
    from voicelet_federated.deploy.node_keys import write_public

    files = make_certificates(args.state / "tls", args.host, args.days)
    operator = write_public(load_identity(args.state).public_key(), args.state / "operator.pem")
    sys.stdout.write(f"for devices: {files.ca}\nfor devices: {operator}\n")
    sys.stdout.write(f"keep elsewhere until the certificate is renewed: {files.ca.parent}/ca.key\n")


def _fleet(args: argparse.Namespace) -> None:
    from voicelet.files import atomic_file
    from voicelet_federated.app.devices import load_identity
    from voicelet_federated.app.floor import FILE, Floor, sign_floor

    signed = sign_floor(Floor(args.minimum, args.honest), load_identity(args.state))
    with atomic_file(args.state / FILE) as stream:
        stream.write(signed)
    sys.stdout.write(f"for devices: {args.state / FILE}\n")


def _serve(args: argparse.Namespace) -> None:
    from voicelet_export.recipes import read_recipe
    from voicelet_federated.app.checkpoint import rounds_ended
    from voicelet_federated.app.config import FederationConfig, Places, to_run_config
    from voicelet_federated.app.devices import load_identity
    from voicelet_federated.app.floor import FILE, load_floor
    from voicelet_federated.deploy.address import Address, DeploymentError
    from voicelet_federated.deploy.flower import SuperLink, app_folder
    from voicelet_federated.deploy.processes import Processes

    terms = read_recipe(FederationConfig, args.config)
    keys = sorted(args.nodes.glob("*.pub"))
    if len(keys) < terms.least:
        raise ConfigError(
            f"{args.nodes} holds {len(keys)} node keys, a round needs {terms.least} devices"
        )
    if not (args.state / FILE).exists():
        raise ConfigError(
            f"{args.state / FILE} is missing, and devices join nothing without it; "
            f"`voicelet-federated fleet --state {args.state} --minimum … --honest …` signs it"
        )
    floor = load_floor(args.state, load_identity(args.state).public_key())
    if terms.least < floor.minimum:
        raise ConfigError(
            f"the terms open sums of {terms.least} devices and the fleet's accept no fewer than "
            f"{floor.minimum}; raise `minimum`"
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
        link.run(app_folder(args.state), to_run_config(terms, places), args.hours * 3600.0)
        # Flower's streamed run ends with code 0 even if it failed.
        rounds = rounds_ended(places.path("state"))
        if rounds < terms.rounds:
            raise DeploymentError(
                f"the run ended after {rounds} of {terms.rounds} rounds; what it says at the end "
                f"tells why, and the same command goes on; {processes.tail('run')}"
            )
    log.info("done; %s tells of it, `voicelet-federated export` makes its bundle", places.state)
