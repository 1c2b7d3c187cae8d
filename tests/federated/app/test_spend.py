"""What a device pays in a federation: consent first, its own limits, and older books."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.federated.tiny_federation import Federation, times_paid
from voicelet import files as atomic
from voicelet.errors import ConsentEndedError, ConsentError, VoiceletError
from voicelet_federated.app.config import AdapterSpec, LocalTraining
from voicelet_federated.app.protocol import Terms
from voicelet_federated.app.spend import OLD_LEDGER, days_from_now, may_join, open_ledger, pay
from voicelet_federated.cli.consent import (
    add_consent_options,
    consenting_ledger,
    stated_consent,
)
from voicelet_federated.errors import BudgetError
from voicelet_federated.ledger import PURPOSE, DeviceLedger, FederationConsent
from voicelet_federated.privacy.accounting import Account, rdp_epsilon
from voicelet_federated.privacy.masking import Round
from voicelet_federated.privacy.skellam import NoiseShare

Make = Callable[..., Federation]
SHARE = NoiseShare(1.0, 3.0, 10, 256, 20)
WEAK = replace(SHARE, noise_multiplier=0.1)
TERMS = Terms(
    where=Round("s", 1, 0, "schema"),
    base="base",
    share=SHARE,
    epsilon=8.0,
    delta=1e-5,
    joins=3,
    masking=True,
    adapter=AdapterSpec(),
    local=LocalTraining(),
)
GENEROUS = replace(TERMS, epsilon=1e9, delta=0.5, joins=10**6)


def agreed(state: Path, rounds: int = 100, epsilon: float = 8.0) -> DeviceLedger:
    ledger = open_ledger(state)
    ledger.grant(FederationConsent(PURPOSE, rounds, epsilon, time.time() + 1e5))
    return ledger


def old_books(state: Path, times: int, share: NoiseShare = SHARE) -> Path:
    state.mkdir(parents=True, exist_ok=True)
    paid = [{"round": json.dumps(["old", i, 0, "schema"]), **asdict(share)} for i in range(times)]
    file = state / OLD_LEDGER
    file.write_text(json.dumps({"paid": paid}))
    return file


def test_a_device_s_limit_is_its_own(tmp_path: Path) -> None:
    ledger = agreed(tmp_path, epsilon=rdp_epsilon(SHARE.rdp, 2) + 1e-9)
    assert pay(ledger, GENEROUS) == pytest.approx(rdp_epsilon(SHARE.rdp, 1))
    with pytest.raises(BudgetError, match="sits it out"):
        pay(ledger, replace(GENEROUS, share=WEAK))
    pay(ledger, GENEROUS)
    with pytest.raises(BudgetError, match="sits it out"):
        may_join(ledger, GENEROUS)
    assert len(open_ledger(tmp_path).entries) == 2


def test_a_run_s_promise_is_kept_by_the_device(tmp_path: Path) -> None:
    ledger = agreed(tmp_path, epsilon=100.0)
    for number in range(TERMS.joins):
        pay(ledger, replace(TERMS, where=Round(f"life {number}", number, 0, "schema")))
    with pytest.raises(BudgetError, match="3 times, as often as agreed"):
        may_join(ledger, replace(TERMS, where=Round("server forgot", 1, 0, "schema")))
    # Another model, or other terms, is another run; the life goes on counting.
    other = replace(TERMS, base="another")
    assert pay(ledger, other) == pytest.approx(rdp_epsilon(SHARE.rdp, 4))
    tight = replace(TERMS, base="third", epsilon=rdp_epsilon(SHARE.rdp, 1) / 2)
    with pytest.raises(BudgetError, match="sits it out"):
        may_join(ledger, tight)


def test_older_books_are_taken_over(tmp_path: Path) -> None:
    file = old_books(tmp_path, 2)
    ledger = open_ledger(tmp_path)
    assert not file.exists() and [e.round for e in ledger.entries] == [0, 1]
    assert ledger.epsilon == pytest.approx(rdp_epsilon(SHARE.rdp, 2))
    with pytest.raises(ConsentError):  # what was agreed to silently isn't any more
        may_join(ledger, TERMS)
    agreed(tmp_path, epsilon=100.0)
    ledger = open_ledger(tmp_path)
    pay(ledger, TERMS)
    with pytest.raises(BudgetError, match="as often as agreed"):
        may_join(ledger, replace(TERMS, base="another", joins=2))
    # An older version ran again: its new books are added.
    old_books(tmp_path, 1)
    assert len(open_ledger(tmp_path).entries) == 4


def test_a_crash_while_books_are_taken_over_understates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = old_books(tmp_path, 2)
    with monkeypatch.context() as m:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        open_ledger(tmp_path / "elsewhere")
        (tmp_path / "ledger.key").write_bytes(bytes(32))
        m.setattr(atomic.os, "fsync", full)
        with pytest.raises(BudgetError, match="free some room"):
            open_ledger(tmp_path)
    assert file.exists()
    with monkeypatch.context() as m:
        m.setattr(Path, "unlink", lambda *a, **k: full())
        with pytest.raises(BudgetError, match="No space"):
            open_ledger(tmp_path)
    assert file.exists() and len(open_ledger(tmp_path).entries) >= 2


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_broken_books_stop_a_device(data: st.DataObject, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("books")
    good = old_books(folder, 2).read_bytes()
    kind = data.draw(st.sampled_from(["cut", "flip", "any"]))
    at = data.draw(st.integers(0, len(good) - 2))
    bad = {
        "cut": good[:at],
        "flip": good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :],
        "any": data.draw(st.binary(max_size=60)),
    }[kind]
    (folder / OLD_LEDGER).write_bytes(bad)
    try:
        spent = len(open_ledger(folder).entries)
    except BudgetError:
        assert (folder / OLD_LEDGER).read_bytes() == bad
    else:  # a digit became another one: still two payments
        assert spent == 2


def test_without_consent_a_device_says_one_word(federation: Make) -> None:
    made = federation(minimum=2)
    open_ledger(made.folder / "devices" / "s0").revoke()
    (made.folder / "devices" / "s1" / "ledger").unlink()
    (made.folder / "devices" / "s1" / "ledger.count").unlink()
    state = made.run()
    assert state.rounds[0].refusals == {"consent": 2} and state.rounds[0].opened == 2
    assert times_paid(made) == [1, 1]


def test_who_withdraws_between_the_exchanges_sends_nothing(federation: Make) -> None:
    made = federation()
    victim = open_ledger(made.folder / "devices" / "s1")

    def withdraw(message: Any, send: Callable[[bytes], bytes | None]) -> bytes | None:
        from voicelet_federated.app.grid import to_wire

        if message.metadata.message_type == "train" and not victim.withdrawn:
            victim.revoke()
        return send(to_wire(message, message.metadata.message_id))

    state = made.run(withdraw)
    assert state.rounds[0].refusals["consent"] >= 1 and state.rounds[0].opened == 3
    assert len(open_ledger(made.folder / "devices" / "s1").entries) == 0


def test_simulating_again_grants_nothing_to_who_withdrew(federation: Make, tmp_path: Path) -> None:
    made = federation()
    open_ledger(made.folder / "devices" / "s2").revoke()
    again = Federation(made.folder, made.base, made.cache, config=made.config)
    assert open_ledger(again.folder / "devices" / "s2").withdrawn


def options(*words: str) -> FederationConsent | None:
    parser = argparse.ArgumentParser()
    add_consent_options(parser)
    return stated_consent(parser.parse_args(words))


def test_joining_asks_for_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert options() is None
    with open(os.devnull) as nobody, monkeypatch.context() as m:
        m.setattr(sys, "stdin", nobody)
        with pytest.raises(ConsentError, match="add --consent"):
            consenting_ledger(tmp_path, None)
        stated = options("--consent", "--rounds", "2", "--days", "3")
        ledger = consenting_ledger(tmp_path, stated)
        assert ledger.consent is not None and ledger.consent.epsilon == 8.0
        assert abs(ledger.consent.expires - days_from_now(3.0)) < 60.0
        consenting_ledger(tmp_path, None)  # once is enough
        pay(ledger, TERMS)
        pay(ledger, TERMS)
        with pytest.raises(BudgetError, match="as many as agreed to"):
            consenting_ledger(tmp_path, None)
        ledger.revoke()
        with pytest.raises(ConsentEndedError, match="add --consent"):
            consenting_ledger(tmp_path, None)


class Terminal:
    """A person at a keyboard."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.answer


