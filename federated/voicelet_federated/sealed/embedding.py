"""A speaker vector sealed for one server, one purpose and a short time (HPKE, RFC 9180).

It is a person's voiceprint, so it leaves a device only of a profile whose owner agreed to
`federation`; the header names the consent record by its id, and both sides note it in their audit
log.

The recipient's key is a hybrid of ML-KEM-768 and X25519 where OpenSSL has both, X25519 otherwise;
the header names which.  The header is HPKE's `info`, so that not a bit of it can be changed.
"""

from __future__ import annotations

import base64
import json
import math
import re
import secrets
import struct
import time
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from voicelet.config import from_mapping
from voicelet.errors import SealError, VoiceletError
from voicelet.profiles.profile import Profile, stored_copy
from voicelet.trust.audit.device_log import note
from voicelet.trust.keys import hpke
from voicelet.trust.keys.seal import new_sealing_key
from voicelet_federated.errors import EmbeddingError
from voicelet_federated.privacy.local_dp import LocalDp

SIZES = (256, 328)
HYBRID, CLASSIC = "MLKEM768-X25519", "X25519"
MOST_BYTES = 8192
_X25519_BYTES = 32
_MAGIC = b"VLEM\x02"
_LABEL = b"voicelet sealed embedding 2"
CONSENT_PURPOSE = "federation"
"""What the owner of a voice has to have agreed to before its vector leaves the device."""


@dataclass(frozen=True)
class EmbeddingHeader:
    """The header of a sealed vector: readable by anybody, but authenticated.

    Attributes:
        suite: the key agreement; HKDF-SHA256 and ChaCha20-Poly1305 go with it.
        audience: the server it is for.
        purpose: what the server may do with it.
        issued, expires: seconds since 1970.
        nonce: random, against replays.
        size: numbers in the vector.
        epsilon, delta: of local differential privacy; None without.
        consent: id of the consent record that allows it, 32 hexadecimal digits.
    """

    suite: str
    audience: str
    purpose: str
    issued: float
    expires: float
    nonce: str
    size: int
    epsilon: float | None = None
    delta: float | None = None
    consent: str = ""


@dataclass(frozen=True)
class ServerPublic:
    """A server's public key, to be had by a way that can be trusted (shipped with the app).

    Attributes:
        audience: the server's name.
        x25519: base64.
        mlkem768: base64; empty without.
    """

    audience: str
    x25519: str
    mlkem768: str = ""

    @property
    def suite(self) -> str:
        """What to seal with."""
        return HYBRID if self.mlkem768 else CLASSIC

    def to_json(self) -> str:
        """For a file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServerPublic:
        """Read :meth:`to_json`.

        Raises:
            EmbeddingError: it isn't one.
        """
        try:
            return from_mapping(cls, json.loads(text))
        except (ValueError, VoiceletError) as error:
            raise EmbeddingError(f"not a server's public key ({error}); ask for it again") from None

    def key(self) -> bytes:
        """The key as :mod:`voicelet.trust.keys.hpke` wants it.

        Raises:
            EmbeddingError: it is broken.
        """
        try:
            parts = [base64.b64decode(k, validate=True) for k in (self.mlkem768, self.x25519)]
        except ValueError as error:
            raise EmbeddingError(f"the server's key can't be used ({error})") from None
        return b"".join(parts)


class ServerKey:
    """A server's private key; in memory, made anew at every start, so that old uploads stay shut.

    Args:
        audience: the server's name.
        hybrid: with ML-KEM-768; by default where it can be had.

    Raises:
        EmbeddingError: the hybrid was asked for and can't be had.
    """

    def __init__(self, audience: str, hybrid: bool | None = None) -> None:
        try:
            self._key = new_sealing_key(hybrid)
        except SealError as error:
            raise EmbeddingError(str(error)) from None
        public = self._key.public
        long, short = public[:-_X25519_BYTES], public[-_X25519_BYTES:]
        self.public = ServerPublic(
            audience, base64.b64encode(short).decode(), base64.b64encode(long).decode()
        )

    def open(self, sealed: bytes) -> tuple[EmbeddingHeader, npt.NDArray[np.float32]]:
        """The header and the vector [size]; time, purpose and replays are the caller's to check.

        It is noted in the audit log, by the id of the consent: for whoever opens what they asked
        for.  Whoever takes messages from strangers calls :meth:`decrypt`, and notes what passes.

        Raises:
            EmbeddingError: it isn't for this key, a bit of it was changed, or it names no consent.
        """
        header, vector = self.decrypt(sealed)
        note_received(header)
        return header, vector

    def decrypt(self, sealed: bytes) -> tuple[EmbeddingHeader, npt.NDArray[np.float32]]:
        """As :meth:`open`, without a note: what is refused later must not make the log grow.

        Raises:
            EmbeddingError: as :meth:`open`.
        """
        header, raw, box = read_header(sealed)
        if header.audience != self.public.audience or header.suite != self.public.suite:
            raise EmbeddingError("sealed for another server; use this one's present key")
        if not re.fullmatch("[0-9a-f]{32}", header.consent):
            raise EmbeddingError("it names no consent of the voice's owner; update the sender")
        try:
            plain = hpke.decrypt(self._key.private, box, _LABEL + raw)
        except SealError as error:
            raise EmbeddingError(str(error)) from None
        vector = np.frombuffer(plain, "<f4").copy() if len(plain) == 4 * header.size else None
        if vector is None or not np.isfinite(vector).all():
            raise EmbeddingError("the sealed vector is broken; seal it again")
        return header, vector


def note_received(header: EmbeddingHeader) -> None:
    """Note a vector that was received in the audit log, by the id of its owner's consent."""
    note("import", what="embedding", consent=header.consent, purpose=header.purpose)


