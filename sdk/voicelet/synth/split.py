"""Cutting clauses that no model was trained to speak in one breath."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from voicelet.text.words import PhoneClause

MAX_PHONES = 200
"""Longer clauses are cut; the training corpus holds up to about 140 phones."""


def split_clause(clause: PhoneClause, limit: int = MAX_PHONES) -> Iterator[PhoneClause]:
    """Cut a clause at spaces into parts of at most `limit` phones (in mid-word only if need be).

    The marks go with the first part, pause and sentence end with the last; a word that is cut
    belongs to the part it begins in.
    """
    phones = clause.phones
    if len(phones) <= limit:
        yield clause
        return
    start, words = 0, list(clause.words)
    while start < len(phones):
        end = min(len(phones), start + limit)
        if end < len(phones):
            space = phones.rfind(" ", start + 1, end)
            end = space + 1 if space > start else end
        count = 0
        while count < len(words) and words[count].start < end:
            count += 1
        taken, words = words[:count], words[count:]
        is_last = end == len(phones)
        yield replace(
            clause,
            phones=phones[start:end],
            words=tuple(
                replace(w, start=w.start - start, end=min(w.end, end) - start) for w in taken
            ),
            pause_after_ms=clause.pause_after_ms if is_last else 0,
            marks=clause.marks if start == 0 else (),
            sentence_end=clause.sentence_end and is_last,
            tones=tuple(
                replace(t, start=t.start - start, end=t.end - start)
                for t in clause.tones
                if start <= t.start and t.end <= end
            ),
        )
        start = end
