"""A consent record: who agreed to what with whose voice, signed by the device that asked.

A record is a JSON object in one canonical spelling (sorted keys, no spaces, ASCII), signed with the
device's Ed25519 key for the context `voicelet-consent-1`.  It is bound to one voice by a SHA-256,
so that it is worth nothing beside another one: in version 2 of everything that shapes the voice, in
version 1 of the voiceprint alone.  Version 3 names what it follows as well: the records that it
took the place of, and the devices that signed it before this one.  Who may sign for whom is
`trust/consent/signers.py`'s matter.
"""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from voicelet.config import did_you_mean, from_mapping
from voicelet.errors import ConfigError, ConsentEndedError, ConsentError, SealError
from voicelet.trust.consent.sentence import check_read_on
from voicelet.trust.keys import seal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


# The words of a consent: purposes, times and texts, checked in one place.


PURPOSES = ("own-use", "assistive", "publishing", "research", "federation")
"""What a voice may be used for.

- `own-use`: by the speaker, for themselves.
- `assistive`: a communication aid speaks for the speaker; others may operate it.
- `publishing`: the speech is meant for the public or for customers.
- `research`: the speech is made for a study.
- `federation`: the voice takes part in federated learning.
"""

_GRANTED_BY = {"own-use": {"own-use", "assistive"}, "assistive": {"own-use", "assistive"}}
"""An aid *is* its owner's own use: it must work whichever of the two names it gives."""

BY_STATEMENT = ("own-use", "assistive")
"""What a consent may allow by itself that somebody only wrote down, and one that another device
signed: the speaker's own use.  More needs a second signature, or a trusted signer."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"
MAX_TEXT = 500


def check_purpose(purpose: str) -> str:
    """Return the purpose, if it is one.

    Raises:
        ConsentError: it isn't; the nearest is named.
    """
    if purpose not in PURPOSES:
        hint = did_you_mean(purpose, PURPOSES) if isinstance(purpose, str) else ""
        raise ConsentError(f"no purpose {purpose!r}{hint}; there are {', '.join(PURPOSES)}")
    return purpose


def check_purposes(purposes: str | Iterable[str]) -> tuple[str, ...]:
    """Return purposes without repetitions, in the order of `PURPOSES`.

    Raises:
        ConsentError: there is none, or one that doesn't exist.
    """
    if not isinstance(purposes, Iterable):
        raise ConsentError("purposes must be a list of words")
    distinct = {check_purpose(p) for p in ([purposes] if isinstance(purposes, str) else purposes)}
    if not distinct:
        raise ConsentError(f"a consent needs a purpose; there are {', '.join(PURPOSES)}")
    return tuple(p for p in PURPOSES if p in distinct)


def covers(granted: Iterable[str], purpose: str) -> bool:
    """Whether a consent to the purposes `granted` covers the use `purpose`."""
    return not _GRANTED_BY.get(purpose, {purpose}).isdisjoint(granted)


def check_text(what: str, text: str, *, empty: bool = False) -> str:
    """Return a text of a record, in Unicode's composed form.

    Raises:
        ConsentError: no text, empty (unless `empty`), too long, or invisible characters in it.
    """
    if not isinstance(text, str):
        raise ConsentError(f"{what} of a consent must be text, not {type(text).__name__}")
    composed = unicodedata.normalize("NFC", text)
    if not empty and not composed.strip():
        raise ConsentError(f"{what} of a consent is empty; say it")
    if len(composed) > MAX_TEXT:
        raise ConsentError(f"{what} of a consent is longer than {MAX_TEXT} characters")
    # Zero-width joiners are part of the spelling of some scripts.
    invisible = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    if any(c not in "\u200c\u200d" and unicodedata.category(c) in invisible for c in composed):
        raise ConsentError(f"{what} of a consent holds an invisible or unassigned character")
    return composed


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


def to_iso(moment: datetime) -> str:
    """`2027-01-31T23:59:59Z`, to the second; a time without a zone counts as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).strftime(_TIME)


