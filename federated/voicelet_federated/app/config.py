"""What a federation agrees on before it begins, and where each side finds its files."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from voicelet.config import from_mapping, to_mapping
from voicelet.errors import ConfigError
from voicelet_federated.privacy.accounting import DELTA, noise_multiplier_for
from voicelet_federated.privacy.clipping import AdaptiveClipping
from voicelet_federated.privacy.skellam import CountedShare, NoiseShare

SIZES = (256, 2000, 4000)
LARGEST_COHORT = 1_000_000
SMALLEST, LARGEST = 1e-12, 1e12
"""Positive numbers of a run's terms lie between these, so that no arithmetic on them over- or
underflows; anything beyond is a mistake or an attack."""
MOST = 1_000_000
"""Rounds, joins and attempts."""
Size = Literal[256, 2000, 4000]
SIMULATION = "VOICELET_FEDERATED_SIMULATION"
"""Set in the environment, by whoever starts the processes, where devices are only simulated: they
then take their places from the run's configuration and may send unmasked updates."""


@dataclass(frozen=True)
class AdapterSpec:
    """Which adapter.

    Attributes:
        size: numbers in it: 256 for a hundred devices, 2,000 or 4,000 for a thousand and more, for
            noise grows with the square root of the size.
        seed: of the random subspace; public.
        scale: how far a unit of the adapter moves the biases, as a length; trained without noise
            the default model goes about seven to meet an accent, so a few rounds of norm 1 do.
    """

    size: Size = 256
    seed: int = 20
    scale: float = 4.0

    def __post_init__(self) -> None:
        if type(self.size) is not int or self.size not in SIZES:  # 256.0 is in it, too
            raise ConfigError(
                f"an adapter has {', '.join(map(str, SIZES))} numbers, not {self.size}"
            )
        if not 0 <= self.seed < 2**63:
            raise ConfigError("the seed of an adapter is a whole number of at most 63 bits")
        if not SMALLEST <= self.scale <= LARGEST:
            raise ConfigError(f"scale must be positive and within reason, not {self.scale}")


@dataclass(frozen=True)
class LocalTraining:
    """How a device trains, the same on all devices.

    Attributes:
        steps: of gradient descent with momentum.
        utterances: in a step.
        learning_rate: of the mean clipped gradient.
        momentum: 0 to 1.
        utterance_clip: largest norm of one utterance's gradient, so that a bad recording can't
            decide the update; three times the usual one.
        max_seconds: training ends after the step in which this time is over.
    """

    steps: int = 3
    utterances: int = 6
    learning_rate: float = 3.0
    momentum: float = 0.8
    utterance_clip: float = 0.3
    max_seconds: float = 60.0

    def __post_init__(self) -> None:
        numbers = (self.learning_rate, self.utterance_clip, self.max_seconds)
        if not all(SMALLEST <= number <= LARGEST for number in numbers):
            raise ConfigError(f"local training needs positive numbers within reason, not {self}")
        if not 1 <= self.steps <= 1000 or not 1 <= self.utterances <= 256:
            raise ConfigError(f"{self.steps} steps of {self.utterances} utterances make no sense")
        if not 0.0 <= self.momentum < 1.0:
            raise ConfigError(f"momentum must lie between 0 and 1, not {self.momentum}")


