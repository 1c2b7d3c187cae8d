"""Products on one thread: the right numbers, and no worker thread of numpy's BLAS wakes up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from voicelet.audio.features import FeatureConfig, mel_bands, mel_filterbank
from voicelet.audio.products import BandMatrix, product

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "tests" / "audio" / "data" / "reader_6437.opus"

SPEAK_AND_ENROL = """
import json, os, sys, time
import numpy as np

def run_time_ns(thread):
    with open(f"/proc/self/task/{thread}/schedstat") as file:
        return int(file.read().split()[0])

def is_asleep(thread):
    with open(f"/proc/self/task/{thread}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "S"

workers = sorted(set(os.listdir("/proc/self/task")) - {str(os.getpid())})

def settled():
    "Run time of each worker, once all of them wait for work."
    deadline = time.monotonic() + 300
    while not all(map(is_asleep, workers)):
        if time.monotonic() > deadline:
            sys.exit("the workers of the BLAS never sleep")
        time.sleep(0.01)
    return sum(map(run_time_ns, workers))

import voicelet
from voicelet.speaker.consistency import speaker_consistency
from voicelet.audio.resample import resample
from voicelet.trust.watermark.detect import detect_watermark as detect

spent, before = {}, settled()

def note(what):
    global before
    now = settled()
    spent[what], before = now - before, now

voice = voicelet.Voice.load()
note("load")
consent = voicelet.Consent.scripted("reader", "a test of threads")
profile = voicelet.enrol([sys.argv[1]], consent=consent, name="reader", voice=voice)
note("enrol")
windows = np.random.default_rng(0).standard_normal((200, 256)).astype(np.float32)
speaker_consistency(windows / np.linalg.norm(windows, axis=1, keepdims=True))
note("long enrolment")
text = "The train leaves at a quarter past seven. If you can't find the tickets, ask Maria. " * 3
speech = voice.synthesize(text, profile=profile)
note("speak")
resample(speech.samples, speech.sample_rate_hz, 44100)
note("resample")
detect(speech.samples, speech.sample_rate_hz)
note("detect")
np.ones((1500, 1500)) @ np.ones((1500, 1500))
note("a product of numpy's own")
print(json.dumps({"workers": len(workers), "spent": spent}))
"""


@pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="needs Linux's accounts of each thread"
)
def test_speaking_and_enrolling_wake_no_thread_of_the_blas() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    environment["PYTHONPATH"] = str(ROOT / "sdk")
    done = subprocess.run(
        [sys.executable, "-c", SPEAK_AND_ENROL, str(RECORDING)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    spent = answer["spent"]
    used_by_numpy = spent.pop("a product of numpy's own")
    if not answer["workers"] or not used_by_numpy:
        pytest.skip("numpy's BLAS has no threads of its own here")
    # What wakes one makes it spin for tens of milliseconds.
    assert {what: ns for what, ns in spent.items() if ns > 2_000_000} == {}


@pytest.mark.parametrize("rows", [0, 1, 3, 64, 700])
def test_a_filterbank_gives_what_the_dense_product_gives(rows: int) -> None:
    config = FeatureConfig()
    spectra = np.random.default_rng(rows).random((rows, 1025)).astype(np.float32)
    mel = spectra @ mel_bands(config)
    assert mel.dtype == np.float32
    np.testing.assert_allclose(mel, spectra @ mel_filterbank(config).T, rtol=2e-6)


@pytest.mark.parametrize("block_elements", [1, 100, 10_000])
def test_any_band_is_kept(block_elements: int) -> None:
    rng = np.random.default_rng(3)
    matrix = rng.standard_normal((40, 30))
    matrix[np.abs(np.arange(40)[:, None] - 1.3 * np.arange(30)[None]) > 6] = 0.0
    matrix[:, 11] = 0.0  # a column of nothing
    matrix[:, -1] = rng.standard_normal(40)  # and one without zeros
    rows = rng.standard_normal((50, 40))
    np.testing.assert_allclose(rows @ BandMatrix(matrix, block_elements), rows @ matrix, atol=1e-13)


@pytest.mark.parametrize(
    "m, k, n", [(1, 1, 1), (5, 256, 2), (100, 256, 100), (2, 20_000, 3), (0, 4, 4), (4, 0, 4)]
)
def test_a_dense_product_of_any_size(m: int, k: int, n: int) -> None:
    rng = np.random.default_rng(m)
    left, right = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    np.testing.assert_allclose(product(left, right), left @ right, atol=1e-10)


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match=r"can't multiply \(2, 3\) with \(4, 5\)"):
        product(np.zeros((2, 3)), np.zeros((4, 5)))
