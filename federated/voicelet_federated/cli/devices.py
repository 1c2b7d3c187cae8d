"""`voicelet-federated keys|join`: a device's side of a federation of real devices."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet.files import make_private
from voicelet_federated.cli.consent import add_consent_options, consenting_ledger, stated_consent

log = logging.getLogger(__name__)


def add_keys_command(commands: Any) -> None:
    """Add `keys` to the command line."""
    parser = commands.add_parser("keys", help="make a device's two keys; hand over the public ones")
    parser.add_argument("--state", type=Path, required=True, help="the device's folder")
    parser.add_argument("--out", type=Path, help="folder for the public keys")
    parser.set_defaults(run=_keys)


def add_join_command(commands: Any) -> None:
    """Add `join` to the command line."""
    parser = commands.add_parser("join", help="this device takes part until it is stopped")
    parser.add_argument("--superlink", required=True, metavar="HOST:PORT")
    parser.add_argument("--ca", type=Path, required=True, help="the operator's CA certificate")
    parser.add_argument("--operator", type=Path, required=True, help="public key of assignments")
    parser.add_argument(
        "--fleet", type=Path, help="the operator's floor for cohorts; kept, so once is enough"
    )
    parser.add_argument("--roster", type=Path, required=True, help="public keys of all devices")
    parser.add_argument("--base", type=Path, required=True, help="the acoustic model that learns")
    parser.add_argument(
        "--speech", type=Path, required=True, help="recordings with texts, or cache"
    )
    parser.add_argument("--speaker", default="", help="whose, if the cache holds several")
    parser.add_argument(
        "--profile",
        required=True,
        help="whose speech it is: a voice enrolled here, whose consent covers federation",
    )
    parser.add_argument("--state", type=Path, required=True, help="the device's folder")
    add_consent_options(parser)
    parser.add_argument(
        "--least-cohort", type=int, help="fewest devices in a sum, if more than the operator signed"
    )
    parser.add_argument(
        "--honest",
        type=int,
        help="how many of a cohort are believed, if fewer than the operator signed (1: none other)",
    )
    parser.add_argument("--time-limit-s", type=float, help="of training in a round (120)")
    parser.add_argument(
        "--least-battery",
        type=float,
        help="0 to 1; below it, and not plugged in, no round is joined (0.4)",
    )
    parser.add_argument("--max-retries", type=int, help="failed starts in a row to give up after")
    parser.set_defaults(run=_join)


def _keys(args: argparse.Namespace) -> None:
    from voicelet_federated.app.devices import load_identity
    from voicelet_federated.app.protocol import device_id
    from voicelet_federated.deploy.node_keys import node_key, write_public

    _, node = node_key(args.state)
    key = load_identity(args.state).public_key()
    name = f"{device_id(key):016x}"
    folder = args.out or args.state
    make_private(folder)
    identity = write_public(key, folder / f"{name}.pem")
    public = folder / f"{name}.key.pub"
    shutil.copyfile(node, public)
    sys.stdout.write(f"for the operator's --roster: {identity}\n")
    sys.stdout.write(f"for the operator's --nodes: {public}\n")


def _join(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.prepare import Tools, prepare_data
    from voicelet_federated.app.config import device_places
    from voicelet_federated.app.devices import (
        DeviceData,
        federation_consent,
        load_identity,
        load_operator,
    )
    from voicelet_federated.app.floor import keep_floor, load_floor
    from voicelet_federated.deploy.address import Address, is_healthy
    from voicelet_federated.deploy.flower import SuperNode, take_part
    from voicelet_federated.deploy.node_keys import node_key

    stated = stated_consent(args)
    limits = {
        "time-limit-s": args.time_limit_s,
        "least-battery": args.least_battery,
        "least-cohort": args.least_cohort,
        "honest": args.honest,
    }
    limits = {name: value for name, value in limits.items() if value is not None}
    device_places(limits, {})  # in range?
    for path in (args.operator, args.roster, args.base, args.speech):
        if not path.exists():
            raise ConfigError(f"{path} is missing; check the path")
    address = Address.parse(args.superlink)
    if not args.ca.is_file():
        raise ConfigError(f"{args.ca}: the operator's CA certificate is missing; ask for it")
    is_healthy(address, args.ca)  # a wrong CA is refused before any work is done
    federation_consent(args.profile)
    operator = load_operator(args.operator)
    if args.fleet is not None:
        keep_floor(args.fleet, args.state, operator)
    own = device_places(limits, {})
    floor = load_floor(args.state, operator).stricter(own.least_cohort, own.honest)
    log.info("cohorts of %d and more, %d of them believed", floor.minimum, floor.honest)
    consenting_ledger(args.state, stated)
    key, _ = node_key(args.state)
    load_identity(args.state)
    cache = prepare_data(args.speech, args.state / "speech", Tools.found())
    data = DeviceData(cache, args.speaker)
    log.info("%d utterances of this device's speech are aligned", len(data.items))
    places = {
        "base": str(args.base.resolve()),
        "cache": str(cache.resolve()),
        "speaker": data.speaker,
        "profile": args.profile,
        "state": str(args.state.resolve()),
        "roster": str(args.roster.resolve()),
        "server-key": str(args.operator.resolve()),
        **limits,
    }
    node = SuperNode("supernode", args.state, address, args.ca, key, places)
    log.info("taking part; ctrl-C ends it; the log is in %s", args.state / "logs")
    try:
        take_part(node, args.max_retries)
    except KeyboardInterrupt:
        log.info("stopped")