def seal_embedding(
    profile: Profile,
    server_public: ServerPublic,
    purpose: str,
    expires_s: float,
    local_dp: LocalDp | None = None,
    *,
    mel_statistics: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> bytes:
    """Seal a profile's speaker vector for a server, and note it in the audit log.

    Args:
        profile: whose owner agreed to `federation`.
        server_public: the server.
        purpose: what it may be used for there.
        expires_s: seconds from now.
        local_dp: noise for a d-vector.  The 72 other numbers of a speaker vector (pitch, spectrum)
            aren't covered by it and tell people apart too, so the two don't go together.
        mel_statistics: mean and deviation [n_mels] of the bundle's mels, for the whole speaker
            vector [328]; without, the d-vector [256] is sent.

    Raises:
        ConsentError, ConsentEndedError: its owner didn't agree to that, or no longer does.
        ProfileError: it isn't a profile, or was changed after its owner agreed.
        EmbeddingError: the vector, the time or the combination is impossible.
    """
    profile = stored_copy(profile)  # what is sealed is what was checked, whatever was passed
    profile.check_consent(CONSENT_PURPOSE)
    consent = profile.check_record().id
    vector = profile.speaker_vector(*mel_statistics) if mel_statistics else profile.d_vector
    values = np.asarray(vector, np.float32)
    if values.shape not in {(n,) for n in SIZES} or not np.isfinite(values).all():
        raise EmbeddingError(f"a vector of {SIZES} finite numbers is wanted; enrol again")
    if not (math.isfinite(expires_s) and expires_s > 0.0):
        raise EmbeddingError(f"can't expire in {expires_s} s; give a positive number of seconds")
    if local_dp is not None:
        if values.shape != (256,):
            raise EmbeddingError("local noise covers d-vectors only; send the first 256 numbers")
        values = local_dp.noised(values)
    now = time.time()
    finite = local_dp is not None and math.isfinite(local_dp.epsilon)
    header = EmbeddingHeader(
        suite=server_public.suite,
        audience=server_public.audience,
        purpose=purpose,
        issued=now,
        expires=now + expires_s,
        nonce=secrets.token_hex(16),
        size=len(values),
        epsilon=local_dp.epsilon if local_dp and finite else None,
        delta=local_dp.delta if local_dp and finite else None,
        consent=consent,
    )
    raw = json.dumps(asdict(header), sort_keys=True).encode()
    try:
        box = hpke.encrypt(server_public.key(), values.astype("<f4").tobytes(), _LABEL + raw)
    except SealError as error:
        raise EmbeddingError(str(error)) from None
    note(
        "export",
        what="embedding",
        profile=profile.name,
        consent=consent,
        recipient=server_public.audience,
        purpose=purpose,
        size=len(values),
    )
    return bytes(_MAGIC + struct.pack(">H", len(raw)) + raw + box)


def read_header(sealed: bytes) -> tuple[EmbeddingHeader, bytes, bytes]:
    """(header, its bytes, the HPKE message); nothing of it is authenticated yet.

    Raises:
        EmbeddingError: it isn't a sealed embedding.
    """
    start = len(_MAGIC) + 2
    if len(sealed) > MOST_BYTES or len(sealed) < start or not sealed.startswith(_MAGIC):
        raise EmbeddingError("not a sealed embedding of a version known here")
    (length,) = struct.unpack(">H", sealed[len(_MAGIC) : start])
    raw = sealed[start : start + length]
    try:
        header = from_mapping(EmbeddingHeader, json.loads(raw))
        if header.size not in SIZES or not math.isfinite(header.issued + header.expires):
            raise ValueError("impossible values")
    except (ValueError, RecursionError, VoiceletError) as error:
        raise EmbeddingError(f"the header of a sealed embedding is broken ({error})") from None
    return header, raw, sealed[start + length :]
