"""Speech in an app: play each chunk as it comes, highlight words, stop when the user asks.

    python examples/app_streaming.py ["Some text."] [--stop-after 1.5] [--out speech.wav]

Prints when each chunk was ready and which words begin in it.  A real app would hand the samples to
its sound library in place of collecting them.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
import wave

import numpy as np

import voicelet

TEXT = "Hello there. This is spoken while it is being made, and every word knows when it begins."


def main() -> int:
    parser = argparse.ArgumentParser(description="Stream speech.")
    parser.add_argument("text", nargs="?", default=TEXT)
    parser.add_argument("--stop-after", type=float, metavar="S", help="seconds of speech")
    parser.add_argument("--out", metavar="FILE", help="also write a .wav")
    args = parser.parse_args()

    voice = voicelet.Voice.load()  # once, when the app starts; threads may share it
    stop = threading.Event()  # an app sets it from its stop button
    played: list[bytes] = []
    asked = time.monotonic()
    try:
        for chunk in voice.stream(args.text, cancel=stop):
            played.append((chunk.samples * 32767.0).astype("<i2").tobytes())
            end_s = chunk.start_s + len(chunk.samples) / chunk.sample_rate_hz
            ready_ms = 1000.0 * (time.monotonic() - asked)
            words = " ".join(word.text for word in chunk.words)
            print(f"ready after {ready_ms:6.1f} ms   {chunk.start_s:5.2f}-{end_s:5.2f} s   {words}")
            if args.stop_after is not None and end_s >= args.stop_after:
                stop.set()
    except voicelet.errors.CancelledError:
        print("stopped")
    except voicelet.VoiceletError as error:
        print(f"can't speak: {error}", file=sys.stderr)  # the message names the remedy
        return error.exit_code

    pcm = b"".join(played)
    if args.out is not None:
        with wave.open(args.out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(voice.sample_rate_hz)
            file.writeframes(pcm)
    peak = np.abs(np.frombuffer(pcm, "<i2")).max(initial=0) / 32768
    print(f"{len(pcm) / 2 / voice.sample_rate_hz:.2f} s, peak {peak:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
