"""Going through prompts with somebody: record, judge, play, again, next."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.cli.recorder import LevelMeter, MicrophoneRecorder
from voicelet.errors import AudioError, CancelledError, OutputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from voicelet.bundle import Bundle
    from voicelet.enrolment.reading.prompts import Prompt
    from voicelet.profiles.quality import GateReport

ENOUGH_COVERAGE = 0.9
"""Of the language's common sounds."""
MOST_SPEECH_S = 60.0
"""From here on missing sounds are no reason to go on."""
LEAST_CLIP_S = 0.3
"""Less speech than this is no answer to a prompt."""

_BEFORE = "Enter: record · l: listen to it · s: skip · f: finish · q: quit > "
_AFTER = "Enter: keep it · r: again · p: play it · s: skip · f: keep and finish · q: quit > "
_REFUSED = "Enter: again · p: play it · s: skip · f: finish · q: quit > "


@dataclass(frozen=True)
class Clip:
    """One good recording.

    Attributes:
        prompt: what was asked for.
        samples: int16 [n].
        report: what the gate measured of it.
    """

    prompt: Prompt
    samples: npt.NDArray[np.int16] = field(repr=False)
    sample_rate_hz: int
    report: GateReport


def ask(question: str) -> str:
    """Ask on standard error; the first letter of the answer in lower case, "" for Enter.

    Raises:
        CancelledError: standard input has ended.
    """
    print(question, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise CancelledError("stopped; nothing more was recorded")
    return line.strip().lower()[:1]


def say(text: str = "") -> None:
    """Tell the reader something, on standard error."""
    print(text, file=sys.stderr, flush=True)


class ReadingSession:
    """Records prompts, one after the other, until there is enough of a voice.

    The recordings stay in memory; with `folder` each is written there as soon as it is kept, its
    words beside it, which is what `voicelet adapt` reads.

    Args:
        prompts: in the order in which they are asked.
        bundle: its lexicon tells which sounds a text holds, its default voice reads prompts aloud.
        wanted_s: seconds of speech after which it ends, once the sounds are covered.
        repeat: read every prompt aloud before it is recorded.
    """

    def __init__(
        self,
        prompts: Sequence[Prompt],
        bundle: Bundle,
        wanted_s: float,
        *,
        repeat: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.clips: list[Clip] = []
        self._prompts, self._bundle, self._wanted_s = prompts, bundle, wanted_s
        self._repeat, self._folder = repeat, folder
        self._voice: Any = None
        self._phones = ""
        self._texts = any(prompt.text for prompt in prompts)

    @property
    def speech_s(self) -> float:
        """Seconds of good speech so far."""
        return sum(clip.report.speech_s for clip in self.clips)

    @property
    def coverage(self) -> float:
        """Part of the language's common sounds that the kept prompts hold, 0..1."""
        from voicelet.enrolment.enrolment import phonetic_coverage

        return phonetic_coverage(self._phones, self._bundle.manifest.phones)

    @property
    def enough(self) -> bool:
        """Whether there is speech enough, with sounds enough where they are known."""
        if self.speech_s < self._wanted_s:
            return False
        most_s = max(MOST_SPEECH_S, self._wanted_s)
        return not self._texts or self.coverage >= ENOUGH_COVERAGE or self.speech_s >= most_s

    def run(self) -> None:
        """Go through the prompts.

        Raises:
            CancelledError: the reader quit.
            AudioError: nothing can be recorded.
            OutputError: a recording can't be saved.
        """
        say(
            "A quiet room, the microphone a hand's width from your mouth. Speak as you always do.\n"
        )
        for index, prompt in enumerate(self._prompts):
            sounds = f" · {100 * self.coverage:.0f} % of the sounds" if self._texts else ""
            say(
                f"{index + 1} of {len(self._prompts)} · {self.speech_s:.0f} of"
                f" {self._wanted_s:.0f} s{sounds}\n\n    {shown(prompt)}\n"
            )
            if not self._one(prompt):
                break
            if self.enough:
                say("That is enough. Thank you.\n")
                break

    def _one(self, prompt: Prompt) -> bool:
        """Record one prompt; False if it was the last that the reader wanted."""
        if self._repeat:
            self._read_aloud(prompt)
        question = _BEFORE
        while True:
            answer = ask(question)
            if answer == "q":
                raise CancelledError("stopped; nothing was enrolled")
            if answer == "l":
                self._read_aloud(prompt)
            elif answer in ("s", "f"):
                return answer == "s"
            elif answer == "":
                done = self._take(prompt)
                if done is not None:
                    return done
                question = _BEFORE

    def _take(self, prompt: Prompt) -> bool | None:
        """Record and judge until it is kept or given up.

        Returns:
            Whether to go on with the next prompt; None to ask about this one anew.
        """
        while True:
            try:
                samples, rate_hz = record_once()
            except AudioError as error:
                say(str(error))
                return None
            report = judge(samples, rate_hz)
            say("\n".join(verdict(report)))
            while (answer := ask(_AFTER if report.accepted else _REFUSED)) == "p":
                play(samples, rate_hz)
            if answer == "q":
                raise CancelledError("stopped; nothing was enrolled")
            if report.accepted and answer in ("", "f"):
                self._keep(Clip(prompt, samples, rate_hz, report))
            if answer in ("s", "f") or (report.accepted and answer == ""):
                return answer != "f"

    def _keep(self, clip: Clip) -> None:
        from voicelet.enrolment.enrolment import phones_of_text

        if self._folder is not None:
            save(clip, self._folder, len(self.clips) + 1)
        self.clips.append(clip)
        if clip.prompt.text:
            self._phones += phones_of_text(clip.prompt.text, self._bundle)

    def _read_aloud(self, prompt: Prompt) -> None:
        from voicelet.cli.player import Player
        from voicelet.synth import Voice

        if not prompt.text:
            say("This picture has no words to be read aloud.")
            return
        try:
            if self._voice is None:
                self._voice = Voice.load(self._bundle.root)
            with Player(self._voice.sample_rate_hz) as player:
                for chunk in self._voice.stream(prompt.text, ssml=False):
                    player.write(chunk.samples)
        except OutputError as error:
            say(str(error))


def shown(prompt: Prompt) -> str:
    """A prompt as a line of text; a picture by its name and where it lies."""
    if prompt.picture is None:
        return prompt.text
    name = prompt.picture.stem.replace("_", " ").replace("-", " ")
    return f"Say what this picture shows: {prompt.text or name} ({prompt.picture})"


def record_once() -> tuple[npt.NDArray[np.int16], int]:
    """Record until Enter; returns samples int16 [n] and their rate in Hz.

    Raises:
        AudioError: nothing was recorded.
        CancelledError: standard input has ended.
    """
    recorder = MicrophoneRecorder()
    try:
        with LevelMeter(recorder):
            ask("Listening … press Enter when it has been read. ")
        return recorder.stop()
    finally:
        recorder.close()


def judge(samples: npt.NDArray[np.int16], rate_hz: int) -> GateReport:
    """What the gate says of one short recording."""
    from dataclasses import replace

    from voicelet.enrolment.gate import DEFAULT_GATE, check_recordings

    config = replace(DEFAULT_GATE, min_speech_s=LEAST_CLIP_S, warn_speech_s=LEAST_CLIP_S)
    return check_recordings([(samples, rate_hz)], config).report


def verdict(report: GateReport) -> list[str]:
    """The gate's words, for the reader."""
    if not report.accepted:
        return [f"Not good enough: {reason}." for reason in report.reasons]
    lines = [f"Good: {report.speech_s:.1f} s of speech, {report.level_dbfs:.0f} dBFS."]
    return lines + [f"But {warning}." for warning in report.warnings]


def play(samples: npt.NDArray[np.int16], rate_hz: int) -> None:
    """Play a recording, or say why that can't be done."""
    from voicelet.cli.player import Player

    try:
        with Player(rate_hz) as player:
            player.write(samples / 32768.0)
    except OutputError as error:
        say(str(error))


def save(clip: Clip, folder: Path, number: int) -> None:
    """Write a recording and its words, whole or not at all.

    Raises:
        OutputError: it can't be written.
    """
    from voicelet.audio.writer import write_wav
    from voicelet.files import atomic_file

    label = clip.prompt.text or (clip.prompt.picture.stem if clip.prompt.picture else "")
    words = "-".join(re.findall(r"[a-z0-9]+", label.lower())[:4]) or "prompt"
    stem = folder / f"{number:02d}-{words[:40]}"
    write_wav(stem.with_suffix(".wav"), clip.samples / 32768.0, clip.sample_rate_hz)
    if clip.prompt.text:
        try:
            with atomic_file(stem.with_suffix(".txt")) as file:
                file.write(f"{clip.prompt.text}\n".encode())
        except OSError as error:
            raise OutputError(
                f"can't write beside {str(stem)!r}: {error.strerror}; free some space there"
            ) from error