@pytest.mark.parametrize("answer", ["", "no\n", "y\n", "Yes\n"])
def test_the_question_at_a_terminal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    if answer == "Yes\n":
        assert consenting_ledger(tmp_path, None).consent is not None
    else:
        with pytest.raises(ConsentError, match="not agreed"):
            consenting_ledger(tmp_path, None)
        assert open_ledger(tmp_path).consent is None
    shown = capsys.readouterr().err
    assert "10 rounds and epsilon 8" in shown and "--withdraw" in shown


def test_consents_that_make_no_sense(tmp_path: Path) -> None:
    for words in (
        ["--rounds", "3"],
        ["--consent", "--rounds", "0"],
        ["--consent", "--epsilon", "0"],
        ["--consent", "--epsilon", "inf"],
    ):
        with pytest.raises(VoiceletError):
            options(*words)
    with pytest.raises(VoiceletError):
        agreed(tmp_path).grant(options("--consent", "--days", "-1"))


def test_the_account_of_a_life_is_that_of_its_shares(tmp_path: Path) -> None:
    ledger = agreed(tmp_path, epsilon=50.0)
    shares = [SHARE, replace(SHARE, clip_norm=0.3), replace(SHARE, noise_multiplier=2.0)]
    for number, share in enumerate(shares):
        pay(ledger, replace(TERMS, share=share, base=str(number)))
    assert ledger.epsilon == pytest.approx(Account(1e9, 1e-5, tuple(shares)).spent())
