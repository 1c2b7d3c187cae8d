"""Opening a pack: a folder of data → a :class:`~voicelet.text.language.Language`.

The packs inside the package are checked by its tests and read when they are needed; any other is
checked whole before it is used, since it may come from a stranger.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.config import did_you_mean, from_mapping, to_mapping, unique_keys
from voicelet.errors import ConfigError, PackError
from voicelet.text.cleanup import Cleaner, plain_pieces
from voicelet.text.language import Language, Melody, Normalization
from voicelet.text.pack.config import (
    DEFAULT_YEAR,
    PackConfig,
    RuleConfig,
    RulesConfig,
    UserRulesConfig,
)
from voicelet.text.pack.files import read_text, refuse_pipes
from voicelet.text.pack.patterns import Macros, Pattern
from voicelet.text.pack.pronunciation import merged_settings, open_pronunciation
from voicelet.text.pack.rules import PackRules, RuleMaker
from voicelet.text.pack.tables import Table, Tables, merged, parse_table
from voicelet.text.rules import Rule

if TYPE_CHECKING:
    # Loaded when a text first needs them.
    from voicelet.text.characters import CharacterNames
    from voicelet.text.pack.numbers import NumberRules
    from voicelet.text.pack.templates import TemplateParts

PACKAGED = Path(__file__).parents[2] / "languages"
"""Where the packs of the package are."""

PACK_NAME = "pack.json"
MAX_FILE_BYTES = 4 << 20
MAX_TABLES = 200
_MAX_ANCESTORS = 4
_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}")
_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NEVER = re.compile(r"(?!)")
_MAX_SAY_AS_CHARS = 1000


@dataclass(frozen=True)
class _Files:
    """The files of a pack and of those that it inherits from, merged."""

    folders: tuple[Path, ...]
    config: PackConfig
    rules: RulesConfig
    tables: Mapping[str, Callable[[], Table]]
    numbers: tuple[str, ...]
    cleanup: Mapping[str, str]


def languages() -> tuple[str, ...]:
    """The tags of the packs inside the package."""
    return tuple(sorted(p.parent.name for p in PACKAGED.glob(f"*/{PACK_NAME}")))


@lru_cache(maxsize=256)
def preset_language(preset: str, language: str) -> str | None:
    """Which variety of a voice's language a preset of it speaks, if a pack names the preset.

    Args:
        preset: its name.
        language: BCP 47 tag of the voice's language.
    """
    varieties = [t for t in languages() if t.startswith(language.lower().split("-")[0] + "-")]
    for tag in varieties:
        path = PACKAGED / tag / PACK_NAME
        config: PackConfig = _config(PackConfig, _json(path), path)
        if preset in config.presets:
            return config.language
    return None


def read_user_rules(path: Path) -> UserRulesConfig:
    """Read a file of a user's own rules; :func:`open_pack` looks into them.

    Raises:
        PackError: it can't be read, or isn't such a file.
    """
    config: UserRulesConfig = _config(UserRulesConfig, _json(path), path)
    return config


def open_pack(
    folder: Path, *, check: bool = True, user_rules: Mapping[Path, UserRulesConfig] | None = None
) -> Language:
    """Read a pack.

    Args:
        folder: it holds pack.json; the packs that it inherits from stand beside it or in the
            package.
        check: make every rule and number now, so that whatever is wrong is found.  Without, only
            what is used is made; for packs that are known to be right.
        user_rules: file → a user's own rules, which are tried before the pack's and always checked.

    Raises:
        PackError: a file is missing, wrong or too large; the message says which and where.
    """
    if check:
        refuse_pipes(folder)
    files = _read(folder, (), lazily=not check)
    tables = Tables(files.tables, files.rules.sets, str(folder))
    macros = Macros(files.rules.macros, tables, check)
    made: list[TemplateParts] = []

    def parts() -> TemplateParts:
        if not made:
            made.append(_parts(files, tables, folder))
        return made[0]

    maker = RuleMaker(macros, parts, str(folder / "rules.json"))
    rules = maker.rules(files.rules.rules, check)
    users = [_users(files, folder, path, config) for path, config in (user_rules or {}).items()]
    rules = rules.behind(users)
    contraction = files.config.contraction
    heading = files.config.chapter_heading
    language = Language(
        tag=files.config.language,
        normalization=_normalization(
            files,
            rules,
            Pattern(contraction, macros, f"{folder}, contraction") if contraction else None,
            tuple(rule for own in users for rule in own.by_place["letter"]),
        ),
        pronunciation=open_pronunciation(files.folders, files.config, _json, check=check),
        melody=_melody(files.config),
        conjunctions=frozenset(files.config.conjunctions),
        chapter_heading=(
            LowerCasePattern(Pattern(heading, macros, f"{folder}, chapter_heading"))
            if heading
            else _NEVER
        ),
        characters=lru_cache(maxsize=1)(partial(_characters, tables)),
        pauses=files.config.pauses,
        common_words=frozenset(files.config.common_words),
    )
    if check:
        parts().rules().check()
        if contraction:
            Pattern(contraction, macros, f"{folder}, contraction").compile()
        if heading:
            Pattern(heading, macros, f"{folder}, chapter_heading").compile()
        for name in files.tables:
            tables.table(name)
        language.characters()
    return language


def _users(files: _Files, folder: Path, path: Path, config: UserRulesConfig) -> PackRules:
    """A user's rules, which may use the pack's tables, sets, macros and numbers."""
    tables = Tables(files.tables, {**files.rules.sets, **config.sets}, str(path))
    macros = Macros({**files.rules.macros, **config.macros}, tables, True)
    return RuleMaker(macros, lambda: _parts(files, tables, folder), str(path)).rules(
        config.rules, check=True
    )


class LowerCasePattern:
    """A pattern for text in lower case, asked of any text."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern

    def fullmatch(self, text: str, /) -> re.Match[str] | None:
        """Whether the whole of `text` matches, in lower case."""
        return self._pattern.fullmatch(text.lower())


