"""What training a waveform generator against judges has in common."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from voicelet_export.train.losses import (
    discriminator_loss,
    feature_matching_loss,
    generator_loss,
)

Update = Callable[[str, Tensor, float], None]


def adversarial_terms(
    judge: nn.Module, real: Tensor, fake: Tensor, update: Update, clip: float
) -> dict[str, Tensor]:
    """Train the judge on a pair, then score the generator by it.

    Args:
        real, fake: waveforms [B, samples].
        update: :meth:`voicelet_export.train.loop.Task.update`; called for "judge".
        clip: of the judge's gradient.

    Returns:
        `judge` (done with), `adversarial` and `matching`, each a mean over the judges.
    """
    judged = discriminator_loss(judge(real), judge(fake.detach()))
    update("judge", judged, clip)
    judge.requires_grad_(False)
    true, false = judge(real), judge(fake)
    judge.requires_grad_(True)
    return {
        "judge": judged,
        "adversarial": generator_loss(false),
        "matching": feature_matching_loss(true, false),
    }
