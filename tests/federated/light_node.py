"""A device without a SuperNode: Flower's own connection and our client app, in the test's process.

The SuperLink, the ServerApp, TLS and the node keys are real; what is saved is a process, and an
import of torch, for each message.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import Context, Message, RecordDict
from flwr.supercore.inflatable.inflatable_object import (
    get_all_nested_objects,
    get_object_tree,
    no_object_id_recompute,
)
from flwr.supercore.inflatable.inflatable_utils import pull_and_inflate_object_from_tree
from flwr.supernode.fleet_http_connection import http_request_response

from voicelet_federated.app.client import app
from voicelet_federated.app.devices import private_key
from voicelet_federated.deploy.address import Address

_LOG = logging.getLogger(__name__)
_ONE_AT_A_TIME = threading.Lock()  # they share one model
Answer = Callable[[Message], Message]
Between = Callable[["LightNode", Message, Answer], "Message | None"]


class LightNode(threading.Thread):
    """One device, in a thread.

    Args:
        key: private node key, registered.
        places: its node configuration.
        between: is given each message and what answers it, and says what goes back.
    """

    def __init__(
        self, address: Address, ca: Path, key: Path, places: dict[str, Any], between: Between
    ) -> None:
        super().__init__(daemon=True)
        self._address, self._ca, self._key = address, ca, private_key(key)
        self._context = Context(1, 1, dict(places), RecordDict(), {})
        self._between = between
        self._stop = threading.Event()
        self.errors: list[Exception] = []

    def stop(self) -> None:
        """Take no more messages."""
        self._stop.set()

    def answer(self, message: Message) -> Message:
        """What the client app makes of a message."""
        with _ONE_AT_A_TIME:
            reply: Message = app(message, self._context)
            return reply

    def run(self) -> None:
        """Pull, answer, push."""
        keys: tuple[ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey]
        keys = self._key, self._key.public_key()
        with http_request_response(
            str(self._address), False, str(self._ca), keys, None, 300.0
        ) as connection:
            _, receive, send, _, _, pull, push, confirm = connection
            while not self._stop.is_set():
                try:
                    self._one(receive, send, pull, push, confirm)
                except Exception as error:  # as a SuperNode: one message's loss
                    _LOG.warning("a message is lost: %r", error)
                    self.errors.append(error)
                time.sleep(0.2)

    def _one(self, receive: Any, send: Any, pull: Any, push: Any, confirm: Any) -> None:
        got = receive()
        if got is None:
            return
        told, tree = got
        run, name = told.metadata.run_id, told.metadata.message_id
        message = pull_and_inflate_object_from_tree(
            tree,
            lambda part: pull(run, part),
            lambda whole: confirm(run, whole),
            return_type=Message,
        )
        message.metadata.__dict__["_message_id"] = name
        reply = self._between(self, message, self.answer)
        if reply is None:
            return
        with no_object_id_recompute():
            reply.metadata.__dict__["_message_id"] = reply.object_id
            wanted, session = send(reply, get_object_tree(reply), 0.1)
            for part, whole in get_all_nested_objects(reply).items():
                if part in wanted:
                    push(run, session, part, whole.deflate())
