"""The critic of YANN-RL: the exact value of linear-quadratic control plus a trainable network."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from provenn.checks import check_dtype, check_flag, check_integer
from provenn.control.door import ArrayLike, as_weight
from provenn.control.riccati import lqr, system
from provenn.control.zero import Mode, PairedZero, check_features


class YANNCritic(nn.Module):
    r"""Cost-to-go of a state and an input: exact for the linear plant at the start.

    .. math::
        Q(s, u) = s^⊤ (Q_w + γ A^⊤ P A) s + 2 s^⊤ (γ A^⊤ P B) u + u^⊤ (R + γ B^⊤ P B) u + N_0(s, u)

    The matrix of the quadratic form in ``[s; u]`` and ``N_0``, two tanh layers that are zero at
    the start (:class:`~provenn.control.PairedZero`), are trained together. Costs are minimised:
    less is better.

    Args:
        A: State matrix of the linear model, ``(state_dim, state_dim)``.
        B: Its input matrix, ``(state_dim, n_inputs)``.
        Q: State weight ``Q_w`` of the stage cost, positive semidefinite.
        R: Input weight of the stage cost, positive definite.
        device: Device of the parameters.
        dtype: Floating-point type of the parameters; float64 if ``None``.
        gamma: Discount for each step, in (0, 1].
        hidden: Units of each layer of ``N_0``.
        discount_consistent: Whether ``P`` solves the discounted Riccati equation, with which the
            Bellman equation holds exactly; if not, the undiscounted one, as in the paper.
        mode: How ``N_0`` is made zero; see :class:`~provenn.control.PairedZero`.
        readout: Whether ``N_0`` has trainable read-out weights.
        init_scale: Largest magnitude of its weights at the start.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If shapes do not fit, a weight is not definite, or no gain stabilises.

    Reference:
        Braniff and Tian, arXiv 2508.16474, section 4.2 and figure 5.

    Example:
        >>> critic = YANNCritic([[1.0, 1.0], [0.0, 1.0]], [[0.0], [1.0]], torch.eye(2), 1.0)
        >>> s, u = torch.ones(3, 2, dtype=torch.float64), torch.zeros(3, 1, dtype=torch.float64)
        >>> critic(s, u).shape
        torch.Size([3])
    """

    def __init__(
        self,
        A: ArrayLike,
        B: ArrayLike,
        Q: ArrayLike,
        R: ArrayLike,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        gamma: float = 0.99,
        hidden: int = 64,
        discount_consistent: bool = True,
        mode: Mode = "paired",
        readout: bool = False,
        init_scale: float = 1e-2,
    ) -> None:
        super().__init__()
        check_flag("discount_consistent", discount_consistent)
        check_dtype(dtype)
        dtype = torch.float64 if dtype is None else dtype
        self.hidden = check_integer("hidden", hidden, least=2)
        self.gamma = gamma
        self.discount_consistent = discount_consistent
        a, b = system(A, B)
        self.state_dim, self.n_inputs = b.shape
        P, _ = lqr(a, b, Q, R, gamma if discount_consistent else 1.0)
        weight = as_weight(Q, "Q", self.state_dim, definite=False)
        effort = as_weight(R, "R", self.n_inputs, definite=True)
        model = torch.from_numpy(np.hstack([a, b]))
        stage = torch.block_diag(torch.from_numpy(weight), torch.from_numpy(effort))
        form = stage + gamma * model.T @ P @ model
        self._of_linear_plant = (0.5 * (form + form.T)).numpy()
        size = self.state_dim + self.n_inputs
        self.matrix = nn.Parameter(torch.empty(size, size, device=device, dtype=dtype))
        self.network = PairedZero(
            size, 1, device, dtype,
            hidden=hidden, mode=mode, readout=readout, init_scale=init_scale,
        )  # fmt: skip
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Put back the quadratic form of the linear plant and a network that is zero."""
        self.matrix.copy_(torch.from_numpy(self._of_linear_plant))
        self.network.reset_parameters()

    def extra_repr(self) -> str:
        """Discount and size."""
        return (
            f"gamma={self.gamma}, hidden={self.hidden}, "
            f"discount_consistent={self.discount_consistent}"
        )

    def forward(
        self, state: Float[Tensor, "*batch state_dim"], u: Float[Tensor, "*batch n_inputs"]
    ) -> Float[Tensor, "*batch"]:
        """Discounted cost of taking input ``u`` now and following the policy from then on.

        Args:
            state: States, ``(*batch, state_dim)``.
            u: Inputs, ``(*batch, n_inputs)``.

        Returns:
            Costs, ``(*batch,)``.

        Raises:
            TypeError: If an argument is not a floating-point tensor of the critic's dtype.
            ValueError: If an argument has another size or device.
        """
        check_features(state, "state", self.state_dim, self.matrix)
        check_features(u, "u", self.n_inputs, self.matrix)
        if state.shape[:-1] != u.shape[:-1]:
            raise ValueError(
                f"u must have the batch shape of state {tuple(state.shape[:-1])}, got "
                f"{tuple(u.shape[:-1])}"
            )
        joint = torch.cat([state, u], -1)
        quadratic = ((joint @ self.matrix) * joint).sum(-1)
        cost: Tensor = quadratic + self.network(joint).squeeze(-1)
        return cost
