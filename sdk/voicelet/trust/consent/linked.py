"""Which consent records are of one consent: given, renewed, given again for the same profile.

A renewed record names those whose place it took.  One that was given anew, at another enrolment
say, names none; there the audit log tells, which knows under which name, and for whom, a record
came into use here.  Who withdraws a consent withdraws all of them: a backup of an earlier one would
speak again otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from voicelet.errors import TrustError
from voicelet.trust.audit.device_log import default_log, is_on, pseudonym
from voicelet.trust.audit.record import Field
from voicelet.trust.consent.chain import is_id
from voicelet.trust.consent.record import ConsentRecord
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.consent.signers import is_own

_GIVEN = ("enrol", "consent", "import")
_log = logging.getLogger(__name__)


def whose(record: ConsentRecord) -> dict[str, Field]:
    """The people of a record, for the audit log, which hashes them; however they are spelled."""
    return {"speaker": same_person(record.speaker), "given_by": record.given_by}


def same_person(speaker: str) -> str:
    """A speaker's name, so that two spellings of it are equal."""
    return " ".join(speaker.split()).casefold()


@dataclass
class _Seen:
    """What the log says of one record, each a set of (name of a profile, person), hashed."""

    speakers: set[tuple[Any, Any]] = field(default_factory=set)
    givers: set[tuple[Any, Any]] = field(default_factory=set)
    replaces: set[str] = field(default_factory=set)

    def is_linked(self, other: _Seen) -> bool:
        if self.speakers and other.speakers:
            return not self.speakers.isdisjoint(other.speakers)
        return not self.givers.isdisjoint(other.givers)  # what older versions noted


def linked_consents(record: ConsentRecord, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Ids of the other records of the same consent, as far as is known here; in no order.

    Those that it replaced and, by the audit log, those that profiles of one name had for the same
    speaker, before it or after.  A log that is off or can't be read knows of none.

    Args:
        names: of profiles that it is in, here or where it comes from.
    """
    # A stranger may name anybody's record as one that theirs took the place of.
    ids = set(record.replaces) if is_own(record) else set[str]()
    seen = _seen()
    own = seen.pop(record.id, _Seen())
    try:
        people = whose(record)
        hashed = {k: pseudonym(v) for k, v in people.items() if isinstance(v, str)}
        for name in names if seen else ():
            own.speakers.add((pseudonym(name), hashed["speaker"]))
            own.givers.add((pseudonym(name), hashed["given_by"]))
    except TrustError as error:
        _log.info("names in the audit log can't be told: %s", error)
    ids |= own.replaces | {other for other, facts in seen.items() if own.is_linked(facts)}
    ids |= _earlier(ids, seen)
    return tuple(sorted(ids - {record.id}))


def replaced_by(record_id: str) -> tuple[str, ...]:
    """Ids of the records whose place one took, by the audit log alone; the profile isn't here."""
    seen = _seen()
    return tuple(sorted(_earlier({record_id}, seen) - {record_id}))


def withdrawn_since(record: ConsentRecord, names: Iterable[str] = ()) -> bool:
    """Whether a record of the same consent was withdrawn here after this one was given.

    Versions before 0.2 withdrew only the record that a profile had at that time.
    """
    revocations = device_revocations()
    dates = [revocations.withdrawn_on(other) for other in linked_consents(record, names)]
    return any(date is not None and date > record.created for date in dates)


def _earlier(ids: set[str], seen: dict[str, _Seen]) -> set[str]:
    """Ids that those of `ids` replaced, one after the other."""
    found, todo = set[str](), list(ids)
    while todo:
        for previous in seen.get(todo.pop(), _Seen()).replaces - found:
            found.add(previous)
            todo.append(previous)
    return found


def _seen() -> dict[str, _Seen]:
    """What the audit log says, by the ids of records."""
    seen: dict[str, _Seen] = {}
    if not is_on():
        return seen
    try:
        for line in default_log().records():
            fields = line.fields
            if line.event not in _GIVEN or not is_id(fields.get("consent")):
                continue
            facts = seen.setdefault(fields["consent"], _Seen())
            profile = fields.get("profile")
            if profile is not None and "speaker" in fields:
                facts.speakers.add((profile, fields["speaker"]))
            if profile is not None and "given_by" in fields:
                facts.givers.add((profile, fields["given_by"]))
            if is_id(fields.get("replaces")):
                facts.replaces.add(fields["replaces"])
    except TrustError as error:
        _log.warning("the audit log doesn't say which consents belong together: %s", error)
    return seen
