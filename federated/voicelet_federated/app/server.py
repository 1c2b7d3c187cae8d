"""The server's half: Flower's ServerApp."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import torch
from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet.files import atomic_file, make_private
from voicelet_export.train.data import Item
from voicelet_export.train.utterances import UtteranceSampler
from voicelet_federated.app.adapter import Adapted, schema_hash
from voicelet_federated.app.checkpoint import (
    CheckpointError,
    RunState,
    report,
    sole_run,
    start_or_resume,
)
from voicelet_federated.app.config import AdapterSpec, FederationConfig, Places, read_run_config
from voicelet_federated.app.devices import (
    BaseModel,
    held_out_items,
    load_base,
    load_roster,
    private_key,
)
from voicelet_federated.app.grid import SteadyGrid
from voicelet_federated.app.strategy import MaskedSum
from voicelet_federated.app.training import utterance_losses

_LOG = logging.getLogger(__name__)
_HELD_OUT_UTTERANCES = 40
_BATCH = 8

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run a federation as the run's configuration says."""
    config, places = read_run_config(context.run_config)
    serve(SteadyGrid(grid), config, places)


def serve(grid: Grid, config: FederationConfig, places: Places) -> RunState:
    """Do the rounds that are left and write `report.json`.

    Raises:
        VoiceletError: the run can't begin or go on; its state is on the disk, with the budget paid.
    """
    with sole_run(places.path("state")):
        return _serve(grid, config, places)


def _serve(grid: Grid, config: FederationConfig, places: Places) -> RunState:
    base = load_base(places.path("base"))
    folder = places.path("state")
    state = start_or_resume(folder, config, base.sha256)
    strategy = MaskedSum(
        config,
        state,
        folder,
        schema_hash(config.adapter, base.model.config),
        load_roster(places.path("roster")),
        private_key(places.path("server_key")) if places.server_key else None,
    )
    remaining = config.rounds - state.finished
    losses_of = _held_out_losses(base, config.adapter, places)
    write_report(state, config, places)  # so that `status` can show the terms during the run
    try:
        if remaining > 0:
            strategy.start(
                grid,
                strategy.arrays(),
                num_rounds=remaining,
                timeout=config.timeout_s,
                evaluate_fn=_evaluate(strategy, losses_of) if losses_of else None,
            )
    except BaseException:
        with suppress(CheckpointError):  # the error that stopped the run matters more
            write_report(state, config, places)
        raise
    write_report(state, config, places)
    return state


def write_report(state: RunState, config: FederationConfig, places: Places) -> None:
    """Write `report.json` into the run's folder.

    Raises:
        CheckpointError: it can't be written.
    """
    file = places.path("state") / "report.json"
    try:
        make_private(file.parent)
        with atomic_file(file) as stream:
            stream.write(json.dumps(report(state, config), indent=1).encode())
    except OSError as error:
        raise CheckpointError(f"{file}: can't be written ({error}); make room") from None


class HeldOutLosses:
    """Losses of an adapter on the speech of held-out people, who train on no device.

    Args:
        items: some forty of them are used, evenly chosen.
    """

    def __init__(self, base: BaseModel, spec: AdapterSpec, items: list[Item]) -> None:
        if not items:
            raise ConfigError("there is no aligned speech of held-out speakers to measure with")
        info = base.info
        sampler = UtteranceSampler(items, info.mel_mean, info.mel_std, 4800)
        chosen = sampler.items[:: max(1, len(sampler.items) // _HELD_OUT_UTTERANCES)][
            :_HELD_OUT_UTTERANCES
        ]
        self._batches = [
            sampler.collate(chosen[i : i + _BATCH], None) for i in range(0, len(chosen), _BATCH)
        ]
        self._adapted = Adapted(base.model, spec)

    def __call__(self, flat: FloatArray) -> dict[str, float]:
        """Mean of each loss term over the utterances."""
        self._adapted.set_flat(flat)
        by_term: dict[str, list[float]] = {}
        with torch.no_grad():
            for batch in self._batches:
                terms = utterance_losses(self._adapted, batch, self._adapted.base.decoder)
                for name, values in terms.items():
                    by_term.setdefault(name, []).extend(values.tolist())
        return {name: float(np.mean(values)) for name, values in by_term.items()}


def _held_out_losses(base: BaseModel, spec: AdapterSpec, places: Places) -> HeldOutLosses | None:
    if not (places.cache and places.held_out):
        return None
    items = held_out_items(places.path("cache"), places.path("held_out"), places.accent)
    return HeldOutLosses(base, spec, items)


def _evaluate(
    strategy: MaskedSum, losses_of: HeldOutLosses
) -> Callable[[int, ArrayRecord], MetricRecord | None]:
    state, folder = strategy.state, strategy.folder

    def evaluate(server_round: int, arrays: ArrayRecord) -> MetricRecord | None:
        losses = losses_of(state.flat)
        if server_round:
            state.rounds[-1].held_out = losses
        elif not state.before:
            state.before = losses_of(np.zeros_like(state.flat)) if state.rounds else losses
        state.save(folder)
        _LOG.info("held-out speakers: %s", {k: round(v, 4) for k, v in losses.items()})
        return MetricRecord(losses)

    return evaluate
