"""A whole federation on one machine: `voicelet-federated simulate`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from voicelet.cli.extras import install_line
from voicelet.errors import ConfigError
from voicelet.files import atomic_file, make_private
from voicelet_federated.app.checkpoint import RunState, read_state, report
from voicelet_federated.app.config import (
    SIMULATION,
    AdapterSpec,
    FederationConfig,
    LocalTraining,
    Places,
    to_run_config,
)
from voicelet_federated.app.spend import days_from_now, open_ledger
from voicelet_federated.deploy.flower import app_folder
from voicelet_federated.errors import FederationError
from voicelet_federated.ledger import PURPOSE, FederationConsent
from voicelet_federated.privacy.clipping import AdaptiveClipping

_LOG = logging.getLogger(__name__)
_PORT = "FLWR_LOCAL_SUPERLINK_HTTP_API_PORT"  # where `flwr run … local` looks
_START_S = 120.0


def prepare(
    cache: Path, base: Path, held_out: Path | None, out: Path, clients: int, accent: str = ""
) -> Places:
    """Lay out the files of simulated devices: one speaker, one device, one identity key each.

    Raises:
        ConfigError: there are fewer speakers than devices.
    """
    from voicelet_federated.app.devices import add_to_roster, load_identity, speakers_of

    speakers = speakers_of(cache, held_out, accent)[:clients]
    if len(speakers) < clients:
        raise ConfigError(
            f"{cache} has {len(speakers)} aligned speakers {accent or 'any'}*; ask for as many"
        )
    places = Places(
        base=str(base.resolve()),
        cache=str(cache.resolve()),
        devices=str(out.resolve() / "devices.json"),
        state=str(out.resolve()),
        roster=str(out.resolve() / "roster"),
        server_key=str(out.resolve() / "server" / "identity.pem"),
        held_out=str(held_out.resolve()) if held_out else "",
        accent=accent,
    )
    make_private(out)
    with atomic_file(places.devices) as file:
        file.write(json.dumps(speakers).encode())
    for name in speakers:
        identity = load_identity(out / "devices" / name)
        add_to_roster(Path(places.roster), identity.public_key())
        # The people of a corpus agreed to its licence; the budget is that of the run's own terms.
        _agree(out / "devices" / name)
    public = load_identity(out / "server").public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with atomic_file(places.server_key + ".pub") as file:
        file.write(pem)
    return places


def _agree(device: Path) -> None:
    ledger = open_ledger(device)
    if ledger.consent is None and not ledger.withdrawn:
        ledger.grant(FederationConsent(PURPOSE, 10**6, math.inf, days_from_now(36500.0)))


@contextmanager
def simulation() -> Iterator[None]:
    """Mark this process as a simulation, and those it starts."""
    before = os.environ.get(SIMULATION)
    os.environ[SIMULATION] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SIMULATION]
        else:
            os.environ[SIMULATION] = before


def run_in_process(clients: int, config: FederationConfig, places: Places) -> RunState:
    """Both apps in this process, device after device."""
    from voicelet_federated.app.client import app
    from voicelet_federated.app.grid import LocalGrid, contexts_for
    from voicelet_federated.app.server import serve

    with simulation():
        return serve(LocalGrid(app, contexts_for(clients, config, places)), config, places)


def run_flower(clients: int, config: FederationConfig, places: Places) -> RunState:
    """Both apps in Flower's own simulation (Ray), by `flwr run`.

    Raises:
        FederationError: Flower isn't installed with it, or the run failed.
    """
    flwr = shutil.which("flwr", path=os.pathsep.join((str(Path(sys.executable).parent), "")))
    if flwr is None or importlib.util.find_spec("ray") is None:
        raise FederationError(
            "Flower's simulation isn't installed: " + install_line("voicelet-federated[simulation]")
        )
    home = Path(places.state) / "flower"
    make_private(home)
    environment = {
        **os.environ,
        SIMULATION: "1",
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        _PORT: str(_free_port()),
        # The app's packages are those that run this: nothing is fetched.
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
    }
    command = [flwr, "run", str(app_folder(home)), "local", "--stream"]
    command += ["--run-config", " ".join(_toml(to_run_config(config, places)))]
    command += ["--federation-config", f"num-supernodes={clients} client-resources-num-cpus=1"]
    with _superlink(home, environment):
        done = subprocess.run(command, env=environment, check=False)
    if done.returncode:
        raise FederationError(f"Flower's simulation failed (exit code {done.returncode})")
    state = read_state(Path(places.state))
    if state.finished < config.rounds:
        raise FederationError("Flower's simulation ended early; its log above says why")
    return state


@contextmanager
def _superlink(home: Path, environment: dict[str, str]) -> Iterator[None]:
    """The SuperLink that `flwr run … local` looks for, for no longer than it is needed.

    Flower's own outlives the run, and on a busy machine `flwr` gives up waiting for it after 15 s.

    Raises:
        FederationError: it doesn't start.
    """
    port = int(environment[_PORT])
    command = ["flower-superlink", "--insecure", "--simulation", "--isolation", "subprocess"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--database", str(home / "state.db")]
    with open(home / "superlink.log", "wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + _START_S
        while not _listening(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise FederationError(f"the SuperLink doesn't start; see {home / 'superlink.log'}")
            time.sleep(0.5)
        yield
    finally:
        # Its apps and Ray's workers are in its process group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _toml(values: dict[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, bool):
            yield f"{key}={str(value).lower()}"
        else:
            yield f"{key}={json.dumps(value) if isinstance(value, str) else value}"


def add_simulate_command(commands: Any) -> None:
    """Add `simulate` to the command line."""
    parser = commands.add_parser("simulate", help="a whole federation on this machine")
    parser.add_argument("--cache", type=Path, required=True, help="feature cache; one speaker each")
    parser.add_argument("--base", type=Path, required=True, help="the acoustic model that learns")
    parser.add_argument("--held-out", type=Path, help="JSON of speakers to measure with")
    parser.add_argument("--accent", default="", help="take speakers whose names begin so")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; resumed if any")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--joins", type=int, help="rounds a user joins; as many as there are")
    parser.add_argument("--cohort", type=int, help="devices a round; as many as joins allow")
    parser.add_argument(
        "--minimum", type=int, default=0, help="fewest devices in a sum; with fewer none is opened"
    )
    parser.add_argument("--epsilon", type=float, default=8.0, help="inf: no noise")
    parser.add_argument("--clip-norm", type=float, default=1.0)
    parser.add_argument(
        "--clip-quantile",
        type=float,
        default=0.0,
        help="moves --clip-norm to this quantile of the updates' norms (0: it stays)",
    )
    parser.add_argument("--learning-rate", type=float, default=1.0, help="of the server")
    parser.add_argument("--momentum", type=float, default=0.0, help="of the server")
    parser.add_argument("--size", type=int, default=256, choices=(256, 2000, 4000))
    parser.add_argument("--local-steps", type=int, default=LocalTraining().steps)
    parser.add_argument("--no-masking", action="store_true", help="updates in clear, to compare")
    parser.add_argument("--engine", choices=("process", "flower"), default="process")
    parser.set_defaults(run=_simulate)


def _simulate(args: argparse.Namespace) -> None:
    logging.getLogger("flwr").propagate = False  # it has a handler of its own
    joins = args.joins or args.rounds
    config = FederationConfig(
        rounds=args.rounds,
        joins=joins,
        epsilon=args.epsilon,
        clip_norm=args.clip_norm,
        cohort=args.cohort or min(args.clients, args.clients * joins // args.rounds),
        minimum=args.minimum,
        learning_rate=args.learning_rate,
        momentum=args.momentum,
        masking=not args.no_masking,
        adapter=AdapterSpec(size=args.size),
        local=replace(LocalTraining(), steps=args.local_steps),
        clipping=AdaptiveClipping(quantile=args.clip_quantile),
    )
    places = prepare(args.cache, args.base, args.held_out, args.out, args.clients, args.accent)
    run = run_flower if args.engine == "flower" else run_in_process
    figures = report(run(args.clients, config, places), config)
    del figures["rounds"]
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