@dataclass(frozen=True)
class FederationConfig:
    """A run, as its server states it and its devices check it.

    Attributes:
        rounds: to be done in all.
        joins: rounds (and attempts at rounds) that one user joins at most, k.
        epsilon: the budget of a user; infinite: no noise, for comparisons.
        delta: of the budget.
        clip_norm: C, the largest norm of an update.
        cohort: devices asked in each round; also the fixed denominator of the mean, so that what a
            user can change doesn't depend on who else came.
        minimum: devices without which no sum is opened; nine tenths of the cohort if 0.
        honest: how many of the minimum are taken to add their noise: the budget holds even if the
            others add none.  All of the minimum if 0.
        learning_rate, momentum: of the server, which moves the adapter by the mean update.
        timeout_s: for each of the two exchanges of a round.
        attempts: of a round before it is given up.
        masking: False only to compare: updates then reach the server, which adds the noise.
        adapter, local: what is trained, and how.
        clipping: how `clip_norm`, that of the first round, moves; off by default.
    """

    rounds: int = 3
    joins: int = 3
    epsilon: float = 8.0
    delta: float = DELTA
    clip_norm: float = 1.0
    cohort: int = 100
    minimum: int = 0
    honest: int = 0
    learning_rate: float = 1.0
    momentum: float = 0.0
    timeout_s: float = 600.0
    attempts: int = 3
    masking: bool = True
    adapter: AdapterSpec = field(default_factory=AdapterSpec)
    local: LocalTraining = field(default_factory=LocalTraining)
    clipping: AdaptiveClipping = field(default_factory=AdaptiveClipping)

    def __post_init__(self) -> None:
        if not all(1 <= n <= MOST for n in (self.rounds, self.joins, self.attempts)):
            raise ConfigError("a run needs at least one round, one join and one attempt")
        if not self.epsilon > 0.0 or not 0.0 < self.delta < 1.0:
            raise ConfigError(f"epsilon {self.epsilon} at delta {self.delta} makes no sense")
        if not 2 <= self.cohort <= LARGEST_COHORT:
            raise ConfigError(f"a cohort has 2 to {LARGEST_COHORT} devices, not {self.cohort}")
        if not 2 <= self.least <= self.cohort:
            raise ConfigError(
                f"of a cohort of {self.cohort} at least {self.least} must come; choose 2 or more"
            )
        if not 0 <= self.honest <= self.least:
            raise ConfigError(
                f"{self.honest} of {self.least} devices can't add noise; choose 1 to {self.least}"
            )
        # Adaptive clipping may move the norm a thousandfold either way.
        positive = (self.learning_rate, self.timeout_s, 1e3 * self.clip_norm, self.clip_norm / 1e3)
        if not all(SMALLEST <= n <= LARGEST for n in positive) or not 0.0 <= self.momentum < 1.0:
            raise ConfigError(
                "learning_rate, timeout_s and clip_norm must be positive and within reason, "
                "momentum in [0, 1)"
            )

    @property
    def least(self) -> int:
        """Devices without which no sum is opened."""
        return self.minimum or max(2, math.ceil(0.9 * self.cohort))

    @property
    def noisy(self) -> int:
        """Devices of the minimum whose noise alone keeps the budget."""
        return self.honest or self.least

    def noise_multiplier(self) -> float:
        """z that keeps the budget, of the noise of the honest together; 0 if it is infinite.

        Raises:
            ConfigError: no noise in reason keeps it.
        """
        if not math.isfinite(self.epsilon):
            return 0.0
        # Rounding makes the sensitivity a little larger than that of a Gaussian.
        return noise_multiplier_for(self.epsilon, self.joins, self.delta) + 1e-3

    def bit(self, clip_norm: float = 0.0) -> float:
        """Half the weight of the bit that a device adds at this clipping norm; 0: it adds none."""
        if not self.clipping.on:
            return 0.0
        return self.clipping.half(clip_norm or self.clip_norm, self.noise_multiplier(), self.cohort)

    def share(self, clip_norm: float = 0.0) -> NoiseShare:
        """Clipping, rounding and noise of a device in a round.

        What a round costs doesn't depend on its clipping norm: noise and rounding scale with it.

        Args:
            clip_norm: of the round; that of the first if 0.

        Raises:
            ConfigError: no noise in reason keeps the budget.
        """
        clip, bit = clip_norm or self.clip_norm, self.bit(clip_norm)
        total_norm = math.hypot(clip, bit)
        size = self.adapter.size + (bit > 0.0)
        # Each adds 1 / minimum of the variance; the honest must reach z by themselves.
        z = self.noise_multiplier() * math.sqrt(self.least / self.noisy)
        return NoiseShare(total_norm, z, self.least, size, self.cohort)

    def counted(self) -> CountedShare:
        """What a round costs a device, by the noise of the honest alone."""
        return CountedShare(self.share(), self.honest)

    def fingerprint(self) -> str:
        """A name for all that must not change within a run."""
        terms = to_mapping(self)
        for changeable in ("rounds", "timeout_s", "attempts"):
            del terms[changeable]
        if not self.clipping.on:
            del terms["clipping"]  # as it was called before there was any
        if not self.honest:
            del terms["honest"]  # the same
        return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Places:
    """Files of one side; "" where there are none.

    Attributes:
        base: folder of the acoustic model that is adapted.
        cache: feature cache; a device's own speech, or the speech that the server measures with.
        speaker: whose utterances of the cache are the device's.
        devices: JSON list of speakers, from which a simulated device takes one by its partition.
        state: folder that this side keeps to itself.
        roster: folder of the devices' public keys (PEM).
        server_key: public key (PEM) that assignments must be signed with; on the server, the
            private one.
        held_out: JSON file that names speakers kept out of training.
        accent: what names of the held-out speakers begin with.
        time_limit_s: that a device trains in a round at most, whatever the terms say.
        least_battery: share of a full battery, 0 to 1, below which a device that isn't plugged in
            sits rounds out.
        profile: name in this device's vault of the voice that the speech is of; its consent must
            cover `federation`.
        least_cohort, honest: a stricter floor than the operator signed
            (:class:`voicelet_federated.app.floor.Floor`): more devices in a cohort, fewer of them
            taken to be honest.  0: as signed.
    """

    base: str = ""
    cache: str = ""
    speaker: str = ""
    devices: str = ""
    state: str = ""
    roster: str = ""
    server_key: str = ""
    held_out: str = ""
    accent: str = ""
    time_limit_s: float = 120.0
    least_battery: float = 0.4
    profile: str = ""
    least_cohort: int = 0
    honest: int = 0

    def __post_init__(self) -> None:
        if not (self.time_limit_s > 0.0 and 0.0 <= self.least_battery <= 1.0):
            raise ConfigError(
                f"time_limit_s {self.time_limit_s} must be positive, and least_battery "
                f"{self.least_battery} between 0 and 1"
            )
        if self.least_cohort < 0 or self.honest < 0:
            raise ConfigError(
                f"least_cohort {self.least_cohort} and honest {self.honest} are numbers of devices"
            )

    def path(self, name: str) -> Path:
        """One of them.

        Raises:
            ConfigError: it isn't given.
        """
        value = getattr(self, name)
        if not value:
            raise ConfigError(f"places.{name} isn't set; give it in the node's or run's config")
        return Path(value)


