"""Training and solving against the authors' way: loops, NumPy round trips, a product more a step.

One thread; networks with random weights. The authors' way is written here in PyTorch and SciPy: the
loss goes through the batch with one sparse product each; the solver keeps vectors in NumPy, goes
through the window in a loop and computes the residual anew at every step; training vectors are
summed from stored eigenvectors one by one. Their own code needs TensorFlow and has no licence.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.table import Row, compare, show
from provenn.linalg import (
    DCDMNet,
    PoissonOperator,
    conjugate_direction_loss,
    dcdm,
    lanczos,
    spectrum,
)
from provenn.linalg.conjugate_direction import network as network_module

ROUNDS = 5
STEPS = 20
BATCH = 10


def sparse(A: PoissonOperator) -> Tensor:
    matrix = A.to_csr().tocoo()
    indices = torch.from_numpy(np.stack((matrix.row, matrix.col)))
    values = torch.from_numpy(matrix.data).float()
    return torch.sparse_coo_tensor(indices, values, matrix.shape, check_invariants=True).coalesce()


def loss_of_the_batch(n: int) -> Row:
    A = PoissonOperator((n, n))
    matrix = sparse(A)
    r = spectrum(A).sample(BATCH)
    q = torch.randn(BATCH, n, n, requires_grad=True)

    def loop() -> Tensor:
        total = torch.zeros(())
        for one_q, one_r in zip(q.flatten(1), r.flatten(1), strict=True):
            product = torch.sparse.mm(matrix, one_q[:, None])[:, 0]
            alpha = (one_r @ one_q) / (one_q @ product)
            total = total + (one_r - alpha * product).square().sum()
        return total / BATCH

    def batched() -> Tensor:
        return conjugate_direction_loss(q, r, A.matvec)

    torch.testing.assert_close(batched(), loop())
    return compare(
        f"loss and gradient of {BATCH} directions on {n}², the batch at once against a loop",
        lambda: batched().backward(),
        lambda: loop().backward(),
        at_least=5.0,
        rounds=ROUNDS,
    )


def layout(n: int) -> Row:
    net = DCDMNet(2)
    r = torch.randn(BATCH, 1, n, n)
    channels_last = network_module._channels_last

    def step() -> None:
        net.zero_grad()
        net(r).square().mean().backward()

    def plain() -> None:
        network_module._channels_last = lambda x: x
        try:
            step()
        finally:
            network_module._channels_last = channels_last

    return compare(
        f"forward and backward of {BATCH} x {n}², channels last against channels first",
        step,
        plain,
        rounds=ROUNDS,
    )


def authors_solver(A: PoissonOperator, b: np.ndarray, net: Callable[[Tensor], Tensor]) -> None:
    """``STEPS`` steps with a window of 2."""
    matrix = A.to_csr().astype(np.float32)
    x = np.zeros(A.size)
    r = b - matrix @ x
    directions: list[tuple[np.ndarray, np.ndarray, float]] = []
    for _ in range(STEPS):
        image = torch.from_numpy(r / np.linalg.norm(r)).float().reshape(1, 1, *A.grid_shape)
        q = net(image).numpy().reshape(-1).astype(np.float64)
        d = q.copy()
        for earlier, product, energy in directions[-2:]:
            d -= (q @ product) / energy * earlier
        product = matrix @ d
        energy = d @ product
        directions.append((d, product, energy))
        x += (d @ r) / energy * d
        r = b - matrix @ x
        np.linalg.norm(r)


@torch.no_grad()
def solving(n: int, net: nn.Module | Callable[[Tensor], Tensor], what: str) -> Row:
    A = PoissonOperator((n, n))
    b = A.project(torch.randn(n, n, dtype=torch.float64))
    flat = b.flatten().numpy()
    return compare(
        f"{STEPS} steps of the solver on {n}², {what}",
        lambda: dcdm(A, b, net, rtol=0.0, maxiter=STEPS),
        lambda: authors_solver(A, flat, net),
        rounds=ROUNDS,
    )


def vectors(n: int) -> Row:
    A = PoissonOperator((n, n))
    cosines = spectrum(A, "cosines")
    eigenvectors = cosines.combine(torch.eye(len(cosines.values), dtype=torch.float64)).flatten(1)
    rows = eigenvectors.numpy()
    weights = np.where(np.arange(len(rows)) < 0.55 * len(rows), 9.0, 1.0)

    def one_by_one() -> None:
        b = np.zeros(A.size)
        for weight, row in zip(
            weights * np.random.default_rng().standard_normal(len(rows)), rows, strict=True
        ):
            b += weight * row
        np.linalg.norm(b)

    return compare(
        f"a training vector on {n}², cosines against a sum of {len(rows)} stored eigenvectors",
        lambda: cosines.sample(1),
        one_by_one,
        rounds=ROUNDS,
    )


def orthogonalising(n: int, steps: int) -> Row:
    A = PoissonOperator((n, n))
    generator = torch.Generator()

    def loop() -> None:
        matrix = A.to_csr()
        W = np.zeros((steps, A.size))
        v = matrix @ torch.randn(A.size, dtype=torch.float64).numpy()
        for k in range(steps):
            W[k] = v / np.linalg.norm(v)
            v = matrix @ W[k]
            for _ in range(2):
                for row in W[: k + 1]:
                    v -= (row @ v) * row

    return compare(
        f"{steps} Lanczos steps on {n}², products with all vectors at once against a loop",
        lambda: lanczos(A, steps, generator=generator),
        loop,
        rounds=ROUNDS,
    )


def main() -> int:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = DCDMNet(2).eval()
    rows = [
        loss_of_the_batch(32),
        loss_of_the_batch(64),
        layout(32),
        solving(64, net, "with the network"),
        solving(256, functional.relu, "with a function in the network's place"),
        vectors(32),
        orthogonalising(64, 100),
    ]
    print(show("dcdm", rows))
    return int(not all(row.reached for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