def _characters(tables: Tables) -> CharacterNames:
    from voicelet.text.pack.characters import character_names

    return character_names(tables)


def _parts(files: _Files, tables: Tables, folder: Path) -> TemplateParts:
    from voicelet.text.pack.templates import TemplateParts
    from voicelet.text.pack.verbalizers import Verbalizers

    @cache
    def rules() -> NumberRules:
        return _number_rules(files, folder)

    return TemplateParts(tables, rules, Verbalizers(files.config, rules, tables))


def _number_rules(files: _Files, folder: Path) -> NumberRules:
    from voicelet.text.pack.numbers import NumberRules
    from voicelet.text.pack.plurals import Plurals

    config = files.config
    try:
        rules = NumberRules(
            *files.numbers,
            plurals=Plurals(config.plurals),
            ordinals=Plurals(config.ordinal_plurals),
            decimal=config.decimal,
        )
        used = config.numbers
        for name in (used.cardinal, used.year, *used.genders.values()):
            if files.numbers and name != DEFAULT_YEAR and not rules.has(name):
                raise PackError(
                    f"{PACK_NAME}: there are no number rules {name!r}"
                    f"{did_you_mean(name, rules.names)}; add them to numbers.rbnf"
                )
    except PackError as error:
        raise PackError(f"{folder}: {error}") from None
    return rules


def _normalization(
    files: _Files,
    rules: PackRules,
    contraction: Pattern | None,
    user_letter_rules: tuple[Rule, ...],
) -> Normalization:
    config = files.config

    def say_as(text: str, interpret: str, form: str) -> str | None:
        pieces = Cleaner(newlines=False, table=files.cleanup).clean(plain_pieces(text))
        clean = "".join(piece.text for piece in pieces)[:_MAX_SAY_AS_CHARS]
        return rules.read_as(clean, interpret, form) if clean else ""

    return Normalization(
        digit_rules=rules.by_place["digit"],
        letter_rules=rules.by_place["letter"],
        symbol_rules=rules.by_place["symbol"],
        apostrophe_rules=rules.by_place["apostrophe"],
        address_rules=rules.by_place["address"],
        abbreviated=frozenset(config.abbreviated),
        contraction=contraction or _NEVER,
        lone_letters=frozenset(config.lone_letters),
        dot=config.dot,
        sentence_starters=frozenset(config.sentence_starters),
        say_as=say_as,
        letters=config.letters,
        elisions=frozenset(config.elisions),
        possessive=config.possessive,
        cleanup=files.cleanup,
        user_letter_rules=user_letter_rules,
    )


def _melody(config: PackConfig) -> Melody:
    melody = config.melody
    return Melody(
        question_words=frozenset(melody.question_words),
        asking=frozenset(melody.asking),
        openers=frozenset(melody.openers),
        coordinators=frozenset(melody.coordinators),
        choice=melody.choice,
        no_choice=frozenset(melody.no_choice),
    )


