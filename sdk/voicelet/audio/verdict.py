"""The gate's sentences: why a recording is refused or could be better, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from voicelet.audio.gate_report import GateConfig, GateReport


def find_reasons(report: GateReport, config: GateConfig, loudest_dbfs: float) -> Iterator[str]:
    """Yield every reason to refuse, each with its remedy.

    Args:
        loudest_dbfs: active level of the loudest recording, speech or not.
    """
    if report.speech_s <= 0.0 and loudest_dbfs < config.silence_dbfs:
        yield (
            "the recording is silent; check that the right microphone is chosen and not muted,"
            " then record again"
        )
        return
    if report.speech_s <= 0.0:
        yield "nobody speaks in it; record 30 to 60 seconds of one person reading aloud"
        return
    if report.speech_s < config.min_speech_s:
        yield (
            f"it holds {report.speech_s:.1f} s of speech and at least {config.min_speech_s:g} s"
            " are needed; 30 to 60 s make a good voice"
        )
    if report.clipped_fraction > config.max_clipped_fraction:
        yield (
            f"it is clipped ({100.0 * report.clipped_fraction:.1f} % of the speech is cut off at"
            " the top); turn the input level down or move away from the microphone, and record"
            " again"
        )
    if report.snr_db < config.min_snr_db:
        yield (
            f"it is too noisy (speech only {report.snr_db:.0f} dB above the background,"
            f" {config.min_snr_db:g} dB are needed); record in a quiet room, close to the"
            " microphone"
        )
    cosine = report.speaker_consistency
    if cosine is not None and cosine < config.consistency_threshold(report.speech_s):
        yield (
            "more than one person seems to speak (or the voice changes a lot on the way); give"
            " recordings of one person in one manner of speaking"
        )


def find_warnings(report: GateReport, config: GateConfig, cut: bool) -> Iterator[str]:
    """Yield what would make the voice better.

    Args:
        cut: whether speech was left out because there was enough.
    """
    if config.min_speech_s <= report.speech_s < config.warn_speech_s:
        yield (
            f"only {report.speech_s:.0f} s of speech: the voice will be less alike than from 30 to"
            " 60 s"
        )
    if cut:
        yield f"only the first {config.max_speech_s:g} s of speech were used"
    if config.warn_clipped_fraction < report.clipped_fraction <= config.max_clipped_fraction:
        yield "a few peaks are clipped: turn the input level down a little next time"
    if config.min_snr_db <= report.snr_db < config.warn_snr_db:
        yield (
            f"there is noise behind the speech (it is {report.snr_db:.0f} dB below it): a quieter"
            " room makes a clearer voice"
        )
    if config.silence_dbfs <= report.level_dbfs < config.warn_level_dbfs:
        yield (
            f"the recording is quiet ({report.level_dbfs:.0f} dBFS): turn the input level up or"
            " move closer"
        )
    if 0.0 < report.bandwidth_hz < config.warn_bandwidth_hz:
        yield (
            f"nothing is heard above {report.bandwidth_hz / 1000.0:.1f} kHz, as over a telephone:"
            " a recording at 16 kHz or more sounds brighter"
        )
    if report.pitch is None and report.speech_s >= config.min_speech_s:
        yield "no pitch was found, as in a whisper: the voice will get an average one"
