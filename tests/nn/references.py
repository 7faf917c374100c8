"""Slow, obvious implementations to hold the layers against."""

import numpy as np
import torch


def kron_weight(A, F, groups=1):
    """``sum_i kron(A_i, F_i)`` at every kernel position of every group, by ``numpy.kron``."""
    n, rows, columns, *kernel = F.shape
    A = A.detach().numpy()
    F = F.detach().reshape(n, rows, columns, -1).numpy()
    positions = F.shape[-1]
    rows //= groups
    H = np.zeros((groups, n * rows, n * columns, positions))
    for g in range(groups):
        for i in range(n):
            for p in range(positions):
                H[g, :, :, p] += np.kron(A[i], F[i, g * rows : (g + 1) * rows, :, p])
    return torch.from_numpy(H.reshape(groups * n * rows, n * columns, *kernel))


def quaternion_conv2d(x, r, i, j, k):
    """Quaternion convolution, one output component at a time, from four real convolutions each."""
    conv = torch.nn.functional.conv2d
    a, b, c, d = x.chunk(4, dim=1)
    return torch.cat(
        [
            conv(a, r) - conv(b, i) - conv(c, j) - conv(d, k),
            conv(a, i) + conv(b, r) - conv(c, k) + conv(d, j),
            conv(a, j) + conv(b, k) + conv(c, r) - conv(d, i),
            conv(a, k) - conv(b, j) + conv(c, i) + conv(d, r),
        ],
        dim=1,
    )
