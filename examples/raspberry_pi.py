"""Speech for a pipe: mono, signed 16-bit, little-endian samples, written as they are made.

    python examples/raspberry_pi.py "The kettle is on." | aplay -r 24000 -f S16_LE
    mosquitto_sub -t announcements | python examples/raspberry_pi.py | aplay -r 24000 -f S16_LE

Without a text, every line of standard input is spoken as soon as it arrives.  The voice is loaded
once, so only the first line waits for that.  The player sets the pace: it reads no faster than it
plays, and the pipe holds back the rest.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable

import voicelet


def speak(voice: voicelet.Voice, texts: Iterable[str]) -> None:
    """Write each text's speech to standard output; what can't be spoken is named and left out."""
    out = sys.stdout.buffer
    for text in texts:
        try:
            for chunk in voice.stream(text):
                out.write((chunk.samples * 32767.0).astype("<i2").tobytes())
                out.flush()  # now, not when a buffer is full
        except voicelet.errors.TextError as error:
            print(f"can't say {text.strip()!r}: {error}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description="Raw speech on standard output.")
    parser.add_argument("text", nargs="?", help="without it: the lines of standard input")
    args = parser.parse_args()
    if sys.stdout.isatty():
        parser.error("the output is sound, not text; pipe it: … | aplay -r 24000 -f S16_LE")
    try:
        voice = voicelet.Voice.load()
        speak(voice, sys.stdin if args.text is None else [args.text])
    except voicelet.VoiceletError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the player has gone; so do we, without a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


if __name__ == "__main__":
    sys.exit(main())
