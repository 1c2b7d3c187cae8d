"""Speaking with a stopwatch, and how much memory it took."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voicelet.audio.features import FloatArray

if TYPE_CHECKING:
    from voicelet.profiles.profile import Profile
    from voicelet.synth.options import SpeechOptions
    from voicelet.synth.voice import Voice


@dataclass(frozen=True)
class Timings:
    """What it took to speak a text.

    Attributes:
        seconds: of audio.
        first_audio_ms: from the call to the first samples.
        synthesis_ms: from the call to the last samples, without what the receiver took.
        cpu_ms: CPU time of all threads of the process in that time.
        rtf: synthesis time over the length of the audio; None where there was no audio.
        chunks: pieces that the audio came in.
        sample_rate_hz: of the audio.
        peak_mb: highest resident memory of the process so far, in 10^6 bytes; None if unknown.
    """

    seconds: float
    first_audio_ms: float | None
    synthesis_ms: float
    cpu_ms: float
    rtf: float | None
    chunks: int
    sample_rate_hz: int
    peak_mb: float | None

    def followed_by(self, later: Timings) -> Timings:
        """Both texts as one: what they took together, and the first audio of the first."""
        seconds = self.seconds + later.seconds
        synthesis_ms = self.synthesis_ms + later.synthesis_ms
        first = self.first_audio_ms
        if first is None and later.first_audio_ms is not None:
            first = self.synthesis_ms + later.first_audio_ms
        return dataclasses.replace(
            later,
            seconds=seconds,
            first_audio_ms=first,
            synthesis_ms=synthesis_ms,
            cpu_ms=self.cpu_ms + later.cpu_ms,
            rtf=synthesis_ms / 1e3 / seconds if seconds else None,
            chunks=self.chunks + later.chunks,
        )

    def rounded(self) -> dict[str, Any]:
        """The fields, floats rounded for JSON."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in dataclasses.asdict(self).items()
        }


def speak(
    voice: Voice,
    text: str,
    receive: Callable[[FloatArray], None],
    on_progress: Callable[[float], None] | None = None,
    *,
    profile: Profile | None = None,
    preset: str | None = None,
    options: SpeechOptions | None = None,
) -> Timings:
    """Stream `text`, handing every piece of audio to `receive`.

    Args:
        receive: takes float32 [n] in [-1, 1].
        on_progress: takes the share of the text that has been spoken, 0 to 1.
        profile, preset, options: as for `Voice.stream`.

    Raises:
        VoiceletError: as `Voice.stream`, and what `receive` raises.
    """
    sample_rate_hz = voice.bundle.manifest.sample_rate_hz
    samples = chunks = 0
    first: float | None = None
    spent = cpu = 0.0
    mark, cpu_mark = time.perf_counter(), time.process_time()
    for chunk in voice.stream(text, profile=profile, preset=preset, options=options):
        spent += time.perf_counter() - mark
        cpu += time.process_time() - cpu_mark
        if first is None and len(chunk.samples):
            first = spent
        samples += len(chunk.samples)
        chunks += 1
        receive(chunk.samples)
        if on_progress is not None and text:
            on_progress(chunk.text_span[1] / len(text))
        mark, cpu_mark = time.perf_counter(), time.process_time()
    spent += time.perf_counter() - mark
    cpu += time.process_time() - cpu_mark
    seconds = samples / sample_rate_hz
    return Timings(
        seconds=seconds,
        first_audio_ms=None if first is None else first * 1e3,
        synthesis_ms=spent * 1e3,
        cpu_ms=cpu * 1e3,
        rtf=spent / seconds if seconds else None,
        chunks=chunks,
        sample_rate_hz=sample_rate_hz,
        peak_mb=peak_mb(),
    )


def peak_mb() -> float | None:
    """Highest resident memory of this process so far, in 10^6 bytes; None if it is unknown."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
    except (OSError, ValueError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
