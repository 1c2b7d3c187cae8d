"""The façade: a voice bundle, opened and ready to speak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle
from voicelet.bundle.trust import packaged_keys
from voicelet.engine import (
    AUTO,
    Graph,
    Providers,
    check_engine_name,
    choose_form,
    open_form,
    work_limit_s,
)
from voicelet.errors import ConfigError, TextError
from voicelet.piper.open import open_voice
from voicelet.synth.audit import audited
from voicelet.synth.base import FrontEnd, open_synthesizer
from voicelet.synth.consent_check import check_consent
from voicelet.synth.languages import AUTO_LANGUAGE, choose_language
from voicelet.synth.options import (
    SpeechOptions,
    SpeechSettings,
    controls_of,
    reading_of,
    speech_options,
)
from voicelet.synth.stream import Pipeline, SpeechStream
from voicelet.synth.types import Audio, Chunk, Controls, MarkTiming, WordTiming
from voicelet.text.front_end import Pronunciations, TextFrontEnd
from voicelet.text.pack.folder import preset_language
from voicelet.text.words import PhoneClause
from voicelet.trust.watermark.base import open_watermark

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from voicelet.profiles.profile import Profile


@dataclass(frozen=True)
class VoiceInfo:
    """What is known of a voice.

    Attributes:
        name, version, licence: of the bundle.
        languages: BCP 47 tags.
        sample_rate_hz: of the audio that comes out.
        presets: names, the default first.
        total_bytes: of all files.
        precision: graph role → "fp32", "int8", …
        signed_by: the signer's public key (hexadecimal), None if it isn't signed.
        trusted_by: who vouches for it: "package", "key" (one that you trust), "import" (a Piper
            voice, imported here) or "caller" (`trust_bundle`).
        measured: figures by the makers.
        root: its folder.
    """

    name: str
    version: str
    licence: str
    languages: tuple[str, ...]
    sample_rate_hz: int
    presets: tuple[str, ...]
    total_bytes: int
    precision: dict[str, str]
    signed_by: str | None
    measured: dict[str, float]
    root: Path
    trusted_by: str | None = None


class Voice:
    """A voice that speaks any text as any enrolled person.

    Nothing in it changes after it is made: threads may share one, and each stream has its own
    state.  `Voice.load` makes one from a bundle.

    Args:
        bundle: verified.
        threads: threads that one run of a graph may use.
        user_lexicon: the caller's pronunciations (mapping, file or UserLexicon).
        providers, engine, user_rules: as in :meth:`load`.

    Raises:
        BundleUnsignedError: nobody vouches for the bundle (`Bundle.trusted_by`).
        BundleError: it lacks a graph, or one of them can't be run.
        ConfigError: `threads` is no number of threads.
    """

    def __init_subclass__(cls, **options: object) -> None:
        raise TypeError("a Voice can't be subclassed; keep what you add beside it")

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int = 1,
        user_lexicon: Pronunciations = None,
        providers: Providers = None,
        engine: str = AUTO,
        user_rules: Sequence[str | Path] = (),
    ) -> None:
        if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 64:
            raise ConfigError(f"threads must lie between 1 and 64, not {threads!r}")
        bundle.require_trust()
        self._bundle, self._threads, self._user_lexicon = bundle, threads, user_lexicon
        self._user_rules = tuple(user_rules)
        check_engine_name(engine)
        self._providers, self._engine = providers, engine
        self._synthesizer = synthesizer = open_synthesizer(bundle, self._open_graph)
        manifest = bundle.manifest
        watermark = open_watermark(manifest.name, manifest.version)
        self._pipeline = Pipeline(
            synthesizer, synthesizer.first_frames, synthesizer.stretch_frames, watermark
        )

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        threads: int = 1,
        require_signature: bool = False,
        trusted_keys: Iterable[str] = (),
        trust_bundle: bool = False,
        user_lexicon: Pronunciations = None,
        providers: Providers = None,
        engine: str = AUTO,
        user_rules: Sequence[str | Path] = (),
    ) -> Voice:
        """Open a voice.

        Args:
            path: a bundle's folder, a `.voicelet` file, the name of an installed bundle, a voice
                made for Piper (`.onnx`, its `.onnx.json` beside it; see docs/guides/piper.md),
                or None for the voice inside the package.
            threads: threads that one run of a graph may use.
            require_signature: refuse an unsigned bundle, and, unless `trusted_keys` says otherwise,
                one that isn't signed by a key of this package (if it holds any).
            trusted_keys: Ed25519 public keys (hexadecimal); if any, one of them must have signed.
            trust_bundle: you vouch for a bundle that no key signed which the package, you
                (`voicelet voices --trust-key`) or `trusted_keys` trust; without it, such a
                bundle doesn't speak.
            user_lexicon: the caller's pronunciations, which go before the bundle's.
            providers: ONNX Runtime's execution providers in order of preference, or "auto" for
                TensorRT, CUDA and the CPU; what a machine lacks is left out with a line in the
                log.  None for what `VOICELET_PROVIDERS` says, else the CPU alone.
            engine: "onnx" or "litert" for graphs of that engine only; "auto" takes the first that
                the bundle offers and that is installed.
            user_rules: files of your own rules of reading (docs/reference/language-packs.md), which
                go before those of the language packs; they are read when the first text is spoken.

        Raises:
            BundleUnsignedError: nobody vouches for the bundle.
            BundleError: see `voicelet.bundle.open_bundle`, or a graph can't be run.
            ConfigError: `threads` is no number of threads.
            WatermarkError: `VOICELET_WATERMARK_KEY` names no usable key.
        """
        keys = tuple(trusted_keys)
        if require_signature and not keys:
            keys = packaged_keys()
        bundle = open_voice(
            path,
            trusted_keys=keys,
            require_signature=require_signature,
            trust_bundle=trust_bundle,
        )
        return cls(
            bundle,
            threads=threads,
            user_lexicon=user_lexicon,
            providers=providers,
            engine=engine,
            user_rules=user_rules,
        )

    @property
    def bundle(self) -> Bundle:
        """What it was opened from."""
        return self._bundle

    @property
    def sample_rate_hz(self) -> int:
        """Of the audio that comes out."""
        return self._pipeline.rate

    @property
    def presets(self) -> tuple[str, ...]:
        """Names of the voices that ship with the bundle, the default first."""
        return self._synthesizer.speakers.names

    @property
    def info(self) -> VoiceInfo:
        """What is known of this voice."""
        m = self._bundle.manifest
        return VoiceInfo(
            name=m.name,
            version=m.version,
            licence=m.licence,
            languages=m.languages,
            sample_rate_hz=m.sample_rate_hz,
            presets=self.presets,
            total_bytes=m.total_bytes,
            precision={role: g.alternatives[0].precision for role, g in m.graphs.items()},
            signed_by=self._bundle.signed_by,
            measured=dict(m.measured),
            root=self._bundle.root,
            trusted_by=self._bundle.trusted_by,
        )

    @cached_property
    def front_end(self) -> FrontEnd:
        """The text front end; opened when the first text is spoken."""
        return self._synthesizer.open_front_end(self._user_lexicon, self._engine, self._user_rules)

    def _open_graph(self, role: str, *, keeps_memory: bool = False) -> Graph:
        """Open a graph of the bundle by its role, on the first engine that serves it.

        Args:
            keeps_memory: see `voicelet.engine.GraphLayout`.

        Raises:
            BundleError: there is no such graph, or no engine for it.
        """
        spec = self._bundle.graph(role)
        return open_form(
            self._bundle.root,
            choose_form(spec.alternatives, self._engine, f"graph {role!r}"),
            context_frames=spec.context_frames,
            threads=self._threads,
            providers=self._providers,
            keeps_memory=keeps_memory,
            limit_s=work_limit_s(self._bundle.trusted_by),
        )

    def stream(
        self,
        text: str,
        *,
        profile: Profile | None = None,
        preset: str | None = None,
        options: SpeechOptions | None = None,
        cancel: Event | None = None,
        **settings: Unpack[SpeechSettings],
    ) -> Iterator[Chunk]:
        """Speak, piece by piece; the first piece comes after some 15 ms of work.

            for chunk in voice.stream("A long story.", profile=profile, speed=1.1): …

        The chunks joined are the samples of :meth:`synthesize`, to 1e-3 at least (float32 sums may
        differ in their last bits between stretches of different lengths).  Text with nothing to say
        gives no chunks.

        Args:
            text: any string, or SSML.
            profile: an enrolled person.
            preset: a voice of the bundle; without either, the first one speaks.
            options: how to speak.
            cancel: may be set from another thread; the stream then raises `CancelledError` before
                its next stretch of audio (tens of milliseconds).
            settings: fields of :class:`SpeechOptions`, which override those of `options`.

        Raises:
            ConfigError: there is no such option, preset or language, or a number is out of range
                (at once).
            ProfileError: the profile doesn't fit this voice (at once).
            ConsentError, ConsentEndedError: the profile's owner didn't agree to this, or no longer
                does (at once; what has begun to speak speaks to its end).
            TextError, SsmlError, PhoneError: the text can't be spoken.
            CancelledError: `cancel` was set.
        """
        requested = speech_options(options, settings)
        clauses = self._clauses(text, requested, preset, profile)
        checked, speaker, controls = self._prepare(profile, preset, requested)
        tones = requested.capitals == "tone"
        stream = SpeechStream(self._pipeline, speaker, controls, cancel, capital_tones=tones)
        return self._audited(stream.chunks(clauses), text, checked, preset)

    def synthesize(
        self,
        text: str,
        *,
        profile: Profile | None = None,
        preset: str | None = None,
        options: SpeechOptions | None = None,
        cancel: Event | None = None,
        **settings: Unpack[SpeechSettings],
    ) -> Audio:
        """Speak all of a text; arguments and errors are those of :meth:`stream`."""
        requested = speech_options(options, settings)
        clauses = self._clauses(text, requested, preset, profile)
        return self._speak(clauses, text, profile, preset, requested, cancel)

    def synthesize_phones(
        self,
        phones: str | Iterable[PhoneClause],
        *,
        profile: Profile | None = None,
        preset: str | None = None,
        options: SpeechOptions | None = None,
        cancel: Event | None = None,
        **settings: Unpack[SpeechSettings],
    ) -> Audio:
        """Speak phones, past the text front end.

        Args:
            phones: symbols of the voice's inventory, or clauses of them (for a Piper voice of
                another language its own phonemes, see docs/guides/piper.md).
            profile, preset, options, cancel, settings: as in :meth:`stream`; what shapes the
                reading of text (`ssml`, `punctuation`, `capitals`, `key`) has no effect here.

        Raises:
            PhoneError: a symbol isn't in the inventory.
            ConfigError, ProfileError, ConsentError, CancelledError: as :meth:`stream`.
        """
        requested = speech_options(options, settings)
        clauses = [PhoneClause(phones)] if isinstance(phones, str) else phones
        text = phones if isinstance(phones, str) else None
        return self._speak(iter(clauses), text, profile, preset, requested, cancel)

    def _prepare(
        self, profile: Profile | None, preset: str | None, options: SpeechOptions
    ) -> tuple[Profile | None, npt.NDArray[Any], Controls]:
        """Check that the request can be spoken; return the profile that was checked, the speaker
        input and the controls."""
        choose_language(options.language, self._bundle.manifest.languages)
        controls = controls_of(options)
        self._synthesizer.check(controls, reading_of(options))
        checked = check_consent(profile, options.purpose)
        return checked, self._synthesizer.speakers.vector(checked, preset), controls

    def _speak(
        self,
        clauses: Iterator[PhoneClause],
        text: str | None,
        profile: Profile | None,
        preset: str | None,
        options: SpeechOptions,
        cancel: Event | None,
    ) -> Audio:
        """Speak offline: long stretches compute less twice at their edges."""
        checked, speaker, controls = self._prepare(profile, preset, options)
        offline = self._synthesizer.offline_frames
        pipeline = replace(self._pipeline, first_frames=(), stretch_frames=offline)
        tones = options.capitals == "tone"
        stream = SpeechStream(pipeline, speaker, controls, cancel, capital_tones=tones)
        chunks = self._audited(stream.chunks(clauses), text, checked, preset)
        return replace(join(chunks, self.sample_rate_hz), label=options.label)

    def _audited(
        self,
        chunks: Iterator[Chunk],
        text: str | None,
        profile: Profile | None,
        preset: str | None,
    ) -> Iterator[Chunk]:
        return audited(chunks, text, profile, preset, self._bundle.manifest.name)

    def _clauses(
        self, text: str, options: SpeechOptions, preset: str | None, profile: Profile | None
    ) -> Iterator[PhoneClause]:
        if not isinstance(text, str):
            raise TextError(f"the text must be a str, not {type(text).__name__}; decode it first")
        front_end = front_end_of(self, options, preset, enrolled=profile is not None)
        reading = reading_of(options)
        if not isinstance(front_end, TextFrontEnd):
            return front_end.clauses(text, ssml=options.ssml, reading=reading)
        return front_end.clauses(
            text,
            ssml=options.ssml,
            reading=reading,
            detect=options.language == AUTO_LANGUAGE,
            strict=options.strict_language,
        )


def join(chunks: Iterable[Chunk], sample_rate_hz: int) -> Audio:
    """Collect a stream."""
    samples: list[FloatArray] = []
    words: list[WordTiming] = []
    marks: list[MarkTiming] = []
    for chunk in chunks:
        samples.append(chunk.samples)
        words.extend(chunk.words)
        marks.extend(chunk.marks)
    joined = np.concatenate(samples) if samples else np.zeros(0, np.float32)
    return Audio(joined, sample_rate_hz, tuple(words), tuple(marks))


def front_end_of(
    voice: Voice, options: SpeechOptions, preset: str | None, *, enrolled: bool = False
) -> FrontEnd:
    """The text front end for a variety of the voice's language.

    What `options` say, else the variety that the preset speaks, else the voice's first language.

    Args:
        enrolled: whether a profile speaks, which has no variety of its own.

    Raises:
        ConfigError: the voice has no such language.
    """
    front_end, languages = voice.front_end, voice.bundle.manifest.languages
    if not isinstance(front_end, TextFrontEnd):
        return front_end
    choose_language(options.language, languages)
    if options.language not in (None, AUTO_LANGUAGE):
        return front_end.in_language(options.language)
    if not enrolled and voice.presets:
        variety = preset_language(preset or voice.presets[0], languages[0])
        return front_end if variety is None else front_end.in_language(variety)
    return front_end
