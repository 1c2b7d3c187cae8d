"""Taking a Piper voice's graph apart, so that it can be streamed and gives the same speech twice.

VITS (Kim et al. 2021) is, at inference: a text encoder with a duration predictor (phonemes to the
mean and log deviation of latents, and frames for each), noise, a flow, and a HiFi-GAN decoder.  A
Piper voice is all of it in one graph that draws its own noise.  It is cut here into

| role | inputs | outputs |
|---|---|---|
| `vits_encoder` | `input`, `input_lengths`, `scales`, `duration_noise` [1, 2, M], (`sid`) |
`mean`, `log_deviation`, each [1, M, C], `durations` [1, 1, M] (frames) |
| `vits_flow` | `prior` [1, C, T], (`sid`) | `latent` [1, C, T] |
| `vits_decoder` | `latent` [1, C, T], (`sid`) | `samples` [1, 1, T · hop] |

Repeating means by durations and drawing latents is left to numpy.  The parts are found by what
they do, not by name, for names differ between exports.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

from voicelet.errors import BundleError
from voicelet.piper.extent import context_frames
from voicelet.piper.flat import as_images
from voicelet.piper.net import Net, Proto

_PASSING = ("Transpose", "Identity", "Cast")


@dataclass(frozen=True)
class SplitVoice:
    """The parts of a voice, as ONNX files.

    Attributes:
        channels: of a latent.
        hop: samples in a frame.
        flow_context, decoder_context: frames each sees on both sides.
        takes_speaker: whether `sid` is among the inputs.
    """

    encoder: bytes
    flow: bytes
    decoder: bytes
    channels: int
    hop: int
    flow_context: int
    decoder_context: int
    takes_speaker: bool


@dataclass(frozen=True)
class _Joints:
    """Tensors at which the graph is cut, and the noise of its durations."""

    mean: str
    log_deviation: str
    durations: str
    prior: str
    latent: str
    samples: str
    duration_noise: Proto | None


def import_onnx() -> ModuleType:
    """The `onnx` package.

    Raises:
        BundleError: it isn't installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise BundleError(
            f"the onnx package takes Piper voices apart, and can't be imported ({error}); "
            'pip install "voicelet[piper]"'
        ) from None
    module: ModuleType = onnx
    return module


def split_voice(raw: bytes) -> SplitVoice:
    """Take a Piper voice apart.

    Args:
        raw: the `.onnx`.

    Raises:
        BundleError: it isn't ONNX, isn't a Piper voice, or the onnx package is missing.
    """
    onnx = import_onnx()
    try:
        model = onnx.load_model_from_string(raw)
    except Exception as error:  # protobuf's own, which shares no other base
        raise BundleError(f"not an ONNX file ({error or type(error).__name__})") from None
    tensors = [*model.graph.initializer]
    tensors += [a.t for n in model.graph.node for a in n.attribute if a.HasField("t")]
    if any(t.data_location == onnx.TensorProto.EXTERNAL for t in tensors):
        raise BundleError("its weights lie in other files; give a voice in one file")
    net = Net(model)
    joints = _find(net)
    speaker = "sid" in net.inputs
    channels = _channels(net, joints.latent)
    flow_nodes = _between(net, joints.prior, joints.latent)
    decoder_nodes = _between(net, joints.latent, joints.samples)
    flow_context, _ = context_frames(net, flow_nodes, joints.prior, joints.latent)
    decoder_context, hop = context_frames(net, decoder_nodes, joints.latent, joints.samples)
    cut = _Cutter(onnx, net)
    return SplitVoice(
        cut.encoder(joints),
        cut.stretch(flow_nodes, joints.prior, "prior", joints.latent, "latent", channels),
        as_images(
            onnx,
            cut.stretch(
                decoder_nodes, joints.latent, "latent", joints.samples, "samples", channels
            ),
        ),
        channels,
        hop,
        flow_context,
        decoder_context,
        speaker,
    )


def _find(net: Net) -> _Joints:
    if not {"input", "input_lengths", "scales"} <= set(net.inputs) <= {
        "input", "input_lengths", "scales", "sid",
    } or len(net.outputs) != 1:  # fmt: skip
        raise BundleError(
            f"not a Piper voice: it takes {', '.join(net.inputs)[:80]}; give a voice made for Piper"
        )
    durations = _only(net.of("Ceil"), "rounds durations").output[0]
    before = net.before([durations])
    drawn = net.of("RandomNormalLike", "RandomNormal")
    early = [n for n in drawn if any(net.nodes[i] is n for i in before)]
    late = [n for n in drawn if not any(n is e for e in early)]
    if len(early) > 1:
        raise _unlike("draws its durations")
    deviation, mean, prior = _prior(net, _only(late, "draws latents").output[0])
    exp = net.maker(deviation)
    if exp is None or exp.op_type != "Exp":
        raise _unlike("spreads its latents")
    return _Joints(
        _unrepeated(net, mean),
        _unrepeated(net, exp.input[0]),
        durations,
        prior,
        _latent(net),
        _samples(net),
        early[0] if early else None,
    )


def _prior(net: Net, noise: str) -> tuple[str, str, str]:
    """Follow `mean + noise · deviation · scale`; gives deviation, mean and sum."""
    deviation, tensor = "", noise
    while True:
        node = _only(net.users(tensor), "uses its noise")
        other = [name for name in node.input if name != tensor]
        if node.op_type not in ("Mul", "Add") or len(other) != 1:
            raise _unlike("uses its noise")
        if node.op_type == "Add":
            return deviation, other[0], node.output[0]
        if "input" in net.depends_on(other[0]):
            deviation = other[0]
        tensor = node.output[0]


