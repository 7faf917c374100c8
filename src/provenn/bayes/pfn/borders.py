"""Borders of a bar distribution: where to put them, what they must be, and what they enclose."""

import torch
from jaxtyping import Float, Int, Real
from torch import Tensor


def equal_mass_borders(y: Float[Tensor, "n"], n_buckets: int) -> Float[Tensor, "n_borders"]:
    """Borders between which equally many samples lie.

    Args:
        y: Finite samples in random order.
        n_buckets: Number K of buckets.

    Returns:
        Shape ``(K + 1,)``, strictly increasing.

    Raises:
        ValueError: If there are fewer samples than buckets, or borders would coincide.
    """
    size = len(y) // n_buckets
    if size == 0:
        raise ValueError(f"y must have at least n_buckets = {n_buckets} samples, got {len(y)}")
    # Cut before sorting: cut afterwards, it would be the largest samples that are lost.
    groups = y[: size * n_buckets].sort().values.reshape(n_buckets, size)
    inner = (groups[:-1, -1] + groups[1:, 0]) / 2
    borders = torch.cat([y.min()[None], inner, y.max()[None]])
    if not bool((borders.diff() > 0).all()):
        raise ValueError(
            f"y must have enough distinct values for n_buckets = {n_buckets} buckets of equal "
            f"mass, got {len(y)} samples of {len(y.unique())} distinct values"
        )
    return borders


def problem_of(borders: Tensor, least: int) -> str:
    """What keeps the tensor from being borders of at least that many buckets; empty if nothing."""
    if borders.ndim != 1 or len(borders) < least + 1:
        return f"must have shape (K + 1,) with K at least {least}, got {tuple(borders.shape)}"
    if not bool(borders.isfinite().all()):
        return "must be finite, got NaN or inf"
    wrong = (borders.diff() <= 0).nonzero()
    if len(wrong):
        i = int(wrong[0])
        pair = f"{float(borders[i])} followed by {float(borders[i + 1])}"
        return f"must be strictly increasing, got {pair} at index {i}"
    return ""


def bucket_of(
    y: Real[Tensor, "*batch"], borders: Float[Tensor, "n_borders"]
) -> Int[Tensor, "*batch"]:
    """Index k with ``b_k < y <= b_{k+1}``; at and beyond the outer borders, the outer buckets."""
    return torch.bucketize(y.detach().contiguous(), borders[1:-1])


def at_bucket(
    values: Float[Tensor, "*batch n_buckets"], bucket: Int[Tensor, "*buckets"]
) -> Float[Tensor, "*buckets"]:
    """Entry of each bucket: of one bucket, ``(*batch)``, or of several, ``(*batch L)``."""
    if bucket.ndim == values.ndim:
        return values.gather(-1, bucket)
    return values.gather(-1, bucket.unsqueeze(-1)).squeeze(-1)


def mass_before(
    cumulative: Float[Tensor, "*batch n_buckets"], bucket: Int[Tensor, "*buckets"]
) -> Float[Tensor, "*buckets"]:
    """Total mass of the buckets to the left of each, from the cumulative masses."""
    return torch.where(bucket > 0, at_bucket(cumulative, (bucket - 1).clamp(min=0)), 0.0)


def with_ends(values: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """The values with the first and the last one replaced along the last axis."""
    return torch.cat([first, values[..., 1:-1], last], -1)
