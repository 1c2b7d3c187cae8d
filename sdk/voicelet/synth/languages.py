"""The languages of a voice: those that its bundle speaks, read by the best pack that there is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voicelet.bundle import Bundle
from voicelet.errors import BundleError, ConfigError, PackError
from voicelet.packs.bundled import bundled_pack, bundled_tags
from voicelet.packs.installed import installed_pack, installed_tags, try_pack, warn_once
from voicelet.packs.user_rules import UserRules
from voicelet.text.language import DEFAULT_LANGUAGE, Language
from voicelet.text.pack.folder import PACKAGED, languages
from voicelet.text.pack.packaged import match_tag, packaged_language

AUTO_LANGUAGE = "auto"
"""Asks for the language of each sentence to be found out."""

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")

INSTALLED, BUNDLED, PACKAGE = "installed", "bundle", "package"
"""Where a pack may be from, in the order of asking."""


@dataclass(frozen=True)
class LanguagePack:
    """A pack as a voice uses it.

    Attributes:
        language: what it reads.
        source: "installed", "bundle" or "package".
        folder: where it is.
    """

    language: Language
    source: str
    folder: Path


class BundleLanguages:
    """The languages of a bundle; packs are opened when they are first needed, and kept.

    Args:
        bundle: verified.
        user_rules: files of a user's own rules, before those of the data folder.

    Raises:
        PackError: one of `user_rules` can't be read.
    """

    def __init__(self, bundle: Bundle, user_rules: Sequence[str | Path] = ()) -> None:
        self._bundle = bundle
        self._rules = UserRules(user_rules)
        self._opened: dict[str, LanguagePack] = {}

    def find(self, tag: str) -> Language:
        """The language of a tag (see `choose_language` and `match_tag`).

        Raises:
            ConfigError: the voice doesn't speak it, or no pack reads it.
            PackError: its pack is wrong.
        """
        choose_language(tag, self._bundle.manifest.languages)
        return self.pack(tag).language

    def first(self) -> Language:
        """The voice's own language, which texts are in that don't say otherwise.

        Raises:
            ConfigError, PackError: as :meth:`find`.
        """
        return self.pack(next(iter(self._bundle.manifest.languages), DEFAULT_LANGUAGE)).language

    def readable(self) -> Sequence[Language]:
        """Those of the voice's languages that a pack reads."""
        found: dict[str, Language] = {}
        for tag in self._bundle.manifest.languages:
            try:
                language = self.pack(tag).language
            except (ConfigError, PackError) as error:
                warn_once(str(error))
                continue
            found.setdefault(language.tag, language)
        return tuple(found.values())

    def pack(self, tag: str) -> LanguagePack:
        """The pack that reads a language.

        One that can't be used is passed over for the next, with a line in the log.

        Raises:
            ConfigError: there is none.
            PackError: there is one, and it is wrong.
        """
        offered: dict[str, list[str]] = {}
        for source, tags in (
            (INSTALLED, installed_tags()),
            (BUNDLED, bundled_tags(self._bundle)),
            (PACKAGE, languages()),
        ):
            for each in tags:
                offered.setdefault(each, []).append(source)
        failure: PackError | None = None
        while True:
            try:
                name = match_tag(tag, tuple(offered))
            except ConfigError:
                if failure is not None:
                    raise failure from None
                raise
            if name in self._opened:
                return self._opened[name]
            for source in offered.pop(name):
                try:
                    pack = self._open(name, source)
                except (PackError, BundleError) as error:
                    failure = PackError(f"{source}: {error}")
                    warn_once(f"the language pack {name!r} isn't used: {error}")
                    continue
                if pack is not None:
                    self._opened[name] = pack
                    return pack

    def _open(self, name: str, source: str) -> LanguagePack | None:
        if source == PACKAGE:
            folder: Path | None = PACKAGED / name
            if not self._rules:
                return LanguagePack(packaged_language(name), source, PACKAGED / name)
        elif source == BUNDLED:
            folder = bundled_pack(self._bundle, name)
            if folder is not None and self._bundle.trusted_by not in ("package", "key"):
                try_pack(folder)
        else:
            installed = installed_pack(name)
            folder = None if installed is None else installed.folder
        if folder is None:
            return None
        return LanguagePack(self._rules.open(folder, name), source, folder)


def choose_language(language: str | None, offered: Sequence[str]) -> str:
    """Which of a voice's languages a text is read in.

    An exact match is best; then a tag that says less ("en" for "en-US"; the lookup of RFC 4647,
    section 3.4), then one that says more ("en-GB" for "en"), then another variety of the language
    ("en-US" for "en-GB": the text is read as British, in the sounds of the voice).

    Args:
        language: BCP 47 tag; None and "auto" for the voice's first.
        offered: BCP 47 tags, at least one.

    Raises:
        ConfigError: the voice has no such language; those it has are named.
    """
    if language is None or language == AUTO_LANGUAGE:
        return offered[0]
    by_tag = {tag.lower(): tag for tag in reversed(offered)}
    subtags = check_tag(language).lower().split("-")
    for length in range(len(subtags), 0, -1):
        if (tag := "-".join(subtags[:length])) in by_tag:
            return by_tag[tag]
    wider = "-".join(subtags) + "-"
    for tag, own in reversed(by_tag.items()):
        if tag.startswith(wider):
            return own
    for tag, own in reversed(by_tag.items()):
        if tag.split("-")[0] == subtags[0]:
            return own
    raise ConfigError(
        f"this voice doesn't speak {language!r}; it speaks {', '.join(offered)}. Leave out the "
        "language, or load a voice that has it"
    )


def check_tag(language: str) -> str:
    """The tag as it is.

    Raises:
        ConfigError: it can't be a BCP 47 tag.
    """
    if not isinstance(language, str) or _TAG.fullmatch(language) is None:
        raise ConfigError(
            f'language must be a BCP 47 tag such as "en" or "en-GB", not {language!r}'
        )
    return language
