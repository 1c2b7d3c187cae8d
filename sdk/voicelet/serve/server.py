"""What all ways of serving share: the voice, who it can be, the pool, and whether it is ready."""

from __future__ import annotations

from voicelet.serve.access import Gatekeeper, read_tokens
from voicelet.serve.config import ServeConfig
from voicelet.serve.metrics import Metrics
from voicelet.serve.pool import StreamPool
from voicelet.serve.speakers import Speakers
from voicelet.serve.speaking import Desk
from voicelet.synth.voice import Voice


class SpeechServer:
    """Opens the voice and the pool; `close` ends them.

    Raises:
        ServeError: others would reach it without TLS or tokens.
        BundleError, ConfigError: as `Voice.load`; or the tokens can't be read.
    """

    def __init__(self, config: ServeConfig, voice: Voice | None = None) -> None:
        config.check_exposed()
        speech = config.speech
        self.config = config
        tokens = config.access.tokens
        self.gatekeeper = Gatekeeper(read_tokens(tokens) if tokens is not None else None)
        self.voice = voice or Voice.load(
            speech.bundle, user_lexicon=speech.lexicon, user_rules=speech.rules
        )
        # The front end is opened by the first text: better here than by a client.
        for _ in self.voice.front_end.clauses("Ready."):
            pass
        speakers = Speakers(
            self.voice,
            max_bytes=speech.profile_cache_bytes,
            default=speech.default_voice,
            aliases=speech.aliases,
        )
        self.metrics = Metrics()
        self.pool = StreamPool(config.pool, on_first_audio=self.metrics.first_audio_s.observe)
        self.desk = Desk(self.voice, speakers, self.pool)
        self.metrics.watch(self.pool, speakers)
        self.is_ready = True

    def close(self, drain_s: float = 0.0) -> bool:
        """Take no more requests, and let those that were taken end; see `StreamPool.close`."""
        self.is_ready = False
        return self.pool.close(drain_s)
