"""Where profiles live: encrypted, one file each, in a folder that only their owner can read.

    profiles/NAME.vclp      a profile (:mod:`.disk`)
    profiles/vault.json     which keys there are, and where each is kept (:mod:`.keys`)
    profiles/index          which generation of each profile is the newest (:mod:`.index`)
    profiles/backup/        a second copy of all of these (:mod:`.disk`)

Every file is written beside its place, synced and renamed, so that a crash, a power cut or a full
disk leaves the old profile or the new one, never a part of either.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from voicelet.config import did_you_mean
from voicelet.errors import ProfileError, ProfileLockedError, ProfileNotFoundError
from voicelet.profiles.guard import guard_voice
from voicelet.profiles.names import check_name, default_folder, file_stem, name_of_file
from voicelet.profiles.profile import Profile, check_encoder, stored_copy
from voicelet.profiles.vault import disk as vault_file
from voicelet.profiles.vault.access import Access
from voicelet.profiles.vault.admission import believed, check_plain_is_wanted
from voicelet.profiles.vault.disk import SUFFIX, Disk
from voicelet.profiles.vault.keys import AUTO, KeyRing, Passphrase
from voicelet.profiles.vault.lock import (
    PASSPHRASE,
    WRAPPED,
    encrypted_part,
    is_pending,
    read_lock,
    write_lock,
)
from voicelet.profiles.vault.rotation import in_use, rotate
from voicelet.profiles.vault.session import Session, open_or_make, refuse_orphans
from voicelet.trust.audit.device_log import note

__all__ = ["SUFFIX", "Vault", "default_folder"]

_log = logging.getLogger(__name__)


class Vault:
    """A folder of profiles.

        vault = Vault()
        vault.save(profile)
        profile = vault.load("ana")

    Several processes may use one vault: a reader sees the old profile or the new one.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        passphrase: Passphrase = None,
        protection: str = AUTO,
        keys: str | os.PathLike[str] | None = None,
    ) -> None:
        """Use the folder `path`, or the user's own; it is made when first written to.

        Args:
            passphrase: of a vault that has one, or a function that asks for it; by default the
                environment's `VOICELET_PASSPHRASE`.  A new vault is protected by it, if it is a
                text.
            protection: of a new vault: "keystore", "file", "passphrase", "plain" (not encrypted!),
                or "auto": the passphrase if there is one, else the system's keystore if there is
                one, else a private file in the folder of keys.
            keys: folder of key files and counters; by default `$XDG_DATA_HOME/voicelet/keys`.
        """
        self.path = Path(path) if path is not None else default_folder()
        self._disk = Disk(self.path)
        self._protection = protection
        self._ring = KeyRing(passphrase, Path(keys) if keys is not None else None)
        self._access = Access(self._disk, self._ring, protection)

    @property
    def protection(self) -> str | None:
        """How the key is kept ("plain": not at all); None for a vault that isn't made yet.

        Raises:
            ProfileError: `vault.json` is damaged.
        """
        lock = read_lock(self._disk)
        return lock.slots[0].where if lock else None

    def save(self, profile: Profile, *, replace: bool = True) -> Path:
        """Store a profile under its name and return its file.

        Args:
            replace: whether a profile of that name may be replaced.

        Raises:
            ConsentError: the profile has no consent record, or one that isn't genuine.
            VoiceProtectedError: the voice is another person's on this device, or on a list.
            ProfileLockedError: the vault's key or passphrase is missing or wrong.
            ProfileError: the disk is full, the folder can't be written, an unknown speaker encoder
                made it, or there is one already and `replace` is false.  What was there before is
                intact.
        """
        profile = stored_copy(profile)
        profile.check_record()
        check_encoder(profile)
        others = self.list()
        voiceprint = profile.voiceprint_sha256
        here = [p for p in others if p.name == profile.name and p.voiceprint_sha256 == voiceprint]
        if not here:
            guard_voice(profile, others)
        elif here[0].consent is None:  # it lay in the folder; nobody has looked whose it is
            guard_voice(profile, [p for p in others if p.consent is not None])
        file = file_stem(profile.name) + SUFFIX
        what = f"can't save the profile {profile.name!r}"
        with self._disk.explained(what), self._disk.writing():
            lock = self._access.settled()
            if not replace and profile.name in self:
                raise ProfileError(
                    f"there is a profile {profile.name!r} already; choose another name (--name), or"
                    " replace it (--replace)"
                )
            self._access.store(lock, profile.name, profile.to_bytes())
        return self.path / file

    def load(self, name: str) -> Profile:
        """Read a profile; one that an older version stored in plain is encrypted at once.

        Raises:
            ProfileNotFoundError: there is none of that name (the nearest is named).
            ProfileLockedError: the vault's key or passphrase is missing or wrong.
            ProfileError: it was changed or damaged, is another profile's file or older than it
                was; `restore` may bring it back.
        """
        name = check_name(name)
        file = file_stem(name) + SUFFIX
        try:
            profile = self._access.load(file)
        except ProfileNotFoundError:
            if name not in self and file in self._access.missing():
                raise ProfileError(_lost(file)) from None
            if name in self:
                raise ProfileError(
                    f"the file of the profile {name!r} is gone, but there is a copy; bring it back:"
                    " voicelet profiles restore"
                ) from None
            raise ProfileNotFoundError(
                f"there is no profile {name!r}{did_you_mean(name, self.names())};"
                " `voicelet profiles` lists them"
            ) from None
        if profile.name != name:
            raise ProfileError(
                f"the file of profile {name!r} holds another one ({profile.name!r});"
                " enrol the voice again"
            )
        return profile

    def erase(self, name: str) -> None:
        """Destroy a profile: its file, its copy, and the key that could open further copies.

        Files are overwritten first, where the file system does so in place.  The other profiles
        are encrypted anew under a new key and the old key is destroyed, so that copies of this one
        in backups can't be opened any more (unless the vault has a passphrase: whoever knows
        it can open backups made before).  In a vault that is locked, the files go now and the key
        when it is next unlocked.  Where another profile is damaged in both copies, or its file is
        away, the old key is kept until that one is back or erased, for it alone opens it; the files
        of this one go all the same, and this vault refuses copies of them.

        Raises:
            ProfileNotFoundError: there is none of that name.
            ProfileError: it can't be removed.
        """
        name = check_name(name)
        file = file_stem(name) + SUFFIX
        if name not in self and file not in self._access.missing():
            raise ProfileNotFoundError(
                f"there is no profile {name!r}{did_you_mean(name, self.names())}"
            )
        with self._disk.explained(f"can't erase the profile {name!r}"), self._disk.writing():
            try:
                lock = read_lock(self._disk)
            except ProfileError as error:  # damaged beyond use: the files can go all the same
                lock = None
                _log.warning(
                    "%s; the files go, but which key opened copies of them elsewhere isn't known"
                    " any more: remove the keys in %s if no other vault needs them",
                    error,
                    self._ring.folder,
                )
            if lock is not None and encrypted_part(lock) is not None:
                # First: if we are stopped from here on, the key is changed at the next chance.
                is_known = not is_pending(lock) or self._ring.began_change(lock)
                # What a vault.json from elsewhere calls erased may be away alone, and need its key.
                earlier = lock.erased if self._ring.began_change(lock) else ()
                erased = tuple(dict.fromkeys((*earlier, file)))
                lock = dataclasses.replace(lock, rotate=True, erased=erased)
                if is_known:
                    self._ring.begin_change(lock)
                write_lock(self._disk, lock)
            keys = self._access.keys_of(lock, file) if lock is not None else []
            self._disk.remove(file)
            note("erase", profile=name)
            if lock is not None:
                self._access.forget(lock, file, keys)

    delete = erase

    def restore(self, name: str, *, accept_older: bool = False) -> None:
        """Bring back a damaged or missing profile from its copy.

        Args:
            accept_older: take an older file, if there is no other: for an owner who has put it back
                from a backup on purpose.  Nobody else should ask for that.

        Raises:
            ProfileNotFoundError: there is none of that name.
            ProfileError: neither file nor copy is sound.
        """
        name = check_name(name)
        file = file_stem(name) + SUFFIX
        if name not in self:
            raise ProfileNotFoundError(f"there is no profile {name!r}, nor a copy of one")
        with self._disk.explained(f"can't restore {name!r}"), self._disk.writing():
            lock = read_lock(self._disk)
            part = encrypted_part(believed(lock, self._ring)) if lock else None
            if part is None:
                data = self._access.sound_plain(file)
                self._disk.write(file, data)
                return
            session = Session(self._disk, part, self._ring, accept_older)
            newest = session.newest(file, accept_older)
            if newest is None:
                older = not accept_older and session.newest(file, True) is not None
                hint = "; add --accept-older if you put it back yourself" if older else ""
                raise ProfileError(
                    f"neither the file of {name!r} nor its copy is sound"
                    f"{' and the newest' if older else ''}{hint or '; enrol or import it again'}"
                )
            session.store(newest.name, newest.plain)

    def restorable(self) -> Sequence[str]:
        """Names of profiles whose file is damaged or missing while their copy still names them.

        Raises:
            ProfileLockedError: the vault's key or passphrase is missing or wrong.
        """
        damaged = {path.name for path in self.damaged()}
        return [name for name in self.names() if file_stem(name) + SUFFIX in damaged]

    def rotate_key(self, protection: str | None = None, passphrase: str | None = None) -> None:
        """Encrypt all profiles anew under a new key and destroy the old one.

        It may be killed at any moment: everything stays readable, and the next writer goes on.

        Args:
            protection: how the new key is kept; as the old one by default.
            passphrase: a new one.

        Raises:
            ProfileLockedError: the old key is missing, or the new one can't be kept.
            ProfileError: a profile is damaged, and only the old key could ever open it.
        """
        with self._disk.explained("can't change the key"), self._disk.writing():
            lock = open_or_make(self._disk, self._ring, self._protection)
            if is_pending(lock) and not self._ring.began_change(lock):
                lock = in_use(self._disk, lock, self._ring)
            elif len(lock.slots) > 1:
                lock = rotate(self._disk, lock, self._ring, None)
            believed(lock, self._ring)
            if protection is None:
                check_plain_is_wanted(self._disk, lock, self._ring)
            elif lock.plain and len(lock.slots) == 1:
                refuse_orphans(self._disk)
            kept = PASSPHRASE if lock.slots[0].where == WRAPPED else lock.slots[0].where
            where = protection or (PASSPHRASE if passphrase else kept)
            part = encrypted_part(lock)
            if part is not None:  # reports a wrong passphrase before a new one is asked for
                self._ring.key(part, part.slots[0])
            rotate(self._disk, lock, self._ring, self._ring.make(lock.vault, where, passphrase))

    def names(self) -> list[str]:
        """Names of all profiles, in alphabetical order; the vault may be locked."""
        names = set()
        for file in self._files():
            for copy in (False, True):
                with contextlib.suppress(ProfileError, OSError):
                    name = _name_of(self._disk.read(file, copy))
                    if name is not None and file_stem(name) + SUFFIX == file:
                        names.add(name)
        return sorted(names, key=str.casefold)

    def damaged(self) -> dict[Path, ProfileError]:
        """Files that look like profiles and can't be used, with what is wrong.

        Raises:
            ProfileLockedError: the vault's key or passphrase is missing or wrong.
        """
        return {file: p for file, p in self._scan() if isinstance(p, ProfileError)}

    def missing(self) -> Sequence[str]:
        """Names of profiles whose file is gone, and its copy too; as far as file names tell.

        In a vault that is locked, or whose index can't be read, the folder of keys tells; none in
        one that isn't encrypted.
        """
        return [name_of_file(file) for file in self._access.missing()]

    def list(self) -> Sequence[Profile]:
        """All sound profiles, by name; damaged ones are left out (see :meth:`damaged`).

        Raises:
            ProfileLockedError: the vault's key or passphrase is missing or wrong.
        """
        return sorted(
            (p for _, p in self._scan() if isinstance(p, Profile)), key=lambda p: p.name.casefold()
        )

    def __contains__(self, name: object) -> bool:
        try:
            file = file_stem(name) + SUFFIX if isinstance(name, str) else ""
        except ProfileError:
            return False
        return bool(file) and any((f / file).is_file() for f in (self.path, self._disk.copies))

    def _files(self) -> Sequence[str]:
        with self._disk.explained("can't list the profiles"):
            return self._disk.profiles()

    def _scan(self) -> Iterator[tuple[Path, Profile | ProfileError]]:
        for file in self._files():
            try:
                profile = self._access.load(file)
                if file_stem(profile.name) + SUFFIX != file:
                    raise ProfileError(f"it holds another profile ({profile.name!r})")
                yield self.path / file, profile
            except ProfileLockedError:
                raise
            except ProfileNotFoundError:
                if (self._disk.copies / file).exists():
                    yield self.path / file, ProfileError("the file is gone, but there is a copy")
            except ProfileError as error:
                yield self.path / file, error
        for file in self._access.missing():
            yield self.path / file, ProfileError(_lost(file))


def _lost(file: str) -> str:
    name = name_of_file(file)
    return (
        f"the file of the profile {name!r} is gone, and so is its copy: put it back, or say that it"
        f" is lost for good: voicelet erase {shlex.quote(name)}"
    )


def _name_of(data: bytes | None) -> str | None:
    if data is None:
        return None
    if vault_file.is_encrypted(data):
        return vault_file.read_header(data)[0].name
    return Profile.from_bytes(data).name
