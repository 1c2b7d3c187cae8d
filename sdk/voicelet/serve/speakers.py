"""Who can speak: presets of the bundle, and profiles that are opened as they are asked for."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voicelet.config import did_you_mean
from voicelet.errors import ProfileNotFoundError
from voicelet.profiles.names import file_stem
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.vault import SUFFIX, Vault
from voicelet.serve.access import Token
from voicelet.synth.voice import Voice

_OPENAI_VOICES = (
    "alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse",
    "marin", "cedar",
)  # fmt: skip
"""What clients of OpenAI ask for unless they are told otherwise."""

_State = tuple[int, int, int]


@dataclass(frozen=True)
class ServedVoice:
    """A voice that a client may name.

    Attributes:
        id: its name.
        kind: "preset" or "profile".
    """

    id: str
    kind: str


class Speakers:
    """Profiles and presets by name; profiles stay sealed on disk until somebody asks for them.

    An open profile is used again as long as its file is the same one; consent, purpose and
    revocation are checked by the voice at each use, whatever lies here.

    Args:
        voice: whose presets they are.
        max_bytes: of open profiles that are kept.
        vault: the user's own by default.
        default: profile or preset where a client names a voice of OpenAI's; None for the first
            preset.
        aliases: other names.
    """

    def __init__(
        self,
        voice: Voice,
        *,
        max_bytes: int = 16 << 20,
        vault: Vault | None = None,
        default: str | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._voice, self._vault = voice, Vault() if vault is None else vault
        self._max_bytes, self._default = max_bytes, default
        self._aliases = dict(aliases or {})
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[_State, Profile, int]] = OrderedDict()
        self._bytes = self.hits = self.misses = 0

    def profiles(self) -> list[str]:
        """Names of the enrolled people."""
        return self._vault.names()

    def served(self, token: Token) -> list[ServedVoice]:
        """What a caller may name: profiles first, then presets."""
        names = [ServedVoice(name, "profile") for name in self.profiles()]
        profiles = {voice.id for voice in names}
        names += [ServedVoice(p, "preset") for p in self._voice.presets if p not in profiles]
        return [voice for voice in names if not token.voices or voice.id in token.voices]

    def resolve(self, name: str | None, token: Token) -> str:
        """The profile or preset that a client's name stands for.

        Raises:
            ProfileNotFoundError: there is none, or the caller may not use it.
        """
        presets = self._voice.presets
        known = {voice.id for voice in self.served(token)}
        wanted = self._aliases.get(name, name) if name is not None else None
        if wanted not in known and (wanted is None or wanted in _OPENAI_VOICES):
            usual = (self._default, *token.voices, *presets)
            wanted = next((n for n in usual if n in known), wanted)
        if wanted in known:
            return wanted
        raise ProfileNotFoundError(
            f"no voice {name!r}{did_you_mean(str(name), known)}; GET /v1/voices lists them"
        )

    def find(self, name: str) -> tuple[Profile | None, str | None]:
        """The profile, or else the preset, of a name that `resolve` gave.

        Raises:
            ProfileNotFoundError: it was erased meanwhile.
            ProfileLockedError: the vault's key or passphrase is missing or wrong.
            ProfileError: its file is damaged.
        """
        if name not in self._vault:
            if name in self._voice.presets:
                self._drop(name)
                return None, name
            raise ProfileNotFoundError(f"the voice {name!r} is no longer there")
        state = self._state(name)
        with self._lock:
            kept = self._open.get(name)
            if kept is not None and kept[0] == state:
                self._open.move_to_end(name)
                self.hits += 1
                return kept[1], None
            self.misses += 1
        profile = self._vault.load(name)
        self._keep(name, state, profile)
        return profile, None

    @property
    def open_bytes(self) -> int:
        """Size of the profiles that are open."""
        return self._bytes

    def _state(self, name: str) -> _State:
        path = Path(self._vault.path) / (file_stem(name) + SUFFIX)
        try:
            found = os.stat(path)
        except OSError:  # there is a copy of it
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_ino, found.st_size)

    def _keep(self, name: str, state: _State, profile: Profile) -> None:
        size = len(profile.to_bytes())
        with self._lock:
            self._forget(name)
            if state == (0, 0, 0) or size > self._max_bytes:
                return
            self._open[name] = (state, profile, size)
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._forget(next(iter(self._open)))

    def _drop(self, name: str) -> None:
        with self._lock:
            self._forget(name)

    def _forget(self, name: str) -> None:
        kept = self._open.pop(name, None)
        if kept is not None:
            self._bytes -= kept[2]
