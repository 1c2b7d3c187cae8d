"""A consent sentence is of this device and of these minutes, and serves once."""

from __future__ import annotations

import inspect
import json
import os
import random
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import voicelet
from tests.consenting import draft
from voicelet.enrolment.consent import check_sentence, give_consent
from voicelet.enrolment.liveness.issued import (
    MAX_TRIES,
    MINUTES_VARIABLE,
    IssuedSentences,
    issued_sentences,
    sentence_lifetime,
)
from voicelet.enrolment.liveness.sentence import ConsentSentence, consent_sentence, random_sentence
from voicelet.errors import ConfigError, ConsentError, LivenessRejectedError
from voicelet.trust.consent.statement import Consent, SpokenConsent

SAMPLES = Path(__file__).parents[2] / "samples"
NOW = datetime.now(timezone.utc)


def drawn(now: datetime) -> ConsentSentence:
    """A sentence that was asked for at another time than now."""
    sentence = random_sentence(now)
    issued_sentences().add(sentence.text, now)
    return sentence


def spoken(sentence: object) -> Consent:
    """Of a real recording, of other words."""
    return Consent("Ana", SpokenConsent(SAMPLES / "reader-2.opus", sentence))  # type: ignore[arg-type]


def test_a_sentence_that_this_device_didnt_draw_gives_no_consent() -> None:
    """An old consent replayed, or one drawn elsewhere: refused before anything is listened to."""
    for consent in (spoken(random_sentence()), spoken(random_sentence(NOW - timedelta(days=30)))):
        with pytest.raises(
            ConsentError, match=r"wasn't asked for on this device.*consent_sentence"
        ):
            voicelet.enrol([SAMPLES / "reader-3.opus"], consent=consent)
        with pytest.raises(ConsentError, match="wasn't asked for on this device"):
            give_consent(draft(), consent)


def test_its_minutes_are_over_soon() -> None:
    text = drawn(NOW).text
    store = issued_sentences()
    store.check(text, NOW + timedelta(minutes=14))
    store.check(f"  {text}\n", NOW)
    for late in (timedelta(minutes=16), timedelta(hours=23), -timedelta(minutes=5)):
        with pytest.raises(ConsentError, match=r"within 15 minutes; draw a new one"):
            store.check(text, NOW + late)
    old = drawn(NOW - timedelta(minutes=16))
    with pytest.raises(ConsentError, match="within 15 minutes"):
        voicelet.enrol([SAMPLES / "reader-3.opus"], consent=spoken(old))


def test_enrolment_may_go_on_after_the_minutes_are_over() -> None:
    """They are counted when the recording is handed over; other sentences may be drawn since."""
    store = issued_sentences()
    text = drawn(NOW).text
    store.check(text, NOW + timedelta(minutes=14))
    drawn(NOW + timedelta(minutes=40))
    store.take_try(text)
    store.use(text)


def test_the_minutes_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MINUTES_VARIABLE, "60")
    text = drawn(NOW).text
    issued_sentences().check(text, NOW + timedelta(minutes=59))
    for wrong in ("0", "-1", "1.5", "a day", "1441", "9" * 5000, "٣"):
        monkeypatch.setenv(MINUTES_VARIABLE, wrong)
        with pytest.raises(ConfigError, match=r"whole minutes from 1 to 1440"):
            sentence_lifetime()


def test_it_serves_once_and_bears_a_few_tries() -> None:
    store, text = issued_sentences(), consent_sentence().text
    for _ in range(MAX_TRIES):
        store.take_try(text)
    for refused in (store.take_try, store.check):
        with pytest.raises(ConsentError, match=r"tried 5 times; draw a new one"):
            refused(text)
    text = consent_sentence().text
    store.use(text)
    for refused in (store.use, store.check, store.take_try):
        with pytest.raises(ConsentError, match="used already"):
            refused(text)


def test_a_refused_reading_can_be_tried_again() -> None:
    sentence = consent_sentence()
    for _ in range(MAX_TRIES):
        with pytest.raises(LivenessRejectedError):
            give_consent(_alone(), spoken(sentence))
    with pytest.raises(ConsentError, match="tried 5 times"):
        give_consent(_alone(), spoken(sentence))


def _alone() -> voicelet.Profile:
    return draft()


