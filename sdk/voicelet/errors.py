"""The one error tree of voicelet.

Every message says what was wrong and what to do about it.  `exit_code` is what the command line
returns for an error of that class; the ranges are documented in `docs/reference/cli.md`.

| range | meaning                                                  |
|-------|----------------------------------------------------------|
| 2     | the command line or a configuration is wrong             |
| 10-19 | the text can't be spoken                                 |
| 20-29 | the recording can't be used                              |
| 30-39 | the bundle can't be trusted, read or run                 |
| 40-49 | the profile can't be found, read or written              |
| 50-59 | the output can't be written, or work was cancelled       |
| 60-69 | consent, keys, marking or the audit log stand in the way |
"""

from __future__ import annotations


class VoiceletError(Exception):
    """Base of every error voicelet raises on purpose."""

    exit_code = 1


class ConfigError(VoiceletError):
    """A configuration has an unknown key, a wrong type or an impossible value."""

    exit_code = 2


class TextError(VoiceletError):
    """The text can't be turned into phones."""

    exit_code = 10


class SsmlError(TextError):
    """The SSML is not well formed, nests too deep or uses a tag that isn't supported."""

    exit_code = 11


class PhoneError(TextError):
    """A phone string holds a symbol that the bundle's inventory lacks."""

    exit_code = 12


class LexiconError(TextError):
    """A user lexicon can't be read."""

    exit_code = 13


class PackError(TextError):
    """A language pack can't be read: a file is wrong, and the message says which and where."""

    exit_code = 14


class PackUnsignedError(PackError):
    """Nobody vouches for a language pack: no key that is trusted signed it."""

    exit_code = 15


class AudioError(VoiceletError):
    """An audio file can't be read or isn't audio."""

    exit_code = 20


class RecordingRejectedError(AudioError):
    """The gate refused a recording; `reasons` holds every reason, each with its remedy."""

    exit_code = 21

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = list(reasons)
        super().__init__("recording refused: " + "; ".join(self.reasons))


class BundleError(VoiceletError):
    """A bundle can't be read."""

    exit_code = 30


class BundleTamperedError(BundleError):
    """A file of a bundle doesn't match its hash, or the manifest its signature."""

    exit_code = 31


class BundleVersionError(BundleError):
    """The bundle's schema is newer (or older) than this runtime understands."""

    exit_code = 32


class EngineError(BundleError):
    """No engine can run a graph of the bundle."""

    exit_code = 33


class BundleTruncatedError(BundleError):
    """A file of a bundle is shorter than the manifest says: copied or downloaded in part."""

    exit_code = 34


class BundleUnsignedError(BundleError):
    """A bundle has no signature where one is required, or none by a key that is trusted."""

    exit_code = 35


class ProfileError(VoiceletError):
    """A profile can't be read, written or used with this bundle."""

    exit_code = 40


class ProfileNotFoundError(ProfileError):
    """There is no profile of that name."""

    exit_code = 41


class ProfileLockedError(ProfileError):
    """The vault's key or passphrase is missing or wrong."""

    exit_code = 42


class OutputError(VoiceletError):
    """The audio can't be written where it was asked to go."""

    exit_code = 50


class CancelledError(VoiceletError):
    """Synthesis was cancelled from another thread."""

    exit_code = 51


class TrustError(VoiceletError):
    """Base of what consent, keys, marking and the audit log refuse."""

    exit_code = 60


class ConsentError(TrustError):
    """A voice has no consent record, or one that isn't genuine or doesn't cover the use."""

    exit_code = 61


class ConsentEndedError(ConsentError):
    """The consent to a voice was withdrawn or has expired."""

    exit_code = 62


class LivenessRejectedError(TrustError):
    """A consent wasn't spoken by the enrolling person, or a recording by no person; `reasons` says
    why.
    """

    exit_code = 63

    def __init__(self, reasons: list[str], what: str = "the spoken consent was refused") -> None:
        self.reasons = list(reasons)
        super().__init__(f"{what}: " + "; ".join(self.reasons))


class VoiceProtectedError(TrustError):
    """The voice is another person's, or on a list of protected voices."""

    exit_code = 64


class SealError(TrustError):
    """Sealed data can't be opened, or a signature doesn't hold."""

    exit_code = 65


class AuditError(TrustError):
    """The audit log was edited, cut, reordered, or can't be written."""

    exit_code = 66


class WatermarkError(TrustError):
    """A mark can't be embedded or looked for."""

    exit_code = 67


class ServeError(VoiceletError):
    """A server can't be started as asked."""

    exit_code = 70


class ServerBusyError(ServeError):
    """A server has as much to say as it can; ask again in a moment."""

    exit_code = 71
