"""A user's own rules of reading: files in the format of a pack's rules.json, tried before its own.

Files in `rules.d` of the data folder hold for everything that is read on this device.  One of them
that is wrong is passed over with a line in the log; a file that the caller names has to be right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from voicelet.errors import PackError
from voicelet.files import data_dir
from voicelet.packs.installed import warn_once
from voicelet.text.language import Language
from voicelet.text.pack.config import UserRulesConfig
from voicelet.text.pack.folder import open_pack, read_user_rules

MAX_FILES = 100


class UserRules:
    """The files of rules that hold for a voice.

    Args:
        named: files that the caller names; they go before those of `rules.d`.

    Raises:
        PackError: one of `named` isn't a file of rules.
    """

    def __init__(self, named: Iterable[str | Path] = ()) -> None:
        self._named = {Path(path): read_user_rules(Path(path)) for path in named}
        self._shared = _shared()

    def __bool__(self) -> bool:
        return bool(self._named or self._shared)

    def open(self, folder: Path, tag: str, *, check: bool = False) -> Language:
        """A pack with the user's rules of its language before its own.

        Args:
            folder, check: as in `voicelet.text.pack.folder.open_pack`.
            tag: of the pack.

        Raises:
            PackError: the pack, or a file that the caller named, is wrong.
        """
        named, shared = _of(self._named, tag), _of(self._shared, tag)
        try:
            return open_pack(folder, check=check, user_rules={**named, **shared})
        except PackError:
            sound = {p: c for p, c in shared.items() if _is_sound(folder, p, c)}
            if len(sound) == len(shared):
                raise
            return open_pack(folder, check=check, user_rules={**named, **sound})


def rules_folder() -> Path:
    """Where the files are that hold for everything."""
    return data_dir() / "rules.d"


def _shared() -> dict[Path, UserRulesConfig]:
    rules: dict[Path, UserRulesConfig] = {}
    for path in sorted(rules_folder().glob("*.json"))[:MAX_FILES]:
        try:
            rules[path] = read_user_rules(path)
        except PackError as error:
            warn_once(f"a file of rules isn't used: {error}")
    return rules


def _of(rules: Mapping[Path, UserRulesConfig], tag: str) -> dict[Path, UserRulesConfig]:
    """Those of a language, or of one that it is a variety of."""
    own = tag.lower()
    return {
        path: config
        for path, config in rules.items()
        if own == config.language.lower() or own.startswith(f"{config.language.lower()}-")
    }


def _is_sound(folder: Path, path: Path, config: UserRulesConfig) -> bool:
    try:
        open_pack(folder, check=False, user_rules={path: config})
    except PackError as error:
        warn_once(f"a file of rules isn't used: {error}")
        return False
    return True