def test_one_process_draws_and_another_is_read_to() -> None:
    code = "import voicelet; print(voicelet.consent_sentence().text)"
    text = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout

    class Shown:
        pass

    shown = Shown()
    shown.text = text  # type: ignore[attr-defined]
    check_sentence(spoken(shown))


def test_of_many_processes_one_uses_a_sentence() -> None:
    text = consent_sentence().text
    others = [consent_sentence().text for _ in range(3)]
    code = textwrap.dedent("""
        import sys
        from voicelet.enrolment.liveness.issued import issued_sentences
        from voicelet.errors import ConsentError
        sys.stdin.readline()
        try:
            issued_sentences().use(sys.argv[1])
        except ConsentError:
            sys.exit(7)
    """)
    racing = [
        subprocess.Popen([sys.executable, "-c", code, text], stdin=subprocess.PIPE)
        for _ in range(6)
    ]
    for process in racing:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    assert sorted(process.wait() for process in racing) == [0, 7, 7, 7, 7, 7]
    for other in others:
        issued_sentences().check(other)


def test_many_threads_lose_no_sentence() -> None:
    texts: list[str] = []
    threads = [
        threading.Thread(target=lambda: texts.extend(consent_sentence().text for _ in range(5)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for text in texts:
        issued_sentences().check(text)


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_a_process_killed_at_any_moment_leaves_a_whole_file() -> None:
    kept = consent_sentence().text
    code = "import voicelet\nprint(flush=True)\nwhile True: voicelet.consent_sentence()"
    rng = random.Random(3)
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(json.loads(issued_sentences().path.read_bytes())["sentences"]) >= 1
        issued_sentences().check(kept)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
def test_a_full_disk_refuses_and_loses_nothing() -> None:
    kept = consent_sentence().text
    code = textwrap.dedent("""
        import resource, signal, sys, voicelet
        from voicelet.enrolment.liveness.issued import issued_sentences
        from voicelet.errors import ConsentError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
        for doing in (voicelet.consent_sentence, lambda: issued_sentences().use(sys.argv[1])):
            try:
                doing()
            except ConsentError as error:
                assert "make room" in str(error)
            else:
                sys.exit(1)
    """)
    subprocess.run([sys.executable, "-c", code, kept], check=True)
    issued_sentences().check(kept)
    assert {p.name for p in issued_sentences().path.parent.iterdir()} == {
        "issued.json",
        "issued.json.lock",
    }


def test_a_damaged_file_counts_no_sentence_and_a_new_one_can_be_drawn(tmp_path: Path) -> None:
    store = IssuedSentences(tmp_path / "deep" / "issued.json")
    store.add("one", NOW)
    whole = store.path.read_bytes()
    row = {"sha256": "0", "issued": "2026-11-30T00:00:00", "tries": 0}  # no time zone
    damages = [b"", b"{", b"[]", b"\xff", b"[" * 9999, b"x" * 2_000_000, whole[:-3]]
    damages += [json.dumps({"version": v, "sentences": s}).encode() for v, s in (
        (2, []), (1, None), (1, [1]), (1, [row]), (1, [{**row, "tries": "a"}]),
    )]  # fmt: skip
    for damage in damages:
        store.path.write_bytes(damage)
        with pytest.raises(ConsentError, match="wasn't asked for"):
            store.check("one", NOW)
        store.add("two", NOW)
        store.check("two", NOW)


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_the_file_is_private_and_holds_no_sentence() -> None:
    text = consent_sentence().text
    path = issued_sentences().path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert text.partition(":")[2].split(",")[0].strip().encode() not in path.read_bytes()


def test_old_sentences_are_dropped() -> None:
    drawn(NOW - timedelta(days=2))
    drawn(NOW)
    assert len(json.loads(issued_sentences().path.read_bytes())["sentences"]) == 1


def test_neither_the_words_nor_the_time_of_a_sentence_can_be_chosen() -> None:
    """A sentence that was read yesterday, or for another device, would count again."""
    assert not inspect.signature(voicelet.consent_sentence).parameters
    text = consent_sentence().text
    issued_sentences().use(text)
    with pytest.raises(TypeError):
        consent_sentence(NOW)  # type: ignore[call-arg]
