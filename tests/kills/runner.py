"""A voicelet command that is killed at one of its operations on files.

    python tests/kills/runner.py SIGNAL COUNT COMMAND...

The process sends itself the signal just before its COUNT-th operation; with 0 it only counts, and
writes the number to standard error as its last line.
"""

from __future__ import annotations

import os
import sys

OPERATIONS = frozenset(
    ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.truncate", "os.link")
)


def main() -> None:
    """Run the command."""
    number, left = int(sys.argv[1]), int(sys.argv[2])
    sys.argv[1:] = sys.argv[3:]
    from voicelet.cli.main import main as run

    counted = 0

    def count(event: str, event_arguments: tuple[object, ...]) -> None:
        nonlocal counted
        if event not in OPERATIONS or (event == "open" and not writes(event_arguments)):
            return
        counted += 1
        if counted == left:
            os.kill(os.getpid(), number)

    sys.addaudithook(count)
    try:
        code = run()
    finally:
        if left == 0:
            print(counted, file=sys.stderr)
    sys.exit(code)


def writes(event_arguments: tuple[object, ...]) -> bool:
    """Whether a file is opened to be written; the many that are only read change nothing."""
    flags = event_arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


if __name__ == "__main__":
    main()
