"""`make federated-demo`: three people's devices and a server on this machine, with TLS and keys.

No device is simulated: a SuperLink, three SuperNodes that each hold one person's recordings alone,
two rounds of masked and noised updates, and a bundle of the new model that says a sentence.  Only
the people are readers of a public corpus: no profile of theirs is asked for.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet.files import make_private
from voicelet_federated.errors import FederationError

REPOSITORY = Path(__file__).resolve().parents[3]
_ROUNDS = 2
_ATTEMPTS = 2
# Noise for epsilon 8 would drown the updates of three people: its norm in the mean is z C 16 / 3,
# an update's at most C. This epsilon leaves a third of C.
_EPSILON = 1000.0
# Of a busy machine; an idle one needs a minute for each round.
_TIMEOUT_S = 300.0
_RUN_S = 1200.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DemoConfig:
    """What the demonstration uses.

    Attributes:
        people: folder of a folder a person, recordings with a `.txt` beside each.
        base: acoustic model that learns.
        out: the new bundle; replaced if it is there.
        wav: a sentence said by it.
        work: folder for all that the processes keep; a temporary one, removed at the end, if None.
        rounds: to do.
        epsilon: of the budget.
    """

    people: Path = REPOSITORY / "federated" / "samples"
    base: Path = REPOSITORY / "export" / "artifacts" / "acoustic"
    out: Path = Path("federated-voice")
    wav: Path = Path("federated-demo.wav")
    work: Path | None = None
    rounds: int = _ROUNDS
    epsilon: float = _EPSILON


def run_demo(config: DemoConfig, log_line: Any = log.info) -> dict[str, Any]:
    """Run it.

    Args:
        config: what it uses.
        log_line: is called with a line for each step.

    Returns:
        Figures: epsilon, rounds, seconds, the bundle.

    Raises:
        ConfigError: there are fewer than three people, or the base model is missing.
        FederationError: a step failed; what it says names the log.
    """
    from voicelet_export.corpus.pack import DEFAULT_PACK
    from voicelet_export.corpus.prepare import Tools, prepare_data
    from voicelet_federated.app.config import SIMULATION, FederationConfig, Places, to_run_config
    from voicelet_federated.app.devices import add_to_roster, load_identity
    from voicelet_federated.app.export import speak
    from voicelet_federated.app.floor import FILE, Floor, keep_floor, sign_floor
    from voicelet_federated.app.spend import days_from_now, open_ledger
    from voicelet_federated.cli.export import export_run
    from voicelet_federated.deploy.address import Address, free_port
    from voicelet_federated.deploy.certificates import make_certificates
    from voicelet_federated.deploy.flower import SuperLink, SuperNode, app_folder
    from voicelet_federated.deploy.node_keys import node_key, write_public
    from voicelet_federated.deploy.processes import Processes
    from voicelet_federated.ledger import PURPOSE, FederationConsent

    began = time.monotonic()
    people = (
        sorted(p for p in config.people.iterdir() if p.is_dir()) if config.people.is_dir() else []
    )
    if len(people) < 3:
        raise ConfigError(f"{config.people} holds {len(people)} people's folders; three are needed")
    if not config.base.is_dir():
        raise ConfigError(f"{config.base} is missing; run this in a checkout of the repository")
    terms = FederationConfig(
        rounds=config.rounds,
        joins=config.rounds * _ATTEMPTS,
        epsilon=config.epsilon,
        cohort=len(people),
        minimum=len(people),
        timeout_s=_TIMEOUT_S,
        attempts=_ATTEMPTS,
    )
    with _work(config.work) as work, Processes(work / "logs") as processes:
        server, roster = work / "server", work / "roster"
        make_certificates(server / "tls")
        operator = load_identity(server)
        public = write_public(operator.public_key(), work / "operator.pem")
        fleet = work / FILE
        fleet.write_bytes(sign_floor(Floor(terms.least, terms.least), operator))
        link = SuperLink(processes, server, Address("127.0.0.1", free_port()))
        link.start()
        log_line(f"a SuperLink listens on {link.address}, with TLS")
        nodes = []
        for number, person in enumerate(people):
            own = work / "devices" / person.name
            key, key_public = node_key(own)
            add_to_roster(roster, load_identity(own).public_key())
            # What a person would be asked by `join`; the terms' epsilon is no guarantee (above).
            keep_floor(fleet, own, operator.public_key())
            ledger = open_ledger(own)
            ledger.grant(FederationConsent(PURPOSE, terms.joins, terms.epsilon, days_from_now(1.0)))
            link.register(key_public)
            cache = prepare_data(person, own / "speech", Tools.found(), DEFAULT_PACK)
            log_line(
                f"{person.name}'s device is registered and has measured and aligned its speech"
            )
            places = {
                "base": str(config.base.resolve()),
                "cache": str(cache.resolve()),
                "state": str(own.resolve()),
                "roster": str(roster.resolve()),
                "server-key": str(public.resolve()),
            }
            nodes.append(
                SuperNode(
                    person.name,
                    own,
                    link.address,
                    link.certificates.ca,
                    key,
                    places,
                    number,
                    len(people),
                    # The log is of whoever owns this machine; the people are a corpus's.
                    {"VOICELET_AUDIT": "off", SIMULATION: "1"},
                )
            )
        for node in nodes:
            node.start(processes, max_retries=20)
        log_line(f"{len(nodes)} SuperNodes are started; {config.rounds} rounds begin")
        places_of = Places(
            base=str(config.base.resolve()),
            state=str((work / "run").resolve()),
            roster=str(roster.resolve()),
            server_key=str((server / "identity.pem").resolve()),
        )
        link.run(app_folder(work), to_run_config(terms, places_of), _RUN_S)
        report = json.loads((work / "run" / "report.json").read_text(encoding="utf-8"))
        if report["rounds_done"] < config.rounds:
            reasons = [r["why"] for r in report["rounds"] if r["why"]]
            raise FederationError(
                f"{report['rounds_done']} of {config.rounds} rounds ended well:"
                f" {'; '.join(reasons)}; " + processes.tail("run")
            )
        exported = export_run(work / "run", config.base, None, config.out)
    seconds = speak(config.out, to=config.wav)
    promise = report["guarantee"]
    log_line(
        f"epsilon {report['epsilon_spent']:.0f} at delta {promise['delta']:g} was spent by "
        f"each person (z {promise['noise_multiplier']:.3f}, clip norm {promise['clip_norm']:g}, "
        f"{promise['minimum']} devices a round, {promise['neighbours']})."
    )
    log_line(
        "That is NO privacy guarantee to speak of: with three people, noise for epsilon 8 would "
        "drown what they teach. Masking hides each update in the sum all the same; a hundred "
        "people and more get both (docs/guides/federated.md)."
    )
    return {
        "rounds": report["rounds_done"],
        "epsilon": report["epsilon_spent"],
        "delta": promise["delta"],
        "bytes_a_device_and_round": report["bytes_a_device_and_round"],
        "update_norms": [r["update_norm"] for r in report["rounds"]],
        "int8_error": exported.error_after,
        "speech_s": seconds,
        "seconds": time.monotonic() - began,
        "bundle": str(config.out),
        "wav": str(config.wav),
    }


@contextmanager
def _work(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        make_private(folder)
        yield folder
        return
    with tempfile.TemporaryDirectory(
        prefix="voicelet-federated-", ignore_cleanup_errors=True
    ) as folder_name:
        yield Path(folder_name)


def add_demo_command(commands: Any) -> None:
    """Add `demo` to the command line."""
    default = DemoConfig()
    parser = commands.add_parser("demo", help="a server and three devices on this machine")
    parser.add_argument("--people", type=Path, default=default.people, help="a folder a person")
    parser.add_argument("--base", type=Path, default=default.base, help="the model that learns")
    parser.add_argument("--out", type=Path, default=default.out, help="folder of the new bundle")
    parser.add_argument("--wav", type=Path, default=default.wav, help="what it says")
    parser.add_argument("--keep", type=Path, help="keep the processes' files and logs there")
    parser.add_argument("--rounds", type=int, default=default.rounds)
    parser.add_argument("--epsilon", type=float, default=default.epsilon)
    parser.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> None:
    config = DemoConfig(
        args.people, args.base, args.out, args.wav, args.keep, args.rounds, args.epsilon
    )
    figures = run_demo(config, lambda line: sys.stderr.write(f"{line}\n"))
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
