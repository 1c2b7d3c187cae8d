"""How a person agrees to federated learning on the command line, or withdraws."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from voicelet.errors import ConfigError, ConsentEndedError, ConsentError
from voicelet.trust.audit.device_log import note
from voicelet_federated.app.spend import days_from_now, open_ledger
from voicelet_federated.errors import BudgetError
from voicelet_federated.ledger import PURPOSE, DeviceLedger, FederationConsent

ROUNDS, EPSILON, DAYS = 10, 8.0, 365.0
_QUESTION = """\
This device would help to improve the shared voice. It trains on your recordings, which never
leave it. Of each round leave: one vector of numbers, clipped, noised and masked, so that the
server reads the sum of many people's alone; a key; and your network address.

You would agree to at most {rounds} rounds and epsilon {epsilon:g} in this device's life (the
smaller, the less anybody can ever tell whether you took part), for {days:g} days. You can withdraw:

    voicelet-federated ledger --state {state} --withdraw

What was sent until then can't be taken out of the sums again. Having agreed to the cloning of
your voice is no agreement to this; your voice's consent must name the purpose federation as well.

"""


def add_consent_options(parser: argparse.ArgumentParser) -> None:
    """Add `--consent` and the limits that go with it."""
    parser.add_argument(
        "--consent", action="store_true", help="the person whose speech it is agrees to take part"
    )
    parser.add_argument("--rounds", type=int, help=f"with --consent: most rounds ({ROUNDS})")
    parser.add_argument("--epsilon", type=float, help=f"with --consent: most epsilon ({EPSILON:g})")
    parser.add_argument("--days", type=float, help=f"with --consent: how long ({DAYS:g})")


def stated_consent(args: argparse.Namespace) -> FederationConsent | None:
    """What the options say, None without `--consent`.

    Raises:
        ConfigError: they make no sense, or say for what to agree and not to agree.
    """
    terms = (args.rounds, args.epsilon, args.days)
    if not args.consent:
        if any(value is not None for value in terms):
            raise ConfigError("--rounds, --epsilon and --days go with --consent")
        return None
    epsilon = EPSILON if args.epsilon is None else args.epsilon
    if not math.isfinite(epsilon):
        raise ConfigError("a person agrees to a finite epsilon; choose one, 8 or less")
    return FederationConsent(
        PURPOSE,
        ROUNDS if args.rounds is None else args.rounds,
        epsilon,
        days_from_now(DAYS if args.days is None else args.days),
    )


def consenting_ledger(state: Path, stated: FederationConsent | None) -> DeviceLedger:
    """The ledger of a device whose person agrees: now, or before, or being asked.

    Args:
        state: the device's folder.
        stated: what the options say; None: whoever hasn't agreed yet is asked, at a terminal.

    Raises:
        ConsentError: no agreement, and nobody to ask, or the answer is no.
        ConsentEndedError: it was withdrawn and nobody is there to ask.
        BudgetError: all that was agreed to is spent, or the ledger can't be used.
    """
    ledger = open_ledger(state)
    if stated is None and (ledger.consent is None or ledger.expired):
        stated = _ask_for_consent(state, ledger)
    if stated is not None:
        agree(ledger, stated)
    consent = ledger.consent
    if consent is not None and len(ledger.entries) >= consent.rounds:
        raise BudgetError(
            f"{len(ledger.entries)} rounds joined, as many as agreed to; "
            "`voicelet-federated ledger --consent --rounds …` agrees to more"
        )
    return ledger


def agree(ledger: DeviceLedger, consent: FederationConsent) -> None:
    """Write a consent down, in the ledger and in the device's audit log.

    Raises:
        BudgetError: as :meth:`DeviceLedger.grant`.
    """
    ledger.grant(consent)
    note("consent", purpose="federation", rounds=consent.rounds, epsilon=consent.epsilon)


def withdraw(ledger: DeviceLedger) -> None:
    """Withdraw a consent, in the ledger and in the audit log.

    Raises:
        BudgetError: as :meth:`DeviceLedger.revoke`.
    """
    ledger.revoke()
    note("revoke", purpose="federation")


def _ask_for_consent(state: Path, ledger: DeviceLedger) -> FederationConsent:
    if not sys.stdin.isatty():
        kind = ConsentEndedError if ledger.withdrawn or ledger.expired else ConsentError
        raise kind(
            "the person whose speech it is hasn't agreed to federated learning; add --consent "
            "if they do (--rounds, --epsilon and --days bound it)"
        )
    question = _QUESTION.format(rounds=ROUNDS, epsilon=EPSILON, days=DAYS, state=state)
    sys.stderr.write(question + "Type yes to agree: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise ConsentError("not agreed; this device doesn't take part")
    return FederationConsent(PURPOSE, ROUNDS, EPSILON, days_from_now(DAYS))
