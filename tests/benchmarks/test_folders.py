"""Held-out people, planning, and the speed benchmark's arithmetic."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import voicelet
from benchmarks import heldout, speed
from benchmarks.common import BenchmarkError
from benchmarks.peers.kokoro import teacher_phones
from benchmarks.peers.voicelet_system import Voicelet
from benchmarks.peers.worker import Worker, one_thread_environment
from benchmarks.people import Reference
from benchmarks.report.page import markdown_as_html
from benchmarks.speaking import DATA, make_systems, plan, read_sentences, speak
from voicelet.errors import RecordingRejectedError
from voicelet_export.metrics.cache import Cache


def test_held_out_people_are_twenty_and_never_heard_twice() -> None:
    held_out = heldout.load()
    assert Counter(p.corpus for p in held_out.people) == {"speechocean762": 10, "librispeech": 10}
    known = Counter(p.gender for p in held_out.people if p.gender)
    assert known == {"f": 5, "m": 5}
    assert len(held_out.speakers()) == 26
    for person in held_out.people:
        if person.split_s is None:
            assert not set(person.reference) & set(person.ceiling)
        else:
            assert person.reference == person.ceiling and 9.0 < person.split_s < 11.0


def test_sentences_are_many_and_distinct() -> None:
    sentences = read_sentences(DATA / "sentences.txt")
    assert len(sentences) >= 30
    assert len(set(sentences)) == len(sentences)
    assert all(not any(c.isdigit() for c in s) for s in sentences)
    numbers = read_sentences(DATA / "numbers.txt")
    assert all(any(c.isdigit() for c in s) for s in numbers)
    assert not set(sentences) & set(read_sentences(DATA / "hard.txt"))


def test_everyone_speaks_and_sentences_are_spread() -> None:
    people = [Reference(str(i), Path(f"{i}.wav")) for i in range(20)]
    jobs = plan([f"s{i}" for i in range(20)], people, 2)
    assert set(Counter(r.speaker for _, r in jobs).values()) == {2}
    assert set(Counter(s for s, _ in jobs).values()) == {2}


def test_systems_are_named_on_the_command_line() -> None:
    names = [
        s.name for s in make_systems("recordings,voicelet,voicelet=old:x.voicelet,piper,teacher")
    ]
    assert names == [
        "voicelet",
        "old",
        "piper-joe-medium",
        "teacher-af-heart",
        "teacher-am-michael",
    ]
    with pytest.raises(BenchmarkError, match="unknown system"):
        make_systems("festival")
    with pytest.raises(BenchmarkError, match="one name"):
        make_systems("voicelet,voicelet")


def test_the_teachers_phones_follow_its_convention() -> None:
    assert teacher_phones("tʃˈɔɪs dʒˈɜːɹni ˈaʊɾɚ lˈaɪɾɪd") == "ʧˈYs ʤˈɜɹni ˈWTəɹ lˈITɪd"


def test_a_markdown_table_becomes_html() -> None:
    page = markdown_as_html("| | WER % |\n|---|---:|\n| a<b | 4.6 |\n")
    assert "<th>WER %</th>" in page and "a&lt;b" in page and '<td class="n">4.6</td>' in page


class _Person:
    """Stands for a profile."""

    def __init__(self, name: str) -> None:
        self.name = name


def test_voicelet_enrols_each_person_once_and_leaves_out_who_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled: list[str] = []
    said: list[tuple[str, str]] = []

    class FakeVoice:
        @staticmethod
        def load(
            path: Path | None = None, threads: int = 0, trust_bundle: bool = False
        ) -> FakeVoice:
            assert threads == 1
            return FakeVoice()

        def synthesize(self, text: str, profile: _Person, seed: int) -> SimpleNamespace:
            said.append((profile.name, text))
            return SimpleNamespace(samples=np.zeros(240, np.float32), sample_rate_hz=24000)

    def fake_enrol(recordings: list[Path], consent: object, name: str, voice: FakeVoice) -> _Person:
        enrolled.append(name)
        if name == "mumbler":
            raise RecordingRejectedError(["too noisy"])
        return _Person(name)

    monkeypatch.setattr(voicelet, "Voice", FakeVoice, raising=False)
    monkeypatch.setattr(voicelet, "enrol", fake_enrol, raising=False)
    people = []
    for name in ("ana", "mumbler"):
        (tmp_path / f"{name}.wav").write_text(name)
        people.append(Reference(name, tmp_path / f"{name}.wav"))
    (tmp_path / "a.voicelet").write_text("bundle")
    system = Voicelet(tmp_path / "a.voicelet", "voicelet")
    cache = Cache(tmp_path / "cache")
    for _ in range(2):
        speak(system, ["One.", "Two."], people, 2, tmp_path / "out", cache, lambda done, all_: None)
    assert said == [("ana", "One."), ("ana", "Two.")]  # once: the second time from the cache
    assert enrolled.count("ana") == 1
    lines = (tmp_path / "out" / "texts.tsv").read_text().splitlines()
    assert lines == [
        "000-ana.wav\tOne.\t../references/ana.wav",
        "001-ana.wav\tTwo.\t../references/ana.wav",
    ]


CHILD = """
import json, sys
print(json.dumps({"import_ms": 1.0, "load_ms": 2.0, "enrol_ms": 0.0}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if request.get("text") == "fail":
        print(json.dumps({"error": "no voice"}), flush=True)
    else:
        answer = {"first_audio_ms": 5.0, "total_ms": SLOW * 10.0, "cpu_ms": SLOW * 15.0}
        answer |= {"audio_s": 1.0, "peak_mb": 7.0}
        print(json.dumps(answer), flush=True)
"""


def _starter(slow: int) -> speed.Starter:
    def start(extra: dict[str, str]) -> tuple[Worker, dict[str, float]]:
        code = CHILD.replace("SLOW", str(slow))
        worker = Worker([sys.executable, "-c", code], one_thread_environment(extra))
        return worker, worker.read()

    return start


def test_speed_takes_medians_of_systems_in_turn() -> None:
    results = speed.measure({"fast": _starter(1), "slow": _starter(10)}, ["a", "b"], 2, 1)
    assert results["fast"]["rtf"] == pytest.approx(0.01)
    assert results["slow"]["rtf"] == pytest.approx(0.1)
    assert results["slow"]["cpu_s_per_s"] == pytest.approx(0.15)
    assert results["fast"]["peak_mb"] == 7.0
    assert results["fast"]["cold_start_ms"] > 5.0
    table = speed.markdown(results)
    assert "| real-time factor | 0.0100 | 0.1000 | 10.0× |" in table


def test_a_peer_that_fails_or_dies_is_an_error() -> None:
    worker, _ = _starter(1)({})
    with pytest.raises(BenchmarkError, match="no voice"):
        worker.ask(text="fail")
    worker.close()
    dead = Worker([sys.executable, "-c", "raise SystemExit(3)"], one_thread_environment())
    with pytest.raises(BenchmarkError, match="code 3"):
        dead.read()
    dead.close()


def test_the_quietest_place_is_found() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(size=5 * 16000)
    noise[int(2.4 * 16000) : int(2.5 * 16000)] *= 0.01
    assert heldout.quietest_s(noise, 16000, 1.0, 4.0) == pytest.approx(2.45, abs=0.05)
