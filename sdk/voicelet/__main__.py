"""`python -m voicelet` is the command `voicelet`."""

from __future__ import annotations

import sys

from voicelet.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
