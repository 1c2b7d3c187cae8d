"""How a server runs: `voicelet.toml`, and what of it the command line overrides."""

from __future__ import annotations

import ipaddress
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ServeError
from voicelet.serve.pool import PoolConfig

_MAX_CONFIG_BYTES = 1 << 20


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class HttpConfig:
    """Where the server listens, and how much it reads.

    Attributes:
        host: address to listen on; 127.0.0.1 is reached from this machine alone.
        port: 0 for any that is free.
        tls_certificate, tls_key: PEM files; both or neither.
        plain_http: listen without TLS where others can read along, as behind a proxy that has it.
        max_body_bytes: of a request, 1 kB to 64 MB.
        body_timeout_s: for a request to arrive whole, 1 to 600.
        max_connections: at a time, 1 to 65,536.
        drain_s: how long speech that has begun may go on after SIGTERM, 0 to 3600.
    """

    host: str = "127.0.0.1"
    port: int = 8484
    tls_certificate: str | None = None
    tls_key: str | None = None
    plain_http: bool = False
    max_body_bytes: int = 1 << 20
    body_timeout_s: float = 20.0
    max_connections: int = 512
    drain_s: float = 30.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("port", 0, 65535),
            ("max_body_bytes", 1 << 10, 64 << 20),
            ("body_timeout_s", 1.0, 600.0),
            ("max_connections", 1, 65536),
            ("drain_s", 0.0, 3600.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"{name} must lie between {low:g} and {high:g}")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ConfigError("tls_certificate and tls_key go together; give both")

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


@dataclass(frozen=True)
class SpeechConfig:
    """What is spoken.

    Attributes:
        bundle: folder, file or name of a voice bundle; None for the packaged voice.
        default_voice: profile or preset where a request names none that is known; None for the
            first preset.
        aliases: names of voices as clients send them → a profile or preset.
        max_text_chars: of a request, 1 to 1,000,000.
        profile_cache_bytes: for open profiles, at least 0.
        lexicon: a file of your own pronunciations.
        rules: files of your own rules of reading.
    """

    bundle: str | None = None
    default_voice: str | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    max_text_chars: int = 20_000
    profile_cache_bytes: int = 16 << 20
    lexicon: str | None = None
    rules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.max_text_chars <= 1_000_000:
            raise ConfigError("max_text_chars must lie between 1 and 1,000,000")
        if self.profile_cache_bytes < 0:
            raise ConfigError("profile_cache_bytes must be at least 0")


@dataclass(frozen=True)
class AccessConfig:
    """Who may ask.

    Attributes:
        tokens: file of tokens (`voicelet serve --add-token`); None for none, which is for servers
            that only this machine reaches.
        origins: web pages that may ask from a browser, such as "https://example.org"; none by
            default.
        hosts: names by which the server is called, beside its address; a request that calls it
            otherwise is refused.
    """

    tokens: str | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class WyomingConfig:
    """Speaking for Home Assistant.

    Attributes:
        uri: tcp://HOST:PORT or unix:///PATH; None for not at all.
        voices: profiles and presets that may speak.  By default all where only this machine
            reaches the address, else the presets: the protocol knows no passwords.
    """

    uri: str | None = None
    voices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServeConfig:
    """`voicelet.toml`: a table for each of its fields."""

    http: HttpConfig = field(default_factory=HttpConfig)
    speech: SpeechConfig = field(default_factory=SpeechConfig)
    pool: PoolConfig = field(default_factory=PoolConfig)
    access: AccessConfig = field(default_factory=AccessConfig)
    wyoming: WyomingConfig = field(default_factory=WyomingConfig)

    def check_exposed(self) -> None:
        """Refuse to be reached by others without TLS and tokens.

        Raises:
            ServeError: naming what is missing.
        """
        if self.http.is_local:
            return
        if self.http.tls_certificate is None and not self.http.plain_http:
            raise ServeError(
                f"others reach {self.http.host}, and without TLS whoever is between can listen;"
                " give --tls-certificate and --tls-key, or --plain-http behind a proxy that has TLS"
            )
        if self.access.tokens is None:
            raise ServeError(
                f"others reach {self.http.host}, so callers need a token: make one with"
                " voicelet serve --add-token NAME --tokens FILE, and give --tokens FILE"
            )


def read_config(path: str | Path | None) -> ServeConfig:
    """Read `voicelet.toml`; defaults for None.

    Raises:
        ConfigError: it can't be read, isn't TOML, has an unknown key or an impossible value.
    """
    if path is None:
        return ServeConfig()
    try:
        with open(path, "rb") as file:
            raw = file.read(_MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{str(path)!r}: {error.strerror}; check the path") from None
    if len(raw) > _MAX_CONFIG_BYTES:
        raise ConfigError(f"{str(path)!r} is larger than 1 MB")
    return from_mapping(ServeConfig, _parse_toml(raw, str(path)), str(path))


def _parse_toml(raw: bytes, where: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib as toml
    else:
        import tomli as toml
    try:
        data: dict[str, Any] = toml.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError among them
        raise ConfigError(f"{where!r} isn't TOML ({error})") from None
    return data
