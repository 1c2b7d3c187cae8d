"""Consent sentences that were drawn and not read yet: one for each profile, valid for minutes.

They are stored in `$XDG_STATE_HOME/voicelet/consent/NAME.json`.
"""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from voicelet.errors import ConsentError

if TYPE_CHECKING:
    from voicelet.enrolment.liveness.sentence import ConsentSentence

_FORM = "%Y-%m-%dT%H:%M:%SZ"
_MAX_BYTES = 4096


def draw_sentence(name: str) -> tuple[ConsentSentence, datetime]:
    """Draw a sentence for a profile and store it; returns the sentence and when it expires.

    Raises:
        ConsentError: it can't be remembered.
        ProfileError: the name can't be a profile's.
    """
    from voicelet.enrolment.liveness.check import consent_sentence
    from voicelet.enrolment.liveness.issued import sentence_lifetime
    from voicelet.files import atomic_file, make_private

    lifetime = sentence_lifetime()
    sentence = consent_sentence()
    expires = datetime.strptime(sentence.created, _FORM).replace(tzinfo=timezone.utc) + lifetime
    record = {"text": sentence.text, "words": list(sentence.words), "created": sentence.created}
    record["expires"] = expires.strftime(_FORM)
    path = _path(name)
    try:
        make_private(path.parent)
        with atomic_file(path, 0o600, follow=False) as file:
            file.write(json.dumps(record, sort_keys=True).encode("ascii"))
    except OSError as error:
        raise ConsentError(f"can't remember the sentence ({path}): {error.strerror}") from None
    return sentence, expires


def pending_sentence(name: str, now: datetime | None = None) -> ConsentSentence:
    """The sentence that was drawn last for a profile.

    Raises:
        ConsentError: none was, or it has expired.
    """
    from voicelet.enrolment.liveness.sentence import ConsentSentence
    from voicelet.files import read_own

    again = f'draw one with: voicelet enrol "{name}" --sentence'
    try:
        record = json.loads(read_own(_path(name), _MAX_BYTES))
        sentence = ConsentSentence(
            str(record["text"]), tuple(map(str, record["words"])), str(record["created"])
        )
        expires = datetime.strptime(record["expires"], _FORM).replace(tzinfo=timezone.utc)
    except FileNotFoundError:
        raise ConsentError(f"no sentence was asked for the profile {name!r}; {again}") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        kind = type(error).__name__
        raise ConsentError(f"the sentence asked for is damaged ({kind}); {again}") from None
    if (now or datetime.now(timezone.utc)) >= expires:
        raise ConsentError(f"the sentence was to be read by {expires:%Y-%m-%d %H:%M} UTC; {again}")
    return sentence


def forget_sentence(name: str) -> None:
    """Delete the sentence of a profile once it was read, so that it can't be used again."""
    with contextlib.suppress(OSError):
        _path(name).unlink()


def _path(name: str) -> Path:
    from voicelet.files import state_dir
    from voicelet.profiles.names import file_stem

    return state_dir() / "consent" / f"{file_stem(name)}.json"
