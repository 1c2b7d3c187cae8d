"""The floor under a device's rounds: the smallest cohort, and how much of its noise is believed.

A server states the minimum of a cohort in its terms, and whoever hands out the roster decides who
is in it.  A device therefore holds a floor of its own.  The operator signs it when devices are
enrolled, `join` keeps it beside the ledger, and no server can go below it afterwards.  What a
device spends is counted with the noise of `honest` devices alone, itself among them: as long as
that many in a cohort add their noise, its ledger is right whatever all the others and the server
do.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from voicelet.config import from_mapping, unique_keys
from voicelet.errors import ConfigError, VoiceletError
from voicelet.files import atomic_file, make_private, read_own
from voicelet_federated.app.config import LARGEST_COHORT
from voicelet_federated.errors import CohortError

FILE = "fleet.json"
MOST_BYTES = 4096
_LABEL = b"voicelet federated floor v1"
_REMEDY = "ask the operator for the fleet's file and `join --fleet` it"


@dataclass(frozen=True)
class Floor:
    """The least that a device accepts.

    Attributes:
        minimum: devices in a cohort, 2 or more.
        honest: how many of any such cohort are taken to add their noise, 1 (this device alone) to
            `minimum`.
    """

    minimum: int
    honest: int

    def __post_init__(self) -> None:
        if not 2 <= self.minimum <= LARGEST_COHORT or not 1 <= self.honest <= self.minimum:
            raise ConfigError(
                f"a floor of {self.minimum} devices, {self.honest} of them honest, makes no sense: "
                "choose a minimum of 2 or more, and 1 to that many honest ones"
            )

    def stricter(self, minimum: int, honest: int) -> Floor:
        """This floor, raised to the device's own wishes; 0 is none.

        Args:
            minimum: at least so many devices in a cohort.
            honest: at most so many of them believed.
        """
        return Floor(max(self.minimum, minimum), min(self.honest, honest or self.honest))

    def check(self, minimum: int) -> None:
        """See that a cohort of at least `minimum` devices is large enough.

        Raises:
            CohortError: it isn't.
        """
        if minimum < self.minimum:
            raise CohortError(
                f"the server opens sums of {minimum} devices, this device asks for {self.minimum}; "
                "it sits the round out"
            )


def sign_floor(floor: Floor, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The fleet's file: the floor with the operator's signature, for devices to verify."""
    signature = key.sign(_signed_bytes(floor), ec.ECDSA(hashes.SHA384()))
    return json.dumps({**asdict(floor), "signature": signature.hex()}, indent=1).encode() + b"\n"


def read_floor(data: bytes, operator: ec.EllipticCurvePublicKey) -> Floor:
    """Inverse of :func:`sign_floor`.

    Raises:
        CohortError: it isn't a fleet's file, or the operator didn't sign it.
    """
    try:
        if len(data) > MOST_BYTES:
            raise ValueError("too long")
        fields = json.loads(data.decode("ascii"), object_pairs_hook=unique_keys)
        signature = bytes.fromhex(fields.pop("signature"))
        floor = from_mapping(Floor, fields, "fleet")
        operator.verify(signature, _signed_bytes(floor), ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        raise CohortError(f"the fleet's file isn't signed by the operator; {_REMEDY}") from None
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        VoiceletError,
    ) as error:
        raise CohortError(f"not a fleet's file ({error}); {_REMEDY}") from None
    return floor


def load_floor(state: Path, operator: ec.EllipticCurvePublicKey) -> Floor:
    """The floor that a device keeps in its folder.

    Raises:
        CohortError: there is none, or the operator didn't sign it.
    """
    return read_floor(_read(state / FILE), operator)


def keep_floor(file: Path, state: Path, operator: ec.EllipticCurvePublicKey) -> Floor:
    """Take over the fleet's file into a device's folder; a lower floor never replaces a higher one.

    Args:
        file: as the operator hands it out.
        state: the device's folder.
        operator: key that it must be signed with.

    Raises:
        CohortError: it can't be read, isn't signed by the operator, or would lower the floor.
    """
    data = _read(file)
    floor, kept = read_floor(data, operator), state / FILE
    if kept.exists():
        old = load_floor(state, operator)
        if floor.minimum < old.minimum or floor.honest > old.honest:
            raise CohortError(
                f"{file} asks for {floor.minimum} devices of which {floor.honest} are honest, "
                f"less safe than the {old.minimum} and {old.honest} agreed to so far; if whoever "
                f"takes part wants that, remove {kept} first"
            )
    try:
        make_private(state)
        with atomic_file(kept, 0o600, follow=False) as stream:
            stream.write(data)
    except OSError as error:
        raise CohortError(f"{kept}: can't be written ({error}); make room") from None
    return floor


def _read(file: Path) -> bytes:
    try:
        return read_own(file, MOST_BYTES, follow=True)
    except OSError as error:
        reason = error.strerror or error
        raise CohortError(f"{file}: no floor for a cohort ({reason}); {_REMEDY}") from None


def _signed_bytes(floor: Floor) -> bytes:
    return _LABEL + json.dumps([floor.minimum, floor.honest]).encode()