def from_iso(what: str, text: str) -> datetime:
    """Inverse of :func:`to_iso`; nothing but its exact form is taken.

    Raises:
        ConsentError: it isn't of that form.
    """
    try:
        moment = datetime.strptime(text, _TIME).replace(tzinfo=timezone.utc)
    except (ValueError, TypeError, OverflowError):
        raise ConsentError(f"{what} of a consent is no time: {str(text)[:40]!r}") from None
    if to_iso(moment) != text:
        raise ConsentError(f"{what} of a consent is no time: {text[:40]!r}")
    return moment


VERSION = 3
"""The newest version; a record that follows nothing is of version 2, which older voicelets read."""
VOICEPRINT_ONLY = 1
"""The version of records that are bound to the voiceprint alone; no adaptation is covered."""
_FOLLOWS_NOTHING = 2
MOST_REPLACED = 256
"""Earlier records that one can name."""
MOST_SIGNERS = 16
CONTEXT = "voicelet-consent-1"
COUNTERSIGN_CONTEXT = "voicelet-countersign-1"
_COUNTERSIGNED = ("countersigner", "countersignature")
_FOLLOWED = ("replaces", "earlier_signers")
METHODS = ("spoken", "scripted")
MAX_BYTES = 1 << 16
_HEX = {"id": 32, "voice_sha256": 64, "device": 64}


