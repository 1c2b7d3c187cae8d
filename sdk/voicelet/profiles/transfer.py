"""Profiles on their way to another device: sealed for it, with the consent record inside."""

from __future__ import annotations

import dataclasses

from voicelet.errors import ProfileError
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.disk import Hidden
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit.device_log import note
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
    profile.check_consent(profile.check_record().purposes[0])
    data = seal(recipient, profile.to_bytes(), info=INFO)
    note("export", what="profile", profile=profile.name, bytes=len(data))
    return data


def import_profile(
    vault: Vault,
    data: bytes,
    key: SealingKey,
    *,
    name: str | None = None,
    replace: bool = False,
) -> Profile:
    """Open a profile that was sealed for `key`, and save it.

    Args:
        name: what to call it here; by default what it was called there.
        replace: whether a profile of that name may be replaced.

    Raises:
        SealError: for another key, not a sealed profile, or changed.
        ConsentError: its consent record is missing, not genuine, or has ended.
        ProfileError: it isn't a profile, there is one of that name already, or it can't be saved.
    """
    profile = _parsed(Hidden(open_sealed(key, data, info=INFO)))
    profile.check_consent(profile.check_record().purposes[0])
    if name is not None:
        profile = dataclasses.replace(profile, name=name)
    vault.save(profile, replace=replace)
    note("import", what="profile", profile=profile.name, bytes=len(data))
    return profile


def _parsed(plain: bytes) -> Profile:
    try:
        return Profile.from_bytes(plain)
    except ProfileError as error:
        problem = str(error)
    del plain  # not in the traceback: crash reporters send what frames hold
    raise ProfileError(problem)
