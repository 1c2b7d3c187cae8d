"""A command whose extra isn't installed says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from voicelet.cli.extras import LIBRARIES, install_line


@pytest.mark.parametrize("library", ["uvicorn", "starlette", "prometheus_client"])
def test_serve_says_what_to_install(library: str) -> None:
    script = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from voicelet.cli.main import main\n"
        "sys.exit(main(['serve', '--port', '0']))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stderr
    assert 'pip install "voicelet[serve]"' in done.stderr and "Traceback" not in done.stderr
    assert 'in a clone: pip install ".[serve]"' in done.stderr


def test_every_library_has_a_line() -> None:
    for requirement in set(LIBRARIES.values()):
        assert install_line(requirement).startswith("pip install ")