_DEVICE_LIMITS = ("time_limit_s", "least_battery", "profile", "least_cohort", "honest")
"""What a server never sets."""


def read_run_config(run_config: Mapping[str, Any]) -> tuple[FederationConfig, Places]:
    """Read Flower's flat configuration: `local.steps`, `adapter.size`, `places.base` and so on.

    Raises:
        ConfigError: a key isn't known or a value has the wrong type.
    """
    tree = _nest(run_config)
    places = tree.pop("places", {})
    return (
        from_mapping(FederationConfig, tree, "run config"),
        from_mapping(Places, places, "run config: places"),
    )


def to_run_config(config: FederationConfig, places: Places) -> dict[str, Any]:
    """The reverse of :func:`read_run_config`."""
    flat: dict[str, Any] = {}
    own = {k: v for k, v in to_mapping(places).items() if k not in _DEVICE_LIMITS}
    for key, value in {**to_mapping(config), "places": own}.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}".replace("_", "-"): inner for name, inner in value.items()}
        else:
            flat[key.replace("_", "-")] = value
    return flat


def device_places(node_config: Mapping[str, Any], run_config: Mapping[str, Any]) -> Places:
    """Where a device finds its files: its own node configuration says, never the server.

    Only simulated devices take them from the run's configuration (:data:`SIMULATION`).
    """
    own = {k: v for k, v in node_config.items() if k not in ("partition-id", "num-partitions")}
    if not own and is_simulation():
        return read_run_config(run_config)[1]
    fields = {k.replace("-", "_"): v for k, v in own.items()}
    return from_mapping(Places, fields, "node config")


def is_simulation() -> bool:
    """Whether this process was started to simulate devices."""
    return os.environ.get(SIMULATION) == "1"


def _nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *path, name = key.replace("-", "_").split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ConfigError(f"run config: {part!r} is a value and can't hold {key!r}")
        place[name] = value
    return tree