@dataclass(frozen=True)
class ConsentRecord:
    """What was agreed to; nothing in it can change without breaking its signature.

    Attributes:
        id: 32 hexadecimal digits, random; revocations name it.
        speaker: whose voice it is.
        given_by: who agreed: the speaker, or somebody who may agree for them.
        purposes: see `voicelet.trust.consent.record.PURPOSES`.
        scope: further limits in words ("on Ana's tablet only"); for people, not checked.
        created: ISO 8601 in UTC, to the second.
        expires: the same; None for a consent that stands until it is revoked.
        method: "spoken": the speaker read a random sentence; "scripted": somebody wrote it down.
        reason: of a scripted consent: who agreed and why it wasn't spoken.
        sentence: the sentence that was read, for a spoken consent.
        audio_sha256: of the recording of the sentence (which isn't kept), of a spoken one.
        voice_sha256: of all that shapes the voice it belongs to (`Profile.voice_sha256`); in
            version 1 of the voiceprint (`Profile.voiceprint_sha256`).
        device: public key of the device that signed, hexadecimal.
        signature: hexadecimal.
        version: 2; 3 if it names what it follows; 1 for what voicelet 0.1 made.
        countersigner: public key of whoever signed as well, hexadecimal; "" for nobody.
        countersignature: hexadecimal, or "".
        replaces: ids of the records whose place it took when the consent was renewed, the oldest
            first; whoever withdraws it withdraws them.
        earlier_signers: public keys of the devices that signed it before `device` did, which
            signed anew after an adaptation; all of them have to be trusted.

    Raises:
        ConsentError: a value is impossible.
    """

    id: str
    speaker: str
    given_by: str
    purposes: tuple[str, ...]
    scope: str
    created: str
    expires: str | None
    method: str
    reason: str
    sentence: str
    audio_sha256: str
    voice_sha256: str
    device: str
    signature: str = field(repr=False)
    version: int = _FOLLOWS_NOTHING
    countersigner: str = ""
    countersignature: str = field(default="", repr=False)
    replaces: tuple[str, ...] = ()
    earlier_signers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_version(self.version)
        for name, digits in _HEX.items():
            _check_hex(name, getattr(self, name), digits)
        _check_hex("signature", self.signature, 128)
        is_countersigned = bool(self.countersigner) and self.version != VOICEPRINT_ONLY
        _check_hex("countersigner", self.countersigner, 64 if is_countersigned else 0)
        _check_hex("countersignature", self.countersignature, 128 if is_countersigned else 0)
        self._check_followed()
        for name in ("speaker", "given_by", "scope", "reason", "sentence"):
            optional = name not in ("speaker", "given_by")
            if check_text(f"the {name}", getattr(self, name), empty=optional) != getattr(
                self, name
            ):
                raise ConsentError(f"the {name} of a consent isn't in Unicode's composed form")
        if not isinstance(self.purposes, tuple) or check_purposes(self.purposes) != self.purposes:
            raise ConsentError("the purposes of a consent aren't in order")
        created = from_iso("the date", self.created)
        if self.expires is not None and from_iso("the end", self.expires) <= created:
            raise ConsentError("a consent can't end before it began")
        if self.method not in METHODS:
            raise ConsentError(f"no method {self.method!r} of consent; update voicelet")
        _check_hex("audio_sha256", self.audio_sha256, 64 if self.method == "spoken" else 0)
        if bool(self.sentence) != (self.method == "spoken"):
            raise ConsentError("a spoken consent has a sentence, a scripted one hasn't")
        if bool(self.reason) != (self.method == "scripted"):
            raise ConsentError("a scripted consent has a reason, a spoken one hasn't")

    def _check_followed(self) -> None:
        for name, digits, most in (
            ("replaces", 32, MOST_REPLACED),
            ("earlier_signers", 64, MOST_SIGNERS),
        ):
            values = getattr(self, name)
            if not isinstance(values, tuple) or len(values) > most:
                raise ConsentError(f"{name} of a consent record lists {most} at most")
            for value in values:
                _check_hex(name, value, digits)
            if len(set(values)) < len(values):
                raise ConsentError(f"{name} of a consent record lists one twice")
        if bool(self.replaces or self.earlier_signers) != (self.version == VERSION):
            raise ConsentError(
                f"a consent record of version {VERSION}, and no other, names what it follows"
            )
        if self.id in self.replaces or self.device in self.earlier_signers:
            raise ConsentError("a consent record can't follow itself")

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        values = dataclasses.asdict(self)
        values |= {name: list(values[name]) for name in ("purposes", *_FOLLOWED)}
        missing: tuple[str, ...] = _FOLLOWED if self.version < VERSION else ()
        if self.version == VOICEPRINT_ONLY:
            missing += _COUNTERSIGNED
        return {k: v for k, v in values.items() if k not in missing}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConsentRecord:
        """Inverse of :meth:`to_dict`.

        Raises:
            ConsentError: a key is missing, unknown or impossible.
        """
        try:
            if isinstance(data, Mapping):
                _check_version(data.get("version"))
                needed: tuple[str, ...] = (
                    _COUNTERSIGNED if data["version"] != VOICEPRINT_ONLY else ()
                )
                needed += _FOLLOWED if data["version"] == VERSION else ()
                if not set(needed) <= set(data):
                    raise ConfigError(f"it lacks {' or '.join(needed)}")
            return from_mapping(cls, data, "consent record")
        except ConfigError as error:
            raise ConsentError(f"this is no consent record: {error}") from error

    def to_bytes(self) -> bytes:
        """The record as a file."""
        return _canonical(self.to_dict())

    @classmethod
    def from_bytes(cls, data: bytes) -> ConsentRecord:
        """Inverse of :meth:`to_bytes`; only the canonical form is read, signatures aren't checked.

        Raises:
            ConsentError: it isn't a record.
        """
        try:
            if len(data) > MAX_BYTES:
                raise ValueError("too long")
            record = cls.from_dict(json.loads(data.decode("ascii")))
        except (ValueError, RecursionError) as error:
            raise ConsentError(f"this is no consent record ({type(error).__name__})") from error
        if record.to_bytes() != data:
            raise ConsentError("the consent record was changed: it isn't spelled as it was signed")
        return record

    def signed_by(self, key: Ed25519PrivateKey) -> ConsentRecord:
        """This record with the device key and signature of `key`."""
        public = key.public_key().public_bytes_raw().hex()
        unsigned = dataclasses.replace(self, device=public)
        signature = seal.sign(key, CONTEXT, unsigned._signed()).hex()
        return dataclasses.replace(unsigned, signature=signature)

    def following(self, replaced: Iterable[str], key: Ed25519PrivateKey) -> ConsentRecord:
        """This record, signed anew as the one that took the place of others.

        Args:
            replaced: their ids, the oldest first; of too many, the oldest are left out.
            key: of the device that signed it.

        Raises:
            ConsentError: it is of version 1, which has no place for them.
        """
        if self.version == VOICEPRINT_ONLY:
            raise ConsentError("a consent record of version 1 can't name what it follows")
        ids = tuple(dict.fromkeys(i for i in (*self.replaces, *replaced) if i != self.id))
        return self._signed_with({"replaces": ids[-MOST_REPLACED:]}, key)

    def countersigned_by(self, key: Ed25519PrivateKey) -> ConsentRecord:
        """This record with a second signature, of somebody who vouches for what it says.

        Raises:
            ConsentError: it is of version 1, which has no place for it; or the key is the one that
                it was signed with.
        """
        if self.version == VOICEPRINT_ONLY:
            raise ConsentError(
                "a consent record of version 1 can't be countersigned; renew the consent first:"
                " voicelet consent renew"
            )
        public = key.public_key().public_bytes_raw().hex()
        if public == self.device:
            raise ConsentError(
                "this device signed the record already; somebody else has to countersign it"
            )
        signature = seal.sign(key, COUNTERSIGN_CONTEXT, self._countersigned()).hex()
        return dataclasses.replace(self, countersigner=public, countersignature=signature)

    def renewed(
        self, voice_sha256: str, purposes: Iterable[str], key: Ed25519PrivateKey
    ) -> ConsentRecord:
        """The same consent for a voice that was adapted since: signed anew, with the same id.

        A revocation of the old record holds for the new one.  A countersignature was for the old
        voice and is gone.  Whoever signed before has to be trusted as well as the new signer, and
        stays named.

        Args:
            voice_sha256: of all that shapes the voice now.
            purposes: of the old ones, those that still hold.

        Raises:
            ConsentError: a purpose wasn't agreed to.
        """
        kept = check_purposes(purposes)
        if not set(kept) <= set(self.purposes):
            raise ConsentError("a consent can't be renewed for purposes that weren't agreed to")
        signers = dict.fromkeys((*self.earlier_signers, self.device))
        signers.pop(key.public_key().public_bytes_raw().hex(), None)
        if len(signers) > MOST_SIGNERS:
            raise ConsentError(
                f"more than {MOST_SIGNERS} devices have signed this consent in turn; ask for it"
                " anew: voicelet consent renew"
            )
        changes: dict[str, Any] = {"voice_sha256": voice_sha256, "purposes": kept}
        return self._signed_with({**changes, "earlier_signers": tuple(signers)}, key)

    def verify(self, voice_sha256: str | None = None) -> None:
        """Check the signatures, what was read and when, and that it belongs to a voice.

        Args:
            voice_sha256: of the voice; None to check the signatures alone.

        Raises:
            ConsentError: the record was changed since it was signed, is another voice's, or the
                sentence isn't one that voicelet asks for, or not one of the day of the record.
        """
        try:
            signature = bytes.fromhex(self.signature)
            seal.verify(bytes.fromhex(self.device), CONTEXT, self._signed(), signature)
            if self.countersigner:
                second = bytes.fromhex(self.countersignature)
                countersigner = bytes.fromhex(self.countersigner)
                seal.verify(countersigner, COUNTERSIGN_CONTEXT, self._countersigned(), second)
        except SealError:
            raise ConsentError(
                f"the consent record of {self.speaker!r} was changed since it was signed;"
                " restore it from a backup, or ask for consent again"
            ) from None
        if self.method == "spoken":
            check_read_on(self.sentence, from_iso("the date", self.created))
        if voice_sha256 is not None and voice_sha256 != self.voice_sha256:
            raise ConsentError(f"the consent record of {self.speaker!r} is another voice's")

    def check(self, purpose: str = "own-use", now: datetime | None = None) -> None:
        """Check that it covers a use at a time (`Revocations` knows the revoked ones).

        Raises:
            ConsentEndedError: it has expired.
            ConsentError: it doesn't cover the purpose, there is no such purpose, or it is scripted
                and nobody countersigned it for more than the speaker's own use.
        """
        if not covers(self.purposes, check_purpose(purpose)):
            raise ConsentError(
                f"{self.given_by} agreed to {', '.join(self.purposes)}, not to {purpose};"
                " to ask for both: voicelet consent renew, with"
                f" {' '.join(f'--purpose {p}' for p in (*self.purposes, purpose))}"
            )
        if self.needs_countersigner(purpose) and not self.countersigner:
            raise ConsentError(
                f"a consent that was only written down serves for {' and '.join(BY_STATEMENT)}, not"
                f" for {purpose}; let the speaker read a sentence (voicelet consent renew), or"
                " somebody who is trusted here countersign it (voicelet consent countersign)"
            )
        # Times of one form are in the order of their letters.
        if self.expires is not None and self.expires <= to_iso(now or utc_now()):
            raise ConsentEndedError(
                f"the consent of {self.given_by} ended on {self.expires[:10]}; to ask for it again:"
                " voicelet consent renew"
            )

    def needs_countersigner(self, purpose: str) -> bool:
        """Whether the record allows a use only together with a second, trusted signature."""
        return self.method == "scripted" and purpose not in BY_STATEMENT

    def days_left(self, now: datetime | None = None) -> float | None:
        """Days until it expires, negative once it has; None for one that doesn't expire."""
        if self.expires is None:
            return None
        return (from_iso("the end", self.expires) - (now or utc_now())).total_seconds() / 86400.0

    def _signed_with(self, changes: Mapping[str, Any], key: Ed25519PrivateKey) -> ConsentRecord:
        """With other values, of the version that these need; a countersignature is gone."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values |= {**dict.fromkeys(_COUNTERSIGNED, ""), **changes}
        follows = values["replaces"] or values["earlier_signers"]
        values["version"] = VERSION if follows else _FOLLOWS_NOTHING
        values["device"] = key.public_key().public_bytes_raw().hex()
        return ConsentRecord(**values).signed_by(key)

    def _signed(self) -> bytes:
        unsigned = ("signature", *_COUNTERSIGNED)
        return _canonical({k: v for k, v in self.to_dict().items() if k not in unsigned})

    def _countersigned(self) -> bytes:
        return _canonical({k: v for k, v in self.to_dict().items() if k not in _COUNTERSIGNED})


def unsigned_record(**values: Any) -> ConsentRecord:
    """A record of those fields with a new id, yet to be signed."""
    blank = {"id": secrets.token_hex(16), "device": "0" * 64, "signature": "0" * 128}
    return ConsentRecord(**{**blank, **values})


def _canonical(data: Mapping[str, Any]) -> bytes:
    return json.dumps(
        data, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode("ascii")


def _check_version(version: object) -> None:
    if isinstance(version, bool) or version not in range(VOICEPRINT_ONLY, VERSION + 1):
        raise ConsentError(
            f"a consent record of version {version!r}, and this voicelet reads 1 to {VERSION};"
            " update voicelet"
        )


def _check_hex(name: str, value: str, digits: int) -> None:
    if not isinstance(value, str) or not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
        raise ConsentError(f"the {name} of a consent record must be {digits} hexadecimal digits")
