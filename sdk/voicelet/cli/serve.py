"""`voicelet serve`: speak for other programs."""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import replace
from typing import Any

from voicelet.errors import ConfigError


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "serve",
        help="speak for other programs: an HTTP server with OpenAI's speech API",
        description="Speak for other programs over HTTP (needs the extra [serve]).",
    )
    parser.add_argument("--config", metavar="FILE", help="voicelet.toml; options go before it")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port (default: 8484; 0 for any that is free)")
    parser.add_argument(
        "--wyoming",
        metavar="URI",
        help="speak for Home Assistant, too: tcp://0.0.0.0:10200 (a port of your own network)",
    )
    parser.add_argument("--bundle", metavar="PATH", help="the voice bundle (default: the packaged)")
    parser.add_argument("--voice", metavar="NAME", help="who speaks where a client names nobody")
    parser.add_argument("--threads", type=int, help="that speak (default: one a core)")
    parser.add_argument("--tokens", metavar="FILE", help="callers need one of these tokens")
    parser.add_argument("--tls-certificate", metavar="FILE", help="PEM; with --tls-key")
    parser.add_argument("--tls-key", metavar="FILE", help="PEM")
    parser.add_argument(
        "--plain-http", action="store_true", help="no TLS, though others can reach the address"
    )
    parser.add_argument(
        "--add-token", metavar="NAME", help="make a token for NAME in --tokens, print it, and end"
    )
    parser.add_argument(
        "--token-voices", metavar="NAMES", help="voices of the new token, parted by commas"
    )
    parser.add_argument(
        "--token-purposes", metavar="NAMES", help="purposes of the new token, parted by commas"
    )
    parser.add_argument("--token-rate", type=int, default=0, help="requests a minute")
    parser.add_argument("--quiet", action="store_true", help="log faults only")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    if args.add_token is not None:
        return _add_token(args)
    from voicelet.serve.config import ServeConfig, read_config

    config: ServeConfig = read_config(args.config)
    names = ("host", "port", "tls_certificate", "tls_key")
    http = {name: value for name in names if (value := getattr(args, name)) is not None}
    if args.plain_http:
        http["plain_http"] = True
    speech = {"bundle": args.bundle, "default_voice": args.voice}
    config = replace(
        config,
        http=replace(config.http, **http),
        speech=replace(config.speech, **{k: v for k, v in speech.items() if v is not None}),
        pool=config.pool if args.threads is None else replace(config.pool, threads=args.threads),
        access=config.access if args.tokens is None else replace(config.access, tokens=args.tokens),
        wyoming=config.wyoming
        if args.wyoming is None
        else replace(config.wyoming, uri=args.wyoming),
    )
    config.check_exposed()

    from voicelet.serve.http.run import HttpServer
    from voicelet.serve.server import SpeechServer

    if not args.quiet:
        logging.getLogger("voicelet.serve").setLevel(logging.INFO)
    server = SpeechServer(config)
    others = []
    if config.wyoming.uri is not None:
        from voicelet.serve.wyoming.server import WyomingServer

        others.append(WyomingServer(server))
    whole = HttpServer(server, on_ready=_tell, others=others).run()
    if not whole:
        print(
            "voicelet: speech was still going on when the time to drain was over", file=sys.stderr
        )
    return 0


def _tell(url: str) -> None:
    print(f"voicelet serves at {url}", file=sys.stderr, flush=True)


def _add_token(args: argparse.Namespace) -> int:
    if args.tokens is None:
        raise ConfigError("give --tokens FILE, where the hash of the new token is kept")
    from voicelet.serve.access import add_token

    settings: dict[str, Any] = {"requests_per_minute": args.token_rate}
    if args.token_voices is not None:
        settings["voices"] = tuple(args.token_voices.split(","))
    if args.token_purposes is not None:
        settings["purposes"] = tuple(args.token_purposes.split(","))
    print(add_token(args.tokens, args.add_token, **settings))
    return 0
