"""The tables of a pack: rows of words by key, in tab-separated text, read when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from voicelet.config import did_you_mean
from voicelet.errors import PackError

MAX_ROWS = 50_000
MAX_COLUMNS = 16
MAX_CELL_CHARS = 500


@dataclass(frozen=True)
class Table:
    """Rows by key.

    Attributes:
        columns: names of the columns after the key.
        rows: key → values, one for each column.
    """

    columns: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]

    def row(self, key: str) -> tuple[str, ...] | None:
        """The row of `key`, or of its lower case."""
        return self.rows.get(key) or self.rows.get(key.lower())

    def place(self, column: str, where: str) -> int:
        """Where a column stands in a row.

        Raises:
            PackError: there is none of that name.
        """
        if column not in self.columns:
            raise PackError(
                f"{where}: the table has no column {column!r}{did_you_mean(column, self.columns)};"
                f" it has {', '.join(self.columns)}"
            )
        return self.columns.index(column)


def parse_table(text: str, where: str) -> Table:
    """Read a table: the first line names the columns, the first column is the key.

    Raises:
        PackError: a row has another number of columns, or its key comes twice.
    """
    lines = text.split("\n")
    header = lines[0].rstrip("\r").split("\t")
    if len(header) < 2 or len(header) > MAX_COLUMNS or not all(header):
        raise PackError(f"{where}: the first line names the columns: 'key', a tab, and so on")
    if len(lines) > MAX_ROWS:
        raise PackError(f"{where}: more than {MAX_ROWS} rows; split the table")
    rows: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines[1:], 2):
        line = line.rstrip("\r")
        if len(line) > MAX_CELL_CHARS and max(map(len, line.split("\t"))) > MAX_CELL_CHARS:
            raise PackError(
                f"{where}, line {number}: a cell has at most {MAX_CELL_CHARS} characters"
            )
        if not line:
            continue
        key, *values = line.split("\t")
        if len(values) != len(header) - 1 or not key:
            raise PackError(
                f"{where}, line {number}: {len(values) + 1} columns, not {len(header)}; part them"
                " by tabs"
            )
        if key in rows:
            raise PackError(f"{where}, line {number}: the key {key!r} comes twice")
        rows[key] = tuple(values)
    return Table(tuple(header[1:]), rows)


def merged(parent: Table, child: Table) -> Table:
    """The parent's rows with the child's in their place; the child's columns."""
    places = [parent.columns.index(c) if c in parent.columns else -1 for c in child.columns]
    rows = {
        key: tuple(values[p] if p >= 0 else "" for p in places)
        for key, values in parent.rows.items()
    }
    return Table(child.columns, rows | dict(child.rows))


class Tables:
    """The tables and word sets of a pack, by name.

    Args:
        sources: table → what reads it.
        sets: set → its words, parted by blanks.
        where: the pack's name for messages.
    """

    def __init__(
        self, sources: Mapping[str, Callable[[], Table]], sets: Mapping[str, str], where: str
    ) -> None:
        self._sources = sources
        self._sets = sets
        self._where = where
        self._tables: dict[str, Table] = {}
        self._words: dict[str, frozenset[str]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of tables and sets."""
        return (*self._sources, *self._sets)

    def has(self, name: str) -> bool:
        """Whether there is a table of that name."""
        return name in self._sources

    def table(self, name: str) -> Table:
        """The table of that name.

        Raises:
            PackError: there is none, or it can't be read.
        """
        if name not in self._tables:
            if name not in self._sources:
                raise self._missing(name)
            self._tables[name] = self._sources[name]()
        return self._tables[name]

    def words(self, name: str) -> frozenset[str]:
        """The words of a set, or the keys of a table.

        Raises:
            PackError: there is neither.
        """
        if name not in self._words:
            if name in self._sets:
                self._words[name] = frozenset(self._sets[name].split())
            else:
                self._words[name] = frozenset(self.table(name).rows)
        return self._words[name]

    def words_or_none(self, name: str) -> frozenset[str]:
        """As :meth:`words`; empty where there is neither."""
        return self.words(name) if name in self._sets or name in self._sources else frozenset()

    def _missing(self, name: str) -> PackError:
        return PackError(
            f"{self._where}: there is no table or set {name!r}{did_you_mean(name, self.names)};"
            f" add tables/{name}.tsv, or a set to rules.json"
        )
