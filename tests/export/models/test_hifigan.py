"""HiFi-GAN against its paper, and weight norm against torch's."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils.parametrizations import weight_norm  # noqa: E402

from voicelet.errors import BundleError  # noqa: E402
from voicelet_export.models.teachers.hifigan.discriminators import (  # noqa: E402
    HifiganDiscriminator,
    PeriodDiscriminator,
    ScaleDiscriminator,
    VitsDiscriminator,
)
from voicelet_export.models.teachers.hifigan.generator import (  # noqa: E402
    V1,
    V2,
    V3,
    HifiganConfig,
    HifiganGenerator,
)
from voicelet_export.models.teachers.weight_norm import (  # noqa: E402
    add_weight_norm,
    fold_weight_norm,
)


@pytest.mark.parametrize(("config", "millions"), [(V1, 13.92), (V2, 0.92), (V3, 1.46)])
def test_the_generators_have_as_many_parameters_as_in_the_paper(
    config: HifiganConfig, millions: float
) -> None:
    model = HifiganGenerator(config)
    count = sum(p.numel() for p in model.parameters())
    assert millions <= count / 1e6 < millions + 0.01  # the paper cuts off the third digit
    assert config.hop_length == 256


def test_the_receptive_field_and_the_rate_are_those_of_the_configuration() -> None:
    torch.manual_seed(0)
    config = HifiganConfig(4, 16, (4, 2), (8, 4), "2", (3,), ((1, 2),))
    model = HifiganGenerator(config).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, 0.0, 0.2)
    mel = torch.randn(1, 4, 40, requires_grad=True)
    wave = model(mel)
    assert wave.shape == (1, 1, 320)
    (gradient,) = torch.autograd.grad(wave[0, 0, 160], mel)
    heard = torch.nonzero(gradient.abs().sum(1)[0])[:, 0]
    # Layer by layer back from the waveform, kernels reach 6 frames to either side.
    assert int(heard.min()) in (14, 15) and int(heard.max()) in (25, 26)
    assert float(wave.detach().abs().max()) < 1.0


def _old_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    swaps = {"parametrizations.weight.original0": "weight_g"}
    swaps["parametrizations.weight.original1"] = "weight_v"
    out = {}
    for name, value in state.items():
        for new, old in swaps.items():
            name = name.replace(new, old)
        out[name] = value
    return out


def test_both_layouts_of_weight_norm_fold_to_what_torch_computes() -> None:
    torch.manual_seed(0)
    model = HifiganGenerator(HifiganConfig(4, 16, (4,), (8,), "1", (3,), ((1, 3),)))
    add_weight_norm([model])
    for name, parameter in model.named_parameters():
        if name.endswith("original0"):
            nn.init.uniform_(parameter, 0.5, 2.0)
    plain = HifiganGenerator(model.config)
    mel = torch.randn(1, 4, 9)
    for state in (model.state_dict(), _old_names(model.state_dict())):
        folded = fold_weight_norm(state)
        plain.load_state_dict(folded)
        torch.testing.assert_close(plain(mel), model(mel))
    cut = dict(model.state_dict())
    del cut["conv_pre.parametrizations.weight.original1"]
    with pytest.raises(BundleError, match="conv_pre"):
        fold_weight_norm(cut)
    transposed = weight_norm(nn.ConvTranspose1d(3, 5, 4))
    folded = fold_weight_norm({f"up.{k}": v for k, v in transposed.state_dict().items()})
    torch.testing.assert_close(folded["up.weight"], transposed.weight)


def test_discriminators_have_the_layers_of_the_paper_and_take_any_length() -> None:
    period, scale = PeriodDiscriminator(2), ScaleDiscriminator()
    assert [c.out_channels for c in period.convs] == [32, 128, 512, 1024, 1024]
    assert [c.out_channels for c in scale.convs] == [128, 128, 256, 512, 1024, 1024, 1024]
    assert [c.groups for c in scale.convs] == [1, 4, 16, 16, 16, 16, 1]
    for discriminator, count in ((HifiganDiscriminator(1 / 32), 8), (VitsDiscriminator(1 / 32), 6)):
        for length in (1201, 2400):
            outputs = discriminator(torch.randn(2, length))
            assert len(outputs) == count
            assert all(len(score) == 2 and len(maps) >= 6 for score, maps in outputs)
