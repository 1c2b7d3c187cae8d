"""How a command learns who agreed: by a sentence read aloud, or in writing."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from voicelet.cli import challenge
from voicelet.errors import ConfigError, ConsentError

if TYPE_CHECKING:
    from voicelet.audio.source import Recording
    from voicelet.trust.consent.statement import Consent, ConsentRecord

_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def add_scripted_option(parser: Any) -> None:
    """Add `--scripted-consent`."""
    parser.add_argument(
        "--scripted-consent",
        metavar="TEXT",
        help="who agreed, how, and why no sentence was read; it stays in the record",
    )


def add_consent_options(parser: argparse.ArgumentParser) -> None:
    """Add all that makes a consent."""
    group = parser.add_argument_group("consent of the speaker (docs/guides/consent.md)")
    way = group.add_mutually_exclusive_group()
    way.add_argument(
        "--sentence", action="store_true", help="print the sentence to read aloud, and exit"
    )
    way.add_argument(
        "--spoken-consent",
        metavar="FILE",
        help="the speaker reading that sentence, recorded just now",
    )
    add_scripted_option(way)
    group.add_argument("--speaker", metavar="WHO", help="whose voice it is (default: NAME)")
    group.add_argument("--given-by", metavar="WHO", help="who agreed, if not the speaker")
    group.add_argument(
        "--purpose",
        action="append",
        metavar="PURPOSE",
        help="own-use (the default), assistive, publishing, research, federation; may be repeated",
    )
    group.add_argument("--scope", metavar="TEXT", help="further limits, in words")
    group.add_argument(
        "--expires",
        metavar="WHEN",
        help="2027-01-31, or 90d, 8w, 1y from now, or never (default: never; of a renewed consent:"
        " as long as before)",
    )


def print_sentence(name: str) -> None:
    """Draw a sentence for a profile and show it."""
    sentence, expires = challenge.draw_sentence(name)
    print(sentence.text)
    print(
        "\nRecord the speaker reading this aloud, and give the recording with --spoken-consent"
        f" FILE before {expires:%Y-%m-%d %H:%M} UTC. It serves once, on this device.",
        file=sys.stderr,
    )


def scripted_consent(args: argparse.Namespace, speaker: str) -> Consent:
    """The consent that `--scripted-consent` states, for commands that keep no profile.

    Raises:
        ConsentError: it wasn't given.
    """
    from voicelet.trust.consent.statement import Consent

    if not args.scripted_consent:
        raise ConsentError(
            "say who agreed to have these recordings spoken with:"
            ' --scripted-consent "who agreed, and how"'
        )
    return Consent.scripted(speaker, args.scripted_consent)


def gather_consent(
    args: argparse.Namespace, name: str, previous: ConsentRecord | None = None
) -> Consent:
    """Make a consent of the options, asking for a sentence on a terminal.

    Args:
        name: of the profile.
        previous: what the options default to.

    Raises:
        ConsentError: nobody agreed, or a value is impossible.
        AudioError: nothing could be recorded.
    """
    from voicelet.trust.consent.statement import Consent, SpokenConsent

    values: dict[str, Any] = {
        "speaker": args.speaker or (previous.speaker if previous else name),
        "given_by": args.given_by or (previous.given_by if previous else ""),
        "purposes": tuple(args.purpose or (previous.purposes if previous else ("own-use",))),
        "scope": (previous.scope if previous else "") if args.scope is None else args.scope,
        "expires": parse_expiry(args.expires),
    }
    if args.expires is None and previous is not None and previous.expires is not None:
        values["expires"] = _as_long_as(previous)
    if args.scripted_consent is not None:
        return Consent.scripted(reason=args.scripted_consent, **values)
    Consent.scripted(
        reason="to see that the values are sound", **values
    )  # checks the values before the speaker has to read anything
    if args.spoken_consent is not None:
        spoken = SpokenConsent(args.spoken_consent, challenge.pending_sentence(name))
    else:
        spoken = _ask_aloud(name)
    return Consent(spoken=spoken, **values)


def _as_long_as(previous: ConsentRecord, now: datetime | None = None) -> datetime:
    """When a renewed consent ends: after as long as the one before it was given for."""
    from voicelet.trust.consent.record import from_iso

    begin, end = from_iso("the date", previous.created), from_iso("the end", str(previous.expires))
    try:
        moment = (now or datetime.now(timezone.utc)) + (end - begin)
    except OverflowError:  # in the year 9999, as before
        moment = end
    days = round((end - begin).total_seconds() / 86400)
    print(
        f"voicelet: as before, the consent is for {days} days, and ends on {moment:%Y-%m-%d};"
        " --expires WHEN, or never, for another end",
        file=sys.stderr,
    )
    return moment


def parse_expiry(text: str | None, now: datetime | None = None) -> str | None:
    """`90d`, `8w`, `6m`, `1y` from now, or a date as it is; "never" is None.

    Raises:
        ConfigError: the time from now is absurd.
    """
    if text is None or text == "never":
        return None
    match = re.fullmatch(r"([0-9]{1,5})([dwmy])", text)
    if match is None:
        return text  # Consent reads dates, and says what is wrong with them
    try:
        moment = (now or datetime.now(timezone.utc)) + timedelta(int(match[1]) * _DAYS[match[2]])
    except OverflowError:
        raise ConfigError(f"--expires {text}: that is too far away") from None
    return moment.date().isoformat()


def _ask_aloud(name: str) -> Any:
    from voicelet.enrolment.liveness.check import consent_sentence
    from voicelet.trust.consent.statement import SpokenConsent

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        quoted = shlex.quote(name)
        raise ConsentError(
            f"the speaker has to agree: run `voicelet enrol {quoted} --sentence`, record them"
            " reading it, and add --spoken-consent FILE; or, where nobody can read it,"
            ' --scripted-consent "who agreed, and why it wasn\'t spoken"'
        )
    sentence = consent_sentence()
    print(
        "The owner of this voice has to agree, by reading this sentence aloud:\n\n"
        f"    {sentence.text}\n",
        file=sys.stderr,
    )
    return SpokenConsent(_recording(), sentence)


def _recording() -> Recording:
    """Record from the microphone, or take the name of a file that is typed in."""
    from voicelet.cli.recorder import MicrophoneRecorder, find_recorder

    if find_recorder() is None:
        answer = _prompt("Record it with any program, then type the file's name: ")
        if not answer:
            raise ConsentError("nothing was read; nobody has agreed")
        return answer
    answer = _prompt("Press Enter and read it (or type the name of a recording of it): ")
    if answer:
        return answer
    recorder = MicrophoneRecorder()
    try:
        _prompt("Listening … press Enter when it has been read. ")
    finally:
        samples, rate_hz = recorder.stop()
    return samples, rate_hz


def _prompt(text: str) -> str:
    print(text, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise ConsentError("nothing was read; nobody has agreed")
    return line.strip()
