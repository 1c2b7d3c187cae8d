"""VITS: its parts against definitions, and the whole against itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.export._piper_layout import randomize, tiny_config  # noqa: E402
from voicelet.errors import ConfigError  # noqa: E402
from voicelet_export.models.teachers.hifigan.generator import HifiganConfig  # noqa: E402
from voicelet_export.models.teachers.vits.align import (  # noqa: E402
    monotonic_alignment,
    prior_scores,
)
from voicelet_export.models.teachers.vits.config import VitsConfig  # noqa: E402
from voicelet_export.models.teachers.vits.flows import ConvFlow, CouplingFlow  # noqa: E402
from voicelet_export.models.teachers.vits.model import Vits, spread  # noqa: E402
from voicelet_export.models.teachers.vits.spline import spline  # noqa: E402
from voicelet_export.models.teachers.vits.text import RelativeAttention  # noqa: E402


def test_a_spline_is_undone_by_its_inverse_and_knows_its_slope() -> None:
    torch.manual_seed(0)
    x = torch.linspace(-7.0, 7.0, 201, dtype=torch.float64).requires_grad_()
    raw = torch.randn(201, 29, dtype=torch.float64) * 2
    parts = raw[:, :10], raw[:, 10:20], raw[:, 20:]
    y, log_slope = spline(x, *parts, 5.0)
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(log_slope, slope.log(), atol=1e-8, rtol=1e-8)
    back, log_back = spline(y, *parts, 5.0, inverse=True)
    torch.testing.assert_close(back, x, atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(log_back, -log_slope, atol=1e-6, rtol=1e-6)
    outside = x.abs() > 5.0
    assert torch.equal(y[outside], x[outside])


def test_flows_are_undone_and_know_their_determinant() -> None:
    torch.manual_seed(0)
    flow = ConvFlow(2, 8, 3, 2, 10, 5.0).double()
    torch.nn.init.normal_(flow.proj.weight)
    x, keep = torch.randn(1, 2, 6, dtype=torch.float64), torch.ones(1, 1, 6, dtype=torch.float64)
    told = torch.randn(1, 8, 6, dtype=torch.float64)
    y, logdet = flow(x, keep, told)
    torch.testing.assert_close(flow(y, keep, told, reverse=True)[0], x, atol=1e-7, rtol=1e-7)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow(v, keep, told)[0], x)
    exact = torch.linalg.slogdet(jacobian.reshape(12, 12)).logabsdet
    torch.testing.assert_close(logdet[0], exact, atol=1e-7, rtol=1e-7)

    coupling = CouplingFlow(
        3, channels=4, hidden=6, kernel=3, dilation_rate=2, layers=2, speaker_channels=5
    ).double()
    for parameter in coupling.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.5)
    z, speaker = torch.randn(1, 4, 6).double(), torch.randn(1, 5, 1).double()
    through = coupling(z, keep, speaker)
    assert float((through - z).detach().abs().max()) > 0.1
    torch.testing.assert_close(coupling(through, keep, speaker, reverse=True), z)


def test_relative_attention_follows_its_definition() -> None:
    torch.manual_seed(0)
    length, heads, width, window = 9, 2, 4, 2
    layer = RelativeAttention(heads * width, heads, window, 0.0).eval()
    x, keep = torch.randn(1, heads * width, length), torch.ones(1, 1, length)
    with torch.no_grad():
        found = layer(x, keep)
        q, k, v = (c(x)[0].view(heads, width, length) for c in (layer.conv_q, layer.conv_k,
                                                                layer.conv_v))  # fmt: skip
        out = torch.zeros(heads, width, length)
        for h, i in itertools.product(range(heads), range(length)):
            near = {j: j - i + window for j in range(length) if abs(j - i) <= window}
            score = torch.stack(
                [
                    q[h, :, i]
                    @ (k[h, :, j] + (layer.emb_rel_k[0, near[j]] if j in near else 0.0))
                    / width**0.5
                    for j in range(length)
                ]
            ).softmax(0)
            for j in range(length):
                extra = layer.emb_rel_v[0, near[j]] if j in near else torch.zeros(width)
                out[h, :, i] += score[j] * (v[h, :, j] + extra)
        expected = layer.conv_o(out.reshape(1, -1, length))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_alignment_is_the_best_of_all_monotonic_ones() -> None:
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((6, 4, 9)).astype(np.float32)
    tokens, frames = np.array([4, 3, 1, 4, 2, 4]), np.array([9, 7, 5, 4, 9, 6])
    found = monotonic_alignment(scores, tokens, frames)
    for b, (n, t) in enumerate(zip(tokens, frames)):
        best, best_cuts = -np.inf, None
        for cuts in itertools.combinations(range(1, t), n - 1):
            durations = np.diff([0, *cuts, t])
            path = np.repeat(np.arange(n), durations)
            total = scores[b, path, np.arange(t)].astype(np.float64).sum()
            if total > best:
                best, best_cuts = total, durations
        assert best_cuts is not None
        assert found[b, :n].tolist() == best_cuts.tolist()
        assert not found[b, n:].any()
    with pytest.raises(ValueError, match="frame"):
        monotonic_alignment(scores, np.full(6, 4), np.full(6, 3))


def test_prior_scores_are_gaussian_log_likelihoods() -> None:
    torch.manual_seed(0)
    mean, log_std, latent = torch.randn(2, 5, 3), 0.3 * torch.randn(2, 5, 3), torch.randn(2, 5, 7)
    normal = torch.distributions.Normal(mean[..., None], log_std.exp()[..., None])
    expected = normal.log_prob(latent[:, :, None, :]).sum(1)
    torch.testing.assert_close(prior_scores(mean, log_std, latent), expected)


def test_spread_repeats_each_symbol_for_its_frames() -> None:
    values = torch.tensor([[[1.0, 2.0, 3.0]]])
    out = spread(values, torch.tensor([[2.0, 0.0, 3.0]]), torch.ones(1, 1, 6))
    assert out[0, 0, :5].tolist() == [1.0, 1.0, 3.0, 3.0, 3.0]


@pytest.mark.parametrize("stochastic", [True, False])
def test_a_row_of_a_batch_is_what_it_is_alone(stochastic: bool) -> None:
    config = tiny_config(stochastic_durations=stochastic, n_speakers=3, speaker_channels=6)
    model = Vits(config).eval()
    randomize(model)
    rng = torch.Generator().manual_seed(1)
    ids = torch.randint(0, config.n_symbols, (2, 9), generator=rng)
    noise = torch.randn(2, 2, 9, generator=rng)
    latent = torch.randn(2, 8, 900, generator=rng)
    lengths, rows = torch.tensor([9, 5]), torch.tensor([0, 2])
    with torch.no_grad():
        both = model.infer(
            ids,
            lengths,
            model.speaker(rows),
            length_scale=8.0,
            duration_noise=noise,
            latent_noise=latent,
        )
        alone = model.infer(
            ids[1:, :5],
            lengths[1:],
            model.speaker(rows[1:]),
            length_scale=8.0,
            duration_noise=noise[1:, :, :5],
            latent_noise=latent[1:],
        )
    assert torch.equal(both.durations[1, :5], alone.durations[0])
    assert not both.durations[1, 5:].any()
    frames = int(alone.n_frames[0])
    torch.testing.assert_close(both.latent[1, :, :frames], alone.latent[0], atol=1e-5, rtol=1e-5)
    # The decoder hears the silence behind the shorter row, so only its last frames may differ.
    hop, side = config.decoder.hop_length, 6
    end = (frames - side) * hop
    assert end > hop
    torch.testing.assert_close(both.wave[1, :end], alone.wave[0, :end], atol=1e-5, rtol=1e-5)


def test_training_gives_gradients_to_every_weight_but_those_without_use() -> None:
    config = tiny_config(n_speakers=2, speaker_channels=6)
    torch.manual_seed(0)
    model = Vits(config)
    randomize(model)
    ids, spectrum = torch.randint(0, 40, (2, 6)), torch.rand(2, 17, 20)
    speaker = model.speaker(torch.tensor([0, 1]))
    made = model.reconstruct(ids, torch.tensor([6, 4]), spectrum, torch.tensor([20, 15]), speaker)
    assert made.durations.sum(1).tolist() == [20.0, 15.0]
    wave = model.dec(made.latent[:, :, :8], speaker)
    from voicelet_export.models.teachers.vits.model import kl_loss

    (wave.square().mean() + kl_loss(made) + made.duration_loss.mean()).backward()
    dead = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_a_config_of_parts_that_do_not_fit_is_refused() -> None:
    from voicelet.config import from_mapping

    for wrong in ({"latent": 64}, {"heads": 5}, {"n_speakers": 4}, {"channels": 10**9}):
        with pytest.raises(ConfigError):
            from_mapping(VitsConfig, wrong)
    with pytest.raises(ConfigError, match="kernel"):
        from_mapping(HifiganConfig, {"upsample_kernels": [15, 16, 4, 4]})
