"""Profiles on their way to another device: sealed for it, with the consent record inside.

The device that a profile arrives at doesn't know who signed its record.  Somebody there has to say
yes to the signer, once (`voicelet.trust.consent.signers`).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator

from voicelet.errors import ConsentEndedError, ProfileError, VoiceletError
from voicelet.profiles.as_spoken import SpeakingVoice, guard_spoken
from voicelet.profiles.erased import check_not_erased
from voicelet.profiles.profile import MAGIC, Profile, check_encoder
from voicelet.profiles.vault.disk import Hidden
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit.device_log import note
from voicelet.trust.consent.linked import whose, withdrawn_since
from voicelet.trust.consent.record import BY_STATEMENT, ConsentRecord
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.consent.signers import check_key, device_signers, signers_of
from voicelet.trust.keys.seal import SealingKey, open_sealed, seal

INFO = b"voicelet profile export 1"
MAX_BYTES = 1 << 21


def export_profile(vault: Vault, name: str, recipient: bytes) -> bytes:
    """A profile, sealed so that only the owner of a key can open it.

    Args:
        recipient: a public sealing key; `voicelet profiles key` prints that of a device.

    Raises:
        ProfileNotFoundError, ProfileLockedError, ProfileError: as :meth:`Vault.load`.
        ConsentError: its owner's consent is missing, not genuine, or has ended.
        SealError: the key is broken, or too new for this machine's `cryptography`.
    """
    profile = vault.load(name)
    profile.allowed_purposes()
    data = seal(recipient, profile.to_bytes(), info=INFO)
    note("export", what="profile", profile=profile.name, bytes=len(data))
    return data


def read_record(data: bytes, key: SealingKey) -> ConsentRecord:
    """The consent record of a profile that arrived, for somebody to look at.

    Its signatures hold; whether its signer is known here isn't asked.

    Raises:
        SealError, ConsentError, ProfileError: as :func:`import_profile`.
    """
    return _opened(data, key).check_record()


def read_name(data: bytes, key: SealingKey) -> str:
    """What a profile that arrived was called where it comes from.

    Raises:
        SealError, ProfileError: as :func:`import_profile`.
    """
    return _opened(data, key).name


def import_profile(
    vault: Vault,
    data: bytes,
    key: SealingKey,
    *,
    name: str | None = None,
    replace: bool = False,
    trusted_signers: Iterable[str] = (),
    voice: SpeakingVoice | None = None,
    agree_anew: Callable[[Profile], Profile] | None = None,
    accept_erased: bool = False,
) -> Profile:
    """Open a profile that was sealed for `key`, and save it.

    Args:
        data: sealed, or a profile's file that isn't encrypted, of a `plain` vault for one.
        name: what to call it here; by default what it was called there.
        replace: whether a profile of that name may be replaced.
        trusted_signers: public keys (hexadecimal) of devices whose records shall count here from
            now on, for the speaker's own use.  Without, only signers that are trusted already.
        voice: what an adapted profile was adapted for: it has to be heard before it is kept.
        agree_anew: puts a new consent in place of the record that came with the profile, for one
            that has ended; `voicelet.enrolment.consent.give_consent` is meant.
        accept_erased: whether it may come back if it was erased here since its consent was given:
            a sealed profile doesn't say when it was sealed.

    Raises:
        SealError: for another key, not a sealed profile, or changed.
        ConsentError: its consent record is missing, not genuine, has ended, or is signed by a
            device that isn't trusted here; `read_record` shows it.
        VoiceProtectedError: it is, or was adapted to be, somebody else's voice.
        ProfileError: it isn't a profile, it was erased here, an unknown speaker encoder made it,
            there is one of that name already, it can't be saved, or it is adapted and `voice` is
            missing or another one.
    """
    profile = _opened(data, key)
    names = {profile.name, name or profile.name}
    if name is not None:
        profile = dataclasses.replace(profile, name=name)
    arrived = profile.check_record()
    check_encoder(profile)
    if not accept_erased:
        check_not_erased(profile, arrived.created, "the consent that came with it was given")
    if agree_anew is not None:
        profile = agree_anew(profile)
    record = profile.check_record()
    others = vault.list()  # the vault makes known here what it knows to be withdrawn
    with _trusted(record, trusted_signers):
        _check_not_ended(profile, names)
        if profile.agreed_adaptation is not None:
            if voice is None:
                raise ProfileError(
                    f"the profile {profile.name!r} was adapted; give the voice that it was adapted"
                    " for (voice=Voice.load()), so that it can be heard"
                )
            guard_spoken(profile, voice, others)
        vault.save(profile, replace=replace)
    # The consent tells that it is the same voice, whatever it is called.
    facts = {"profile": profile.name, "consent": record.id, **whose(record)}
    note("import", what="profile", bytes=len(data), **facts)
    return profile


@contextlib.contextmanager
def _trusted(record: ConsentRecord, keys: Iterable[str]) -> Iterator[None]:
    """Trust those of a record's signers that are among `keys`; no longer, if what follows fails."""
    signers = device_signers()
    wanted = {check_key(key) for key in keys}
    new = [key for key in signers_of(record) if key in wanted and signers.get(key) is None]
    for key in new:
        signers.trust(key, record.given_by, BY_STATEMENT)
    try:
        yield
    except VoiceletError:
        for key in new:
            signers.untrust(key)
        raise
    for key in new:
        note("trust", signer=key, why="import")


def _check_not_ended(profile: Profile, names: Iterable[str]) -> None:
    """Raise as `Profile.allowed_purposes`, with a remedy for a profile that isn't here yet.

    Args:
        names: the profile's, here and where it comes from.

    Raises:
        ConsentEndedError: it ended, was withdrawn, or a later one of the same consent was.
    """
    try:
        profile.allowed_purposes()
        if withdrawn_since(profile.check_record(), names):
            raise ConsentEndedError("a later one was withdrawn")
    except ConsentEndedError:
        record = profile.check_record()
        ended = f"ended on {str(record.expires)[:10]}"
        if record.id in device_revocations() or withdrawn_since(record, names):
            ended = "was withdrawn here"
        raise ConsentEndedError(
            f"the profile {profile.name!r} wasn't imported: its consent, given by"
            f" {record.given_by}, {ended}; if they agree anew, import it with --spoken-consent FILE"
            " or --scripted-consent TEXT"
        ) from None


def _opened(data: bytes, key: SealingKey) -> Profile:
    if data.startswith(MAGIC):
        return _parsed(Hidden(data))
    return _parsed(Hidden(open_sealed(key, data, info=INFO)))


def _parsed(plain: bytes) -> Profile:
    try:
        return Profile.from_bytes(plain)
    except ProfileError as error:
        problem = str(error)
    del plain  # not in the traceback: crash reporters send what frames hold
    raise ProfileError(problem)
