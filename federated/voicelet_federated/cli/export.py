"""`voicelet-federated export`: the bundle of what a run has learned so far."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.config import from_mapping
from voicelet.files import read_own
from voicelet_federated.app.config import AdapterSpec
from voicelet_federated.errors import FederationError

if TYPE_CHECKING:
    from voicelet_federated.app.export import Exported


def add_export_command(commands: Any) -> None:
    """Add `export` to the command line."""
    parser = commands.add_parser("export", help="the bundle of a run's model; it says a sentence")
    parser.add_argument("--state", type=Path, required=True, help="the run's folder")
    parser.add_argument("--base", type=Path, required=True, help="the acoustic model it began from")
    parser.add_argument("--bundle", type=Path, help="that model's bundle; the packaged one without")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new bundle")
    parser.add_argument("--wav", type=Path, help="write a sentence said by it there")
    parser.add_argument("--sign", type=Path, metavar="PEM", help="private Ed25519 key")
    parser.set_defaults(run=_export)


def export_run(
    state_folder: Path, base: Path, source: Path | None, out: Path, sign: Path | None = None
) -> Exported:
    """The bundle of what a run has learned so far.

    Raises:
        CheckpointError: the run's state can't be read.
        FederationError: it is of another base model, or hasn't learned anything.
        BundleError, UpdateError: as :func:`export_bundle`.
    """
    from voicelet_federated.app.checkpoint import read_state
    from voicelet_federated.app.devices import load_base
    from voicelet_federated.app.export import RunProvenance, export_bundle

    state, model = read_state(state_folder), load_base(base)
    if state.base != model.sha256:
        raise FederationError(f"{state_folder} is of another base model than {base}; name that one")
    report = _report(state_folder / "report.json")
    if not report["rounds_done"]:
        raise FederationError(f"{state_folder}: no round ended well, so there is nothing to export")
    promise = report["guarantee"]
    spent = report["epsilon_spent"]
    origin = RunProvenance(
        run=state_folder.resolve().name,
        rounds=int(report["rounds_done"]),
        devices=sum(1 for joins in state.joined.values() if joins),
        epsilon=math.inf if spent is None else float(spent),
        delta=float(promise["delta"]),
        neighbours=str(promise["neighbours"]),
    )
    spec = from_mapping(AdapterSpec, report["adapter"], "report.json: adapter")
    return export_bundle(model.model, spec, state.flat, source, out, origin, sign)


def _report(file: Path) -> dict[str, Any]:
    required = {"rounds_done", "guarantee", "epsilon_spent", "adapter"}
    try:
        fields = json.loads(read_own(file, follow=True))
        if not required <= set(fields):
            raise ValueError("it lacks " + ", ".join(sorted(required - set(fields))))
    except (OSError, ValueError, TypeError) as error:
        raise FederationError(
            f"{file}: the run's report can't be read ({error}); resume the run to write it again"
        ) from None
    report: dict[str, Any] = fields
    return report


def _export(args: argparse.Namespace) -> None:
    exported = export_run(args.state, args.base, args.bundle, args.out, args.sign)
    if args.wav is not None:
        from voicelet_federated.app.export import speak

        speak(args.out, to=args.wav)
    sys.stdout.write(
        f"{args.out}: {exported.bundle.manifest.total_bytes / 1e6:.2f} MB, "
        f"{exported.seconds:.1f} s of speech said; int8 is off by {exported.error_after:.2%} "
        f"({exported.error_before:.2%} before)\n"
    )
