"""`voicelet --print-completion`."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

needs_shtab = pytest.mark.skipif(
    importlib.util.find_spec("shtab") is None, reason="voicelet[completion] isn't installed"
)


@needs_shtab
@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_shell_gets_commands_and_options(cli: Cli, shell: str) -> None:
    code, script, err = cli("--print-completion", shell)
    assert (code, err) == (0, "")
    for word in ("say", "consent", "profiles", "passphrase-file", "disclaimer", "lexicon"):
        assert word in script


@needs_shtab
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_options_values_and_files(cli: Cli, tmp_path: Path) -> None:
    script = tmp_path / "voicelet.bash"
    script.write_text(cli("--print-completion", "bash")[1], encoding="utf-8")
    (tmp_path / "chapter.txt").write_text("Hello.", encoding="utf-8")

    def complete(*words: str) -> set[str]:
        function = "$(complete -p voicelet | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
        code = (
            f"source {script}; COMP_WORDS=({' '.join(words)} ''); COMP_CWORD={len(words)}; "
            f'COMPREPLY=(); {function}; printf "%s\\n" "${{COMPREPLY[@]}}"'
        )
        done = subprocess.run(
            ["bash", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 0, done.stderr
        return set(done.stdout.split())

    assert {"say", "enrol", "consent", "audit"} <= complete("voicelet")
    assert {"eu", "us-ca", "cn", "none"} <= complete("voicelet", "say", "--label")
    assert "chapter.txt" in complete("voicelet", "say", "--file")


def test_without_shtab_it_says_what_to_install(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)  # importing it raises ImportError
    code, out, err = cli("--print-completion", "bash")
    assert (code, out) == (2, "")
    assert "voicelet[completion]" in err
    assert cli("--print-completion", "fish")[0] == 2
