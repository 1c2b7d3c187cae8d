"""A command as a process: errors, Ctrl-C and signals to end become one line and an exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import NoReturn

from voicelet.cli.extras import missing_library
from voicelet.errors import VoiceletError

EXIT_UNEXPECTED = 1
EXIT_INTERRUPTED = 130
EXIT_CLOSED_PIPE = 141
"""128 + SIGINT, 128 + SIGPIPE: what shells report for other programs, too."""
GRACE_S = 5.0
"""How long a command may take to end by itself after a signal; a call into a library can't be
interrupted, and service managers kill after ten seconds or more."""
_AGAIN_S = 0.005
_told: list[int] = []
"""Signals that were raised as :class:`Stopped` since the command began."""
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


class Stopped(KeyboardInterrupt):
    """A signal asked the process to end; raised in the main thread, wherever that is.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"signal {number}")


def run_process(
    program: str,
    work: Callable[[], int | None],
    *,
    debug: bool = False,
    raise_unexpected: bool = False,
    dies: bool = False,
) -> int:
    """Run a command, and say on standard error why it failed.

    Args:
        program: its name, for messages.
        work: the command; gives its exit code, None for 0.
        debug: show the traceback of an error, too.
        raise_unexpected: let errors that aren't voicelet's own through.
        dies: end the process by the signal that stopped it, as its parent expects: a shell that
            runs a loop, systemd.  Else the code is 128 and the signal's number.

    Returns:
        The exit code.
    """
    stopped = 0
    try:
        with stoppable():
            code = _run(program, work, debug, raise_unexpected)
    except KeyboardInterrupt as stop:
        stopped = stop.number if isinstance(stop, Stopped) else signal.SIGINT
        complain(program, "stopped")
        code = 128 + stopped
    finally:
        _tidy()
    if stopped and dies:
        _die(stopped)
    return code


def _run(program: str, work: Callable[[], int | None], debug: bool, raise_unexpected: bool) -> int:
    try:
        code = work() or 0
        sys.stdout.flush()
        return code
    except VoiceletError as error:
        _stop_if_told()
        if debug:
            traceback.print_exc()
        complain(program, str(error))
        return error.exit_code
    except BrokenPipeError:
        _forget_stdout()
        return EXIT_CLOSED_PIPE
    except Exception as error:
        _stop_if_told()
        missing = missing_library(error) if isinstance(error, ImportError) else None
        if missing is not None:
            complain(program, str(missing))
            return missing.exit_code
        if debug or raise_unexpected:
            raise
        text = f"unexpected {type(error).__name__}: {error} (run with --debug for details)"
        complain(program, text)
        return EXIT_UNEXPECTED


def _stop_if_told() -> None:
    """A library that is stopped while it starts answers with an error of its own in its place."""
    if _told:
        raise Stopped(_told[0])


def complain(program: str, message: str) -> None:
    """Say what is wrong, in one line on standard error."""
    line = " ".join(message.split())
    with contextlib.suppress(OSError, ValueError):  # stderr may be closed as well
        print(f"{program}: {line}", file=sys.stderr)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Signals to end raise :class:`Stopped` in the block, so that it can tidy up.

    A second signal, or `GRACE_S` after the first one, ends the process without waiting for the
    block; its temporary files are removed then, too.  Signals that were ignored (`nohup`) still
    are, and handlers that a command sets for itself come first.
    """
    numbers = [number for name in _ENDING if (number := getattr(signal, name, None)) is not None]
    usual = (signal.SIG_DFL, signal.default_int_handler)
    if threading.current_thread() is not threading.main_thread():  # only it may set handlers
        yield
        return
    kept = {n: old for n in numbers if (old := signal.getsignal(n)) in usual}
    for number in kept:
        signal.signal(number, _stop)
    _told.clear()
    try:
        with _none_lost(), _watched(kept):
            yield
    finally:
        for number, old in kept.items():
            signal.signal(number, old)


def _stop(number: int, frame: FrameType | None) -> None:
    if _is_called_by_library(frame):
        _send_again(number)
        return
    for name in _ENDING:
        other = getattr(signal, name, None)
        if other is not None and signal.getsignal(other) is _stop:
            signal.signal(other, _end_now)
    _told.append(number)
    raise Stopped(number)


def _is_called_by_library(frame: FrameType | None) -> bool:
    """Whether libsndfile is reading through Python just now.

    An exception would get lost there: the file would seem to end, and the command would go on with
    half a recording.
    """
    while frame is not None:
        if frame.f_code.co_name.startswith("vio_"):
            return True
        frame = frame.f_back
    return False


def _send_again(number: int) -> None:
    if os.name == "posix":
        again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number))
    else:  # where os.kill ends processes outright
        again = threading.Timer(_AGAIN_S, signal.raise_signal, (number,))
    again.daemon = True
    again.start()


@contextlib.contextmanager
def _none_lost() -> Iterator[None]:
    """Send a signal again whose exception was raised where Python drops them: in `__del__`."""
    before = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, Stopped):
            _send_again(lost.exc_value.number)  # the second time ends the process at once
        else:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _end_now(number: int, frame: FrameType | None) -> None:
    _tidy()
    _die(number)


def _tidy() -> None:
    """Remove temporary files.  The module isn't imported here: who never did has written none."""
    files = sys.modules.get("voicelet.files")
    if files is not None:
        files.remove_unfinished()


def _die(number: int) -> NoReturn:
    """End as a process does that doesn't handle the signal."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    if os.name == "posix":
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(128 + number)


@contextlib.contextmanager
def _watched(numbers: Collection[int]) -> Iterator[None]:
    """A thread that ends the process if the main one is stuck in a library after a signal.

    Python runs handlers in the main thread between two instructions, which may be long in coming.
    """
    if os.name != "posix":
        yield
        return
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    done = threading.Event()

    def watch() -> None:
        for number in iter(lambda: os.read(source, 1)[0], 0):
            if number in numbers and signal.getsignal(number) in (_stop, _end_now):
                if not done.wait(GRACE_S):
                    _tidy()
                    os._exit(128 + number)
                return

    thread = threading.Thread(target=watch, name="signals", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(sink, warn_on_full_buffer=False)
    try:
        yield
    finally:
        done.set()
        signal.set_wakeup_fd(before)
        os.write(sink, b"\0")
        thread.join()
        os.close(source)
        os.close(sink)


def _before_fork() -> None:
    _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, n) for n in _ENDING])


def _after_fork() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _mask.before)


def _after_fork_in_child() -> None:
    """A child ends as it likes, and mustn't tell its parent's thread of its own signals."""
    for name in _ENDING:
        number = getattr(signal, name)
        if signal.getsignal(number) in (_stop, _end_now):
            is_interrupt = name == "SIGINT"
            signal.signal(number, signal.default_int_handler if is_interrupt else signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
    _after_fork()


_mask = threading.local()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
    )


def _forget_stdout() -> None:
    # Else the interpreter flushes stdout once more at exit, and complains.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
