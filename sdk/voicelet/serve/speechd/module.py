"""The protocol between speech-dispatcher and a module, on two pipes.

Audio goes to the server (events 705), which plays it and drops it when the user stops, so nothing
is left in a buffer here.  Speech is made in a thread of its own; one that was stopped is left to
itself and ends at its next stretch, while the next text is begun at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from threading import Event
from typing import BinaryIO

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.audio.writer import pcm16
from voicelet.errors import CancelledError, ConfigError, SsmlError, VoiceletError
from voicelet.serve.access import ANYBODY
from voicelet.serve.speakers import Speakers
from voicelet.serve.speechd.settings import Settings, key_name, plain_text, spelled
from voicelet.synth.options import SpeechOptions
from voicelet.synth.types import Chunk
from voicelet.synth.voice import Voice

_log = logging.getLogger(__name__)

_MAX_LINE_BYTES = 1 << 20
_MAX_TEXT_CHARS = 1 << 20
_BLOCK_S = 0.25
"""Audio in one event: the server looks for a stop between two of them."""
_ESCAPE, _INVERT = 0x7D, 0x20
_VOICE_TYPES = ("male1", "male2", "male3", "female1", "female2", "female3", "child_male",
                "child_female")  # fmt: skip


class Module:
    """Answers speech-dispatcher until it says QUIT or goes away.

    Args:
        voice: speaks.
        source, sink: the pipes, binary; `sink` is written to by several threads, one at a time.
    """

    def __init__(self, voice: Voice, source: BinaryIO, sink: BinaryIO) -> None:
        self._voice, self._speakers = voice, Speakers(voice)
        self._source, self._sink = source, sink
        self._settings = Settings()
        self._lock = threading.Lock()
        self._speaking: _Utterance | None = None

    def run(self) -> None:
        """Answer commands."""
        try:
            while (line := self._line()) is not None:
                if not self._command(line):
                    return
        except (BrokenPipeError, ValueError):  # the server is gone
            return
        finally:
            self._end("")

    def _line(self) -> str | None:
        raw = self._source.readline(_MAX_LINE_BYTES)
        if not raw:
            return None
        return raw.decode("utf-8", "replace").rstrip("\r\n")

    def _command(self, line: str) -> bool:
        """Answer one; False after the last."""
        word = line.split(" ", 1)[0]
        if line == "INIT":
            self._send("299-voicelet speaks", "299 OK LOADED SUCCESSFULLY")
        elif word in ("SPEAK", "CHAR", "KEY", "SOUND_ICON"):
            self._speak(word)
        elif line == "STOP":
            self._end("703 STOP")
        elif line == "PAUSE":
            self._end("704 PAUSE")
        elif word == "LIST":
            self._list_voices()
        elif line == "SET":
            self._set()
        elif line == "AUDIO":
            self._audio()
        elif line == "LOGLEVEL":
            self._send("207 OK RECEIVING LOGLEVEL SETTINGS")
            list(self._lines())
            self._send("203 OK LOG LEVEL SET")
        elif word == "DEBUG":
            self._send(f"200 OK DEBUGGING {'OFF' if 'OFF' in line else 'ON'}")
        elif line == "QUIT":
            self._end("")
            self._send("210 OK QUIT")
            return False
        else:
            self._send("300 ERR UNKNOWN COMMAND")
        return True

    def _lines(self) -> Iterator[str]:
        """Lines up to the one that is a full stop; a stop that was doubled is one again."""
        while (line := self._line()) not in (None, "."):
            assert line is not None
            yield line.removeprefix(".") if line.startswith(".") else line

    def _parameters(self) -> Iterator[tuple[str, str]]:
        for line in self._lines():
            name, _, value = line.partition("=")
            yield name, value

    def _set(self) -> None:
        self._send("203 OK RECEIVING SETTINGS")
        settings, wrong = self._settings, False
        for name, value in self._parameters():
            try:
                settings = settings.changed(name, value)
            except ConfigError:
                wrong = True
        if wrong:
            self._send("303 ERROR INVALID PARAMETER OR VALUE")
            return
        self._settings = settings
        self._send("203 OK SETTINGS RECEIVED")

    def _audio(self) -> None:
        self._send("207 OK RECEIVING AUDIO SETTINGS")
        if dict(self._parameters()).get("audio_output_method") == "server":
            self._send("203 OK AUDIO INITIALIZED")
        else:  # the server asks for its own next, or first
            self._send("300-only audio through the server", "300 UNKNOWN ERROR")

    def _list_voices(self) -> None:
        language = self._voice.info.languages[0]
        names = [v.id for v in self._speakers.served(ANYBODY) if "\t" not in v.id]
        lines = [f"200-{name}\t{language}\tnone" for name in names]
        self._send(*lines, "200 OK VOICE LIST SENT")

    def _speak(self, kind: str) -> None:
        self._send("202 OK RECEIVING MESSAGE")
        text = "\n".join(self._lines())
        if not text or len(text) > _MAX_TEXT_CHARS:
            self._send("301 ERROR CANT SPEAK")
            return
        if kind != "SPEAK" and "\n" in text:
            self._send("305 DATA MORE THAN ONE LINE")
            return
        self._end("")  # the server waits for the end of the last one, so there is none as a rule
        utterance = _Utterance(self, kind, text, self._settings)
        with self._lock:
            self._speaking = utterance
            self._write("200 OK SPEAKING", "701 BEGIN")
        utterance.thread.start()

    def _end(self, event: str) -> None:
        """Stop what is being spoken, and tell the server so."""
        with self._lock:
            utterance, self._speaking = self._speaking, None
            if utterance is None:
                return
            utterance.cancel.set()
            if event:
                self._write(event)

    def _send(self, *lines: str) -> None:
        with self._lock:
            self._write(*lines)

    def _write(self, *lines: str) -> None:
        self._sink.write("".join(f"{line}\n" for line in lines).encode())
        self._sink.flush()

    def hand_on(self, utterance: _Utterance, raw: bytes) -> None:
        """Send an event of an utterance, unless it was stopped.

        Raises:
            CancelledError: it was.
        """
        with self._lock:
            if self._speaking is not utterance:
                raise CancelledError("speech was cancelled")
            self._sink.write(raw)
            self._sink.flush()

    def finish(self, utterance: _Utterance) -> None:
        """Say that an utterance has come to its end, unless it was stopped."""
        with self._lock:
            if self._speaking is utterance:
                self._speaking = None
                self._write("702 END")

    def chunks(self, utterance: _Utterance) -> Iterator[Chunk]:
        """Speech of an utterance.

        Raises:
            VoiceletError: it can't be spoken.
        """
        settings, kind, text = utterance.settings, utterance.kind, utterance.text
        languages = self._voice.info.languages
        name = settings.voice if settings.voice not in _VOICE_TYPES else None
        profile, preset = self._speakers.find(self._speakers.resolve(name, ANYBODY))

        def stream(text: str, options: SpeechOptions) -> Iterator[Chunk]:
            return self._voice.stream(
                text, profile=profile, preset=preset, options=options, cancel=utterance.cancel
            )

        if kind in ("CHAR", "KEY"):
            key = " " if text == "space" else text if kind == "CHAR" else key_name(text)
            try:
                yield from _begun(stream(key, settings.options(languages, key=True)))
                return
            except (VoiceletError, StopIteration) as error:
                if isinstance(error, CancelledError):
                    raise
        options = settings.options(languages)
        if settings.spells:
            text = spelled(text)
        try:
            chunks = _begun(stream(text, options))
        except StopIteration:
            return
        except SsmlError:  # what an application sent isn't ours to refuse
            chunks = stream(plain_text(text), options)
        yield from chunks


def _begun(chunks: Iterator[Chunk]) -> Iterable[Chunk]:
    """The stream with its first chunk made, so that errors come now.

    Raises:
        StopIteration: nothing is said.
    """
    first = next(chunks)

    def rest() -> Iterator[Chunk]:
        yield first
        yield from chunks

    return rest()


class _Utterance:
    """A text on its way out."""

    def __init__(self, module: Module, kind: str, text: str, settings: Settings) -> None:
        self.kind, self.text, self.settings = kind, text, settings
        self.cancel = Event()
        self._module = module
        self.thread = threading.Thread(target=self._run, name="speech", daemon=True)

    def _run(self) -> None:
        try:
            for chunk in self._module.chunks(self):
                for raw in chunk_events(chunk):
                    self._module.hand_on(self, raw)
        except CancelledError:
            return
        except (OSError, ValueError):  # the pipe is closed
            return
        except VoiceletError as error:
            _log.warning("a text can't be spoken: %s", type(error).__name__)
        self._module.finish(self)


def chunk_events(chunk: Chunk) -> Iterator[bytes]:
    """Audio up to each mark, and the marks."""
    samples, rate = chunk.samples, chunk.sample_rate_hz
    place, size = 0, int(_BLOCK_S * rate)
    for mark in chunk.marks:
        at = min(max(round((mark.time_s - chunk.start_s) * rate), place), len(samples))
        for start in range(place, at, size):
            yield audio_event(samples[start : min(start + size, at)], rate)
        place = at
        if mark.name.isprintable():
            yield f"700-{mark.name}\n700 INDEX MARK\n".encode()
    for start in range(place, len(samples), size):
        yield audio_event(samples[start : start + size], rate)


def audio_event(samples: FloatArray, sample_rate_hz: int) -> bytes:
    """An event with audio; new lines in it are escaped as HDLC does (ISO 13239)."""
    raw = np.frombuffer(pcm16(samples), np.uint8)
    special = np.flatnonzero((raw == _ESCAPE) | (raw == 0x0A))
    kept = raw.copy()
    kept[special] ^= _INVERT
    escaped = np.insert(kept, special, _ESCAPE).astype(np.uint8).tobytes()
    head = (
        f"705-bits=16\n705-num_channels=1\n705-sample_rate={sample_rate_hz}\n"
        f"705-num_samples={len(samples)}\n705-big_endian=0\n705-AUDIO\0"
    )
    return head.encode() + escaped + b"\n705 AUDIO\n"
