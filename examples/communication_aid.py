"""A communication aid: enrol a person once, keep the profile safe, speak whenever asked.

    python examples/communication_aid.py --profiles my-aid/profiles

Enrols the sample recordings of this repository with a consent in writing (an aid at home would ask
for the sentence to be read aloud), stores the profile encrypted, opens it again as after a reboot,
and speaks two messages into files.  Run it again: it finds the profile and only speaks.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import voicelet

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
MESSAGES = ["It is time for tea.", "Could you open the window, please?"]


def enrol(vault: voicelet.Vault, voice: voicelet.Voice, name: str, recordings: list[Path]) -> bool:
    """Make and store a profile; returns whether there is one now."""
    consent = voicelet.Consent.scripted(
        name,
        "a reader of speechocean762, published for any use",
        purposes="assistive",
    )
    try:
        profile = voicelet.enrol(recordings, consent=consent, name=name, voice=voice)
    except voicelet.errors.RecordingRejectedError as refusal:
        print("These recordings would make a poor voice:", file=sys.stderr)
        for reason in refusal.reasons:
            print(f"  - {reason}", file=sys.stderr)  # each says what to do about it
        return False
    for warning in profile.report.warnings if profile.report else ():
        print(f"usable, but: {warning}")
    vault.save(profile)  # encrypted, written whole or not at all, with a second copy
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Enrol once, then speak.")
    parser.add_argument("--name", default="reader")
    parser.add_argument("--profiles", type=Path, help="a folder; the user's own if left out")
    samples = sorted(SAMPLES.glob("*.opus"))
    parser.add_argument("--recordings", type=Path, nargs="+", default=samples)
    parser.add_argument("--out", type=Path, default=Path("."), help="folder of the .wav files")
    args = parser.parse_args()

    vault = voicelet.Vault(args.profiles)
    try:
        voice = voicelet.Voice.load()
        if args.name not in vault and not enrol(vault, voice, args.name, args.recordings):
            return 21
        profile = vault.load(args.name)
        args.out.mkdir(parents=True, exist_ok=True)
        for number, message in enumerate(MESSAGES, 1):
            audio = voice.synthesize(message, profile=profile, speed=0.9, purpose="assistive")
            path = args.out / f"message-{number}.wav"
            audio.save(path)  # the file says of itself that it is synthetic
            print(f"{path}: {audio.seconds:.1f} s, {message!r}")
    except voicelet.errors.ProfileLockedError as error:
        print(f"the profiles are locked: {error}", file=sys.stderr)  # ask for the passphrase
        return error.exit_code
    except voicelet.errors.ConsentError as error:
        print(f"this voice may not speak now: {error}", file=sys.stderr)
        return error.exit_code
    except voicelet.VoiceletError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