def _read(folder: Path, heirs: tuple[str, ...], lazily: bool) -> _Files:
    raw = _json(folder / PACK_NAME)
    config = _config(PackConfig, raw, folder / PACK_NAME)
    tag = config.language.lower()
    if not _TAG.fullmatch(tag) or folder.name.lower() != tag:
        raise PackError(
            f"{folder / PACK_NAME}: the language {config.language!r} and the folder"
            f" {folder.name!r} differ; name the folder as the BCP 47 tag in lower case"
        )
    rules_path = folder / "rules.json"
    rules = RulesConfig()
    if rules_path.exists():
        rules = _config(RulesConfig, _json(rules_path), rules_path)
    numbers_path, cleanup_path = folder / "numbers.rbnf", folder / "cleanup.tsv"
    files = _Files(
        (folder,),
        config,
        rules,
        _tables(folder, lazily),
        (read_text(numbers_path, MAX_FILE_BYTES),) if numbers_path.exists() else (),
        _cleanup(cleanup_path) if cleanup_path.exists() else {},
    )
    if config.inherits is None:
        return files
    parent_tag = config.inherits.lower()
    if parent_tag == tag or parent_tag in heirs or len(heirs) >= _MAX_ANCESTORS:
        raise PackError(
            f"{folder / PACK_NAME}: {' ← '.join([*heirs, tag, parent_tag])}: packs inherit in a"
            f" circle, or over more than {_MAX_ANCESTORS} steps"
        )
    parent = _parent(folder, parent_tag)
    return _inherit(_read(parent, (*heirs, tag), lazily), files, raw)


def _parent(folder: Path, tag: str) -> Path:
    if _TAG.fullmatch(tag):
        for root in (folder.parent, PACKAGED):
            if (root / tag / PACK_NAME).is_file():
                return root / tag
    raise PackError(
        f"{folder / PACK_NAME}: it inherits from {tag!r}, and there is no such pack beside it"
        f"{did_you_mean(tag, languages())}"
    )


def _inherit(parent: _Files, child: _Files, raw: Mapping[str, Any]) -> _Files:
    """Dictionaries and tables merged by key, lists and words replaced, rules by their id."""
    settings = merged_settings(to_mapping(parent.config), raw)
    own = {rule.id: rule for rule in child.rules.rules}
    inherited = {rule.id for rule in parent.rules.rules}
    rules: list[RuleConfig] = [r for r in child.rules.rules if r.id not in inherited]
    rules += [own.get(rule.id, rule) for rule in parent.rules.rules]
    tables = dict(parent.tables)
    for name, source in child.tables.items():
        base = tables.get(name)
        tables[name] = source if base is None else partial(_merged_tables, base, source)
    return _Files(
        (*child.folders, *parent.folders),
        replace(from_mapping(PackConfig, settings), inherits=child.config.inherits),
        RulesConfig(
            {**parent.rules.macros, **child.rules.macros},
            {**parent.rules.sets, **child.rules.sets},
            tuple(rules),
        ),
        tables,
        (*parent.numbers, *child.numbers),
        {**parent.cleanup, **child.cleanup},
    )


def _merged_tables(parent: Callable[[], Table], child: Callable[[], Table]) -> Table:
    return merged(parent(), child())


def _tables(folder: Path, lazily: bool) -> dict[str, Callable[[], Table]]:
    paths = sorted((folder / "tables").glob("*.tsv"))
    if len(paths) > MAX_TABLES:
        raise PackError(f"{folder / 'tables'}: more than {MAX_TABLES} tables")
    sources: dict[str, Callable[[], Table]] = {}
    for path in paths:
        if not _TABLE_NAME.fullmatch(path.stem):
            raise PackError(f"{path}: name a table in lower-case letters, digits and '_'")
        sources[path.stem] = partial(_table, path)
        if not lazily:
            _table(path)
    return sources


@lru_cache(maxsize=256)
def _table(path: Path) -> Table:
    return parse_table(read_text(path, MAX_FILE_BYTES), str(path))


def _cleanup(path: Path) -> dict[str, str]:
    rows = {}
    for number, line in enumerate(read_text(path, MAX_FILE_BYTES).splitlines(), 1):
        char, tab, said = line.partition("\t")
        if len(char) != 1 or not tab or len(said) > 20 or "\t" in said:
            raise PackError(f"{path}, line {number}: write one character, a tab, what it becomes")
        rows[char] = said
    return rows


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(read_text(path, MAX_FILE_BYTES), object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise PackError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise PackError(f"{path}: expected one object")
    return data


def _config(cls: type[Any], raw: Mapping[str, Any], path: Path) -> Any:
    try:
        return from_mapping(cls, raw, str(path))
    except ConfigError as error:
        raise PackError(str(error)) from None
