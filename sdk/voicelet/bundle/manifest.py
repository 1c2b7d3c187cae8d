"""`manifest.json`: everything a runtime must know of a voice before it opens a file of it.

The manifest is read strictly: an unknown key, a missing one, a file name that leaves the bundle or
statistics of the wrong length is refused, and no file is opened before that.  A manifest of a newer
schema is told apart from a broken one, for the remedy differs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from voicelet.audio.features import FeatureConfig
from voicelet.config import from_mapping, to_mapping, unique_keys
from voicelet.errors import BundleError, BundleVersionError, ConfigError

SCHEMA_VERSION = 1
"""Raised by one whenever an older runtime could misread a manifest."""

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.sig"
MAX_MANIFEST_BYTES = 1 << 20
MAX_BUNDLE_BYTES = 256 << 20
"""No file and no bundle is larger than this (a voice is some 10 MB)."""

_MAX_RATE_HZ, _MAX_FFT, _MAX_MELS = 384_000, 1 << 16, 1024
_HASH = re.compile(r"[0-9a-f]{64}")
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){0,3}")


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a graph.

    Attributes:
        name: as in the graph.
        dtype: numpy's name for it ("float32", "int64").
        shape: a length for every axis; a string ("frames") names an axis that varies.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class BundleFile:
    """A file of the bundle.

    Attributes:
        file: path inside the bundle, with `/`.
        sha256: 64 lower-case hexadecimal digits.
        bytes: its length.
    """

    file: str
    sha256: str
    bytes: int

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.file) or len(self.file) > 200:
            raise ValueError(f"{self.file!r} can't be the name of a file in a bundle")
        if self.file in (MANIFEST_NAME, SIGNATURE_NAME):
            raise ValueError(f"{self.file!r} can't list itself")
        if not _HASH.fullmatch(self.sha256):
            raise ValueError(f"{self.file}: sha256 must be 64 lower-case hexadecimal digits")
        if not 0 <= self.bytes <= MAX_BUNDLE_BYTES:
            raise ValueError(f"{self.file}: {self.bytes} bytes is out of range")


@dataclass(frozen=True)
class GraphFile(BundleFile):
    """One form of a graph, for one engine.

    Attributes:
        engine: "onnx", …; engines that a runtime lacks are passed over.
        inputs, outputs: what it takes and gives.
        precision: "fp32", "int8", …; for people.
    """

    engine: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    precision: str = "fp32"


@dataclass(frozen=True)
class GraphSpec:
    """A graph by its role, in the forms it comes in, the preferred one first.

    Attributes:
        alternatives: at least one.
        context_frames: frames on each side that an output frame depends on.
    """

    alternatives: tuple[GraphFile, ...]
    context_frames: int = 0

    def __post_init__(self) -> None:
        if not self.alternatives:
            raise ValueError("a graph needs at least one file")
        if not 0 <= self.context_frames <= 4096:
            raise ValueError(f"context_frames {self.context_frames} is out of 0..4096")

    def for_engine(self, engine: str) -> GraphFile | None:
        """Return the file for `engine`, or None."""
        return next((a for a in self.alternatives if a.engine == engine), None)


@dataclass(frozen=True)
class Statistics:
    """What features are normalized by.

    Attributes:
        mel_mean, mel_std: per mel band, of the natural log mel.
        pitch_scale: one unit of predicted pitch, in natural log Hz.
        speaker_size: length of a speaker vector.
        label_delay_frames: by how much predicted durations lie behind what is heard; 4.5 in bundles
            that don't say.
    """

    mel_mean: tuple[float, ...]
    mel_std: tuple[float, ...]
    pitch_scale: float = 0.25
    speaker_size: int = 0
    label_delay_frames: float = 4.5

    def __post_init__(self) -> None:
        if len(self.mel_mean) != len(self.mel_std):
            raise ValueError("mel_mean and mel_std differ in length")
        if not all(map(math.isfinite, (*self.mel_mean, *self.mel_std, self.pitch_scale))):
            raise ValueError("statistics must be finite")
        if min((*self.mel_std, self.pitch_scale)) <= 0.0:
            raise ValueError("mel_std and pitch_scale must be positive")
        if not 0.0 <= self.label_delay_frames <= 24.0:
            raise ValueError("label_delay_frames must lie between 0 and 24")


@dataclass(frozen=True)
class Preset:
    """A voice that ships with the bundle (never a real person's without a licence for it).

    Attributes:
        name: what a caller asks for.
        index: row of its speaker vector in the data file `presets` (npy, float32 [n, size]).
        description: for people ("low, calm").
        licence: where it differs from the bundle's.
    """

    name: str
    index: int
    description: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Manifest:
    """A voice bundle, described.

    Attributes:
        schema_version: of this file, see :data:`SCHEMA_VERSION`.
        name: of the voice.
        version: of the voice, by its makers.
        languages: BCP 47 tags.
        sample_rate_hz: of the audio that comes out.
        features: what a mel frame is.
        statistics: what features are normalized by.
        phones: symbols of the inventory, one character each, in the order of their indices.
        graphs: role → graph.
        data: role → file (lexicon, labels, presets, …).
        presets: voices that ship with it.
        licence: SPDX expression.
        model_card: data role of the model card, or "".
        provenance: teacher, data, commit; text for people.
        measured: figure → value, as measured by the makers ("wer_percent": 7.1).
        architecture: the kind of voice, by which the runtime finds the code that speaks it.
    """

    schema_version: int
    name: str
    version: str
    languages: tuple[str, ...]
    sample_rate_hz: int
    features: FeatureConfig
    statistics: Statistics
    phones: str
    graphs: dict[str, GraphSpec]
    data: dict[str, BundleFile] = field(default_factory=dict)
    presets: tuple[Preset, ...] = ()
    licence: str = "Apache-2.0"
    model_card: str = ""
    provenance: dict[str, str] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    architecture: str = "voicelet"

    def __post_init__(self) -> None:
        limits = (
            ("sample_rate_hz", self.features.sample_rate_hz, _MAX_RATE_HZ),
            ("features.n_fft", self.features.n_fft, _MAX_FFT),
            ("features.n_mels", self.features.n_mels, _MAX_MELS),
        )
        for name, value, limit in limits:  # tables are made of these sizes
            if not 0 < value <= limit:
                raise ValueError(f"{name} {value} is out of 1..{limit}")
        if self.sample_rate_hz != self.features.sample_rate_hz:
            raise ValueError("sample_rate_hz and features.sample_rate_hz differ")
        if len(self.statistics.mel_mean) != self.features.n_mels:
            raise ValueError(f"statistics.mel_mean must hold {self.features.n_mels} values")
        if not self.phones or len(set(self.phones)) != len(self.phones):
            raise ValueError("phones must be symbols that differ from one another")
        if self.model_card and self.model_card not in self.data:
            raise ValueError(f"model_card names {self.model_card!r}, which data lacks")
        names = [p.name for p in self.presets]
        if len(set(names)) != len(names):
            raise ValueError("two presets have the same name")
        if sum(f.bytes for f in self.files()) > MAX_BUNDLE_BYTES:
            raise ValueError(f"the files add up to more than {MAX_BUNDLE_BYTES >> 20} MB")
        self._refuse_conflicts()

    def _refuse_conflicts(self) -> None:
        by_name: dict[str, BundleFile] = {}
        for file in self._listed():
            first = by_name.setdefault(file.file, file)
            if (first.sha256, first.bytes) != (file.sha256, file.bytes):
                raise ValueError(f"{file.file} is listed twice and differently")

    def _listed(self) -> Iterator[BundleFile]:
        for graph in self.graphs.values():
            yield from graph.alternatives
        yield from self.data.values()

    def files(self) -> list[BundleFile]:
        """Every file once (two roles may share one), in the order of their names."""
        return sorted({f.file: f for f in self._listed()}.values(), key=lambda f: f.file)

    @property
    def total_bytes(self) -> int:
        """Bytes of all files, without the manifest and its signature."""
        return sum(f.bytes for f in self.files())


def parse_manifest(raw: bytes, where: str = MANIFEST_NAME) -> Manifest:
    """Read a manifest.

    Raises:
        BundleVersionError: its schema is one that this runtime doesn't know.
        BundleError: it isn't a manifest, or says something impossible.
    """
    if len(raw) > MAX_MANIFEST_BYTES:
        raise BundleError(f"{where}: larger than {MAX_MANIFEST_BYTES >> 20} MB; not a manifest")
    try:
        data = json.loads(raw.decode("utf-8"), object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{where}: not a manifest ({error}); fetch or export the bundle again"
        ) from None
    try:
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        raise BundleError(
            f"{where}: a text in it isn't Unicode (half a character); export the bundle again"
        ) from None
    if not isinstance(data, Mapping):
        raise BundleError(f"{where}: not a manifest; fetch or export the bundle again")
    version = data.get("schema_version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise BundleError(f"{where}: schema_version is missing or not a number")
    if version > SCHEMA_VERSION:
        raise BundleVersionError(
            f"{where}: the bundle has schema {version}, this voicelet reads up to "
            f"{SCHEMA_VERSION}; upgrade voicelet"
        )
    if version < 1:
        raise BundleVersionError(f"{where}: there is no schema {version}; export the bundle again")
    try:
        return from_mapping(Manifest, data, where)
    except ConfigError as error:
        raise BundleError(str(error)) from None


def canonical_bytes(manifest: Manifest) -> bytes:
    """The one way a manifest is written: sorted keys, two spaces, UTF-8, a newline at the end."""
    fields = to_mapping(manifest)
    if manifest.statistics.label_delay_frames == Statistics.label_delay_frames:
        del fields["statistics"]["label_delay_frames"]  # as earlier versions wrote it
    text = json.dumps(fields, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")