def _unrepeated(net: Net, tensor: str) -> str:
    """The tensor [1, M, C] that a 0-1 matrix repeats into `tensor` [1, C, T]."""
    turns = 0
    while (node := net.maker(tensor)) is not None:
        if node.op_type == "MatMul" and turns % 2 == 1:
            return str(node.input[1])
        if node.op_type not in _PASSING:
            break
        turns += node.op_type == "Transpose"
        tensor = node.input[0]
    raise _unlike("repeats phonemes")


def _latent(net: Net) -> str:
    """What the decoder is given: the input of the convolution before the first upsampling."""
    ups = net.of("ConvTranspose")
    if not ups:
        raise _unlike("makes samples")
    waiting = [ups[0].input[0]]
    while waiting:
        node = net.maker(waiting.pop())
        if node is None or "input" not in net.depends_on(node.output[0]):
            continue  # a weight, or what is said of the speaker
        if node.op_type == "Conv":
            return str(node.input[0])
        if node.op_type not in ("LeakyRelu", "Add", *_PASSING):
            break
        waiting += node.input
    raise _unlike("makes samples")


def _samples(net: Net) -> str:
    """The waveform [1, 1, n]: the output, before an axis is added to it."""
    node = net.maker(net.outputs[0])
    while node is not None and node.op_type in ("Unsqueeze", "Squeeze", "Identity"):
        node = net.maker(node.input[0])
    if node is None or node.op_type != "Tanh":
        raise _unlike("makes samples")
    return str(node.output[0])


def _channels(net: Net, latent: str) -> int:
    """Width of a latent, by the convolution that reads it."""
    for node in net.users(latent):
        if node.op_type == "Conv" and node.input[1] in net.weights:
            return int(net.weights[node.input[1]].dims[1])
    raise _unlike("makes samples")


def _between(net: Net, start: str, end: str) -> set[int]:
    nodes = net.after(start) & net.before([end], stop=[start])
    if not nodes:
        raise _unlike("passes latents on")
    return nodes


def _only(nodes: list[Proto], does: str) -> Proto:
    if len(nodes) != 1:
        raise _unlike(does)
    return nodes[0]


def _unlike(does: str) -> BundleError:
    return BundleError(
        f"not a Piper voice of a known make: how it {does} is unlike VITS; export it anew with "
        "Piper's own exporter"
    )


class _Cutter:
    """Takes parts out of a graph.

    Args:
        onnx: the package.
        net: the whole voice.
    """

    def __init__(self, onnx: ModuleType, net: Net) -> None:
        self._onnx, self._net = onnx, net
        self._inputs = {i.name: i for i in net.model.graph.input}

    def _value(self, name: str, *shape: int | str) -> Proto:
        make = self._onnx.helper.make_tensor_value_info
        return make(name, self._onnx.TensorProto.FLOAT, list(shape))

    def _named(self, old: str, new: str) -> Proto:
        return self._onnx.helper.make_node("Identity", [old], [new])

    def encoder(self, joints: _Joints) -> bytes:
        """Everything up to means, deviations and durations; noise comes in."""
        net, noise = self._net, joints.duration_noise
        nodes = net.before([joints.mean, joints.log_deviation, joints.durations])
        ends: dict[str, tuple[str, tuple[int | str, ...]]] = {
            joints.mean: ("mean", (1, "phonemes", "channels")),
            joints.log_deviation: ("log_deviation", (1, "phonemes", "channels")),
            joints.durations: ("durations", (1, 1, "phonemes")),
        }

        def change(node: Proto) -> Iterable[Proto]:
            if noise is not None and node.output[0] == noise.output[0]:
                yield self._named("duration_noise", node.output[0])
                return
            yield node
            for out in node.output:
                if out in ends:
                    yield self._named(out, ends[out][0])

        # Only inputs that a node of the part reads: ONNX Runtime refuses unused ones.
        read = {name for i in nodes for name in net.reads(i)}
        inputs = [self._inputs[name] for name in net.inputs if name in read]
        if noise is not None:
            inputs.append(self._value("duration_noise", 1, 2, "phonemes"))
        outputs = [self._value(name, *shape) for name, shape in ends.values()]
        return net.part(nodes, inputs, outputs, change)

    def stretch(
        self, nodes: set[int], start: str, first: str, end: str, last: str, channels: int
    ) -> bytes:
        """A part that works on any stretch of frames; masks go, and so does padding."""
        net = self._net
        part_tensors = {out for i in nodes for out in net.nodes[i].output} | {start}
        masks: set[str] = set()
        part_nodes = set(nodes)
        for name in {n for i in nodes for n in net.reads(i)} - part_tensors:
            needed = net.depends_on(name)
            if needed <= {"sid"}:
                part_nodes |= net.before([name])
            elif all(n.op_type == "Mul" for n in net.users(name) if set(n.output) & part_tensors):
                masks.add(name)
            else:
                raise _unlike("masks frames")

        def change(node: Proto) -> Iterable[Proto]:
            unmasked = [name for name in node.input if name not in masks]
            if len(unmasked) != len(node.input):
                yield self._named(unmasked[0], node.output[0])
            else:
                yield node
            if end in node.output:
                yield self._named(end, last)

        width: int | str = channels if last == "latent" else 1
        inputs = [self._value(first, 1, channels, "frames")]
        inputs += [self._inputs["sid"]] if self._reads_speaker(part_nodes) else []
        outputs = [self._value(last, 1, width, "frames" if last == "latent" else "samples")]
        opening = [self._named(first, start)]
        return net.part(part_nodes, inputs, outputs, change, opening=opening)

    def _reads_speaker(self, nodes: set[int]) -> bool:
        return any("sid" in self._net.reads(i) for i in nodes)
