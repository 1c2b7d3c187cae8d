"""`voicelet-federated status`: how a run or a device's part stands."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError, VoiceletError
from voicelet.files import read_own
from voicelet_federated.app.floor import FILE as FLOOR
from voicelet_federated.app.spend import KEY, LEDGER, OLD_LEDGER, open_ledger
from voicelet_federated.cli.ledger import describe, number
from voicelet_federated.errors import FederationError, PowerError

RUN, REPORT = "run.json", "report.json"
_DEVICE_FILES = (LEDGER, OLD_LEDGER, "node.key")


def status_of(folder: Path) -> dict[str, Any]:
    """Status of a server's, a run's or a device's folder, for JSON.

    A broken file is listed with its problem, and makes `whole` false.

    Raises:
        ConfigError: the folder is none of them.
    """
    for run in (folder, folder / "run"):
        if (run / RUN).exists() or (run / REPORT).exists():
            return _server(folder, run)
    if (folder / "tls").is_dir():
        return _server(folder, folder / "run")
    if any((folder / name).exists() for name in _DEVICE_FILES):
        return _device(folder)
    raise ConfigError(f"{folder} is neither a server's folder nor a run's nor a device's")


def _server(folder: Path, run: Path) -> dict[str, Any]:
    from voicelet_federated.app.checkpoint import CheckpointError, RunState, read_state

    files: dict[str, str] = {}
    state: RunState | None = None
    if (run / RUN).exists():
        try:
            state = read_state(run)
            files[RUN] = "whole"
        except CheckpointError as error:
            files[RUN] = f"broken: {error}"
    else:
        files[RUN] = "missing: no round was paid for yet"
    report = _report(run / REPORT, files, state)
    _keys(folder, files)
    status: dict[str, Any] = {"side": "server", "folder": str(folder), "whole": _whole(files)}
    if report:
        promise = report["guarantee"]
        status["agreed"] = {
            "epsilon": promise["epsilon"],
            "delta": promise["delta"],
            "neighbours": promise["neighbours"],
            "joins": report["joins_agreed"],
            "cohort": report["cohort"],
            "minimum": report["minimum"],
            "masking": report["masking"],
        }
    if state is not None:
        status |= _rounds(state)
    return {**status, "files": files}


def _rounds(state: Any) -> dict[str, Any]:
    statuses = Counter(r.status for r in state.rounds)
    done = [r for r in state.rounds if r.status == "done"]
    last = state.rounds[-1] if state.rounds else None
    refusals: Counter[str] = Counter()
    for record in state.rounds:
        refusals.update(record.refusals)
    return {
        "rounds": {kind: statuses.get(kind, 0) for kind in ("done", "failed", "open")},
        # Written down before anything is asked of a device.
        "epsilon_spent": _finite(max((r.epsilon for r in state.rounds), default=0.0)),
        "joins": {"devices": len(state.joined), "most": state.most_joins()},
        "last_round": None
        if last is None
        else {
            "number": last.number,
            "status": last.status,
            "why": last.why,
            "asked": last.asked,
            "opened": last.opened,
            "attempts": last.attempts,
            "dropped": {f"{int(device):016x}": why for device, why in last.dropped.items()},
            "seconds": last.seconds,
        },
        "refusals": dict(refusals),
        "held_out": {"before": state.before, "after": done[-1].held_out if done else {}},
    }


def _report(file: Path, files: dict[str, str], state: Any) -> dict[str, Any]:
    if not file.exists():
        files[REPORT] = "missing: written when a run begins and when it ends"
        return {}
    try:
        fields: dict[str, Any] = json.loads(read_own(file, follow=True))
        promise = fields["guarantee"]
        keys = {"joins_agreed", "cohort", "minimum", "masking", "rounds"} - set(fields)
        keys |= {"epsilon", "delta", "neighbours"} - set(promise)
        if keys:
            raise ValueError("it lacks " + ", ".join(sorted(keys)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        files[REPORT] = f"broken: {error}; resume the run to write it again"
        return {}
    reported = sum(r["status"] != "open" for r in fields["rounds"])
    counted = 0 if state is None else sum(r.status != "open" for r in state.rounds)
    files[REPORT] = (
        "whole" if reported == counted else "older than run.json: the run goes on, or was killed"
    )
    return fields


def _keys(folder: Path, files: dict[str, str]) -> None:
    from voicelet_federated.deploy.certificates import CertificateError, now, read_certificate

    certificate = folder / "tls" / "server.pem"
    if certificate.exists():
        try:
            until = read_certificate(certificate).not_valid_after_utc
            late = "" if until > now() else "broken: expired, `certify` renews it; "
            files["tls/server.pem"] = f"{late}good until {until:%Y-%m-%d}"
        except CertificateError as error:
            files["tls/server.pem"] = f"broken: {error}"
        _private(folder / "identity.pem", files)


def _device(folder: Path) -> dict[str, Any]:
    from voicelet_federated.app.power import check_power
    from voicelet_federated.cli.ledger import ledger_status

    files: dict[str, str] = {}
    status: dict[str, Any] = {"side": "device", "folder": str(folder)}
    if not (folder / FLOOR).exists():
        files[FLOOR] = "missing: `join --fleet` keeps the operator's floor for cohorts"
    else:
        files[FLOOR] = "there"
    try:
        if (folder / LEDGER).exists() or (folder / OLD_LEDGER).exists():
            status |= ledger_status(open_ledger(folder))
            files[LEDGER] = "whole"
        else:
            files[LEDGER] = "missing: nobody has agreed to anything yet"
            status |= {"consent": "none", "spent": {"rounds": 0, "epsilon": 0.0}}
    except VoiceletError as error:
        files[LEDGER] = f"broken: {error}"
    for name in ("identity.pem", "node.key", KEY):
        _private(folder / name, files)
    files["speech"] = "there" if (folder / "speech").is_dir() else "missing: `join` aligns it"
    try:
        check_power(0.4)
        power = "enough"
    except PowerError as error:
        power = str(error)
    return {**status, "power": power, "whole": _whole(files), "files": files}


def _private(file: Path, files: dict[str, str]) -> None:
    if not file.exists():
        files[file.name] = "missing: made at the first use"
        return
    shared = file.stat().st_mode & 0o077
    files[file.name] = "broken: others may read it; chmod 600" if shared else "there"


def _whole(files: dict[str, str]) -> bool:
    return not any(what.startswith("broken") for what in files.values())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def add_status_command(commands: Any) -> None:
    """Add `status` to the command line."""
    parser = commands.add_parser("status", help="how a run, or this device's part, stands")
    parser.add_argument("--state", type=Path, required=True, help="a server's or device's folder")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_status)


def lines(status: dict[str, Any]) -> Iterator[str]:
    """A status for people to read."""
    yield f"{status['side']}: {status['folder']}"
    if status["side"] == "device":
        if "runs" in status:
            yield describe(status).rstrip()
        elif "consent" in status:
            yield f"consent: {status['consent']}"
        yield f"power: {status['power']}"
    else:
        yield from _run(status)
    width = max(map(len, status["files"]))
    for name, what in status["files"].items():
        yield f"{name.ljust(width)}  {what}"


def _run(status: dict[str, Any]) -> Iterator[str]:
    agreed = status.get("agreed")
    if agreed:
        yield (
            f"agreed: epsilon {number(agreed['epsilon'])} at delta {agreed['delta']:g} "
            f"({agreed['neighbours']}) for {agreed['joins']} joins; cohort {agreed['cohort']}, at "
            f"least {agreed['minimum']}; masking {'on' if agreed['masking'] else 'off'}"
        )
    if "rounds" not in status:
        return
    rounds, joins, last = status["rounds"], status["joins"], status["last_round"]
    yield (
        f"rounds: {rounds['done']} done, {rounds['failed']} failed"
        + (", one is open" if rounds["open"] else "")
    )
    yield (
        f"spent: epsilon {number(status['epsilon_spent'])} by who joined most ({joins['most']} "
        f"times, of {joins['devices']} devices)"
    )
    if last:
        reason = f": {last['why']}" if last["why"] else ""
        yield (
            f"round {last['number']}: {last['status']}{reason}; {last['asked']} asked, "
            f"{last['opened']} in the sum, {last['seconds']:.0f} s"
        )
        for device, why in last["dropped"].items():
            yield f"  left out {device}: {why}"
    if status["refusals"]:
        yield "sat out: " + ", ".join(f"{n} {code}" for code, n in status["refusals"].items())
    before, after = status["held_out"]["before"], status["held_out"]["after"]
    if before and after:
        yield "held-out: " + ", ".join(
            f"{name} {before[name]:.4f} → {after[name]:.4f}" for name in before if name in after
        )


def _status(args: argparse.Namespace) -> None:
    status = status_of(args.state)
    if args.json:
        sys.stdout.write(json.dumps(status, indent=1, allow_nan=False) + "\n")
    else:
        sys.stdout.write("\n".join(lines(status)) + "\n")
    if not status["whole"]:
        broken = [name for name, what in status["files"].items() if what.startswith("broken")]
        raise FederationError(f"{args.state}: {', '.join(broken)}: see above")
