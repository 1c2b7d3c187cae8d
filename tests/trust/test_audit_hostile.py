"""The audit log where something else stands in the place of its files."""

from __future__ import annotations

import os
import signal

import pytest

from voicelet.errors import AuditError
from voicelet.trust.audit.device_log import default_log, note


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_pipe_in_the_place_of_the_head_isnt_waited_for() -> None:
    note("enrol", profile="ana")
    head = default_log().head_path
    head.unlink()
    os.mkfifo(head)
    signal.alarm(60)  # the old reader waited for ever
    try:
        note("enrol", profile="ben")  # and goes on
        with pytest.raises(AuditError, match="not a file"):
            default_log().append("use")
        head.unlink()
        note("enrol", profile="cem")
    finally:
        signal.alarm(0)
    assert [r.event for r in default_log().records()].count("enrol") == 3
