"""Monotonic rational-quadratic splines with linear tails (Durkan et al. 2019, section 3.1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import pad, softmax, softplus

LEAST_WIDTH = LEAST_HEIGHT = LEAST_SLOPE = 1e-3
# Raw value of a slope of one, so that spline and tails meet smoothly.
_ONE = math.log(math.exp(1.0 - LEAST_SLOPE) - 1.0)


def _knots(raw: Tensor, least: float, bound: float) -> tuple[Tensor, Tensor]:
    """Knots [..., bins + 1] on [-bound, bound] and the bins' sizes."""
    bins = raw.shape[-1]
    share = least + (1.0 - least * bins) * softmax(raw, dim=-1)
    inner = 2.0 * bound * torch.cumsum(share, dim=-1)[..., :-1] - bound
    edge = torch.full_like(inner[..., :1], bound)
    knots = torch.cat([-edge, inner, edge], dim=-1)
    return knots, knots[..., 1:] - knots[..., :-1]


def spline(
    x: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, bound: float, inverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Transform each value by its own spline; the identity outside [-bound, bound].

    Args:
        x: any shape.
        widths, heights: raw, [..., bins].
        slopes: raw, of the inner knots, [..., bins - 1].
        inverse: apply the inverse.

    Returns:
        The values and the logarithms of the derivatives, both of the shape of `x`.
    """
    slopes = LEAST_SLOPE + softplus(pad(slopes, (1, 1), value=_ONE))
    knots_x, size_x = _knots(widths, LEAST_WIDTH, bound)
    knots_y, size_y = _knots(heights, LEAST_HEIGHT, bound)
    inside = (x >= -bound) & (x <= bound)
    held = x.clamp(-bound, bound)
    searched = knots_y if inverse else knots_x
    place = (held[..., None] >= searched[..., 1:-1]).long().sum(dim=-1, keepdim=True)

    def pick(values: Tensor) -> Tensor:
        return torch.gather(values, -1, place).squeeze(-1)

    left, width, bottom, height = pick(knots_x), pick(size_x), pick(knots_y), pick(size_y)
    d0, d1 = pick(slopes[..., :-1]), pick(slopes[..., 1:])
    s = height / width
    bend = d0 + d1 - 2.0 * s
    if inverse:  # the root of eq. 6 to 8 that lies in [0, 1]
        up = held - bottom
        a = up * bend + height * (s - d0)
        b = height * d0 - up * bend
        c = -s * up
        root = torch.sqrt((b * b - 4.0 * a * c).clamp_min(0.0))
        t = 2.0 * c / (-b - root)
        y = t * width + left
    else:
        t = (held - left) / width
    mix = t * (1.0 - t)
    below = s + bend * mix
    if not inverse:
        y = bottom + height * (s * t * t + d0 * mix) / below
    slope = s * s * (d1 * t * t + 2.0 * s * mix + d0 * (1.0 - t) * (1.0 - t))
    log_slope = torch.log(slope) - 2.0 * torch.log(below)
    if inverse:
        log_slope = -log_slope
    return torch.where(inside, y, x), torch.where(inside, log_slope, torch.zeros_like(x))
