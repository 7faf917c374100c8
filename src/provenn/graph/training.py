"""Training on a whole graph at once, with the paper's selection and early stopping."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from provenn.checks import check_integer

Logits = Callable[[bool], Float[Tensor, "nodes classes"]]
"""Scores of all nodes, in training mode or not."""


@dataclass(frozen=True)
class Curves:
    """How training went.

    Attributes:
        train_loss: Training loss after each epoch, in evaluation mode.
        val_loss: Validation loss after each epoch.
        val_accuracy: Validation accuracy after each epoch, from 0 to 1.
        best_epoch: Epoch of the lowest validation loss, from 1, the first of equals; 0 if the loss
            was never a number.
    """

    train_loss: Float[Tensor, " epochs"]
    val_loss: Float[Tensor, " epochs"]
    val_accuracy: Float[Tensor, " epochs"]
    best_epoch: int

    def __len__(self) -> int:
        return len(self.val_loss)


def train_full_batch(
    logits: Logits,
    optimizer: torch.optim.Optimizer,
    y: Int64[Tensor, " nodes"],
    train: Int64[Tensor, " n_train"],
    val: Int64[Tensor, " n_val"],
    *,
    max_epochs: int,
    early_stopping: int,
    improved: Callable[[Tensor], Any] | None = None,
) -> Curves:
    """Train any network of nodes on the negative log-likelihood of its training nodes.

    After each epoch, a step on all training nodes, the network is evaluated once. A validation loss
    lower than all before is reported to ``improved``. In the second half of the epochs training
    ends when the validation loss is above the mean of the previous ``early_stopping`` ones.

    Args:
        logits: Scores of all nodes; told whether it is for training.
        optimizer: Optimiser of the network's parameters.
        y: Class of each node; read at training and validation nodes alone.
        train: Training nodes.
        val: Validation nodes.
        max_epochs: Most epochs.
        early_stopping: Validation losses that are averaged; 0 never ends early.
        improved: Given all scores at every new lowest validation loss.

    Returns:
        The losses and the accuracy of every epoch.

    Raises:
        TypeError: If ``max_epochs`` or ``early_stopping`` is no int.
        ValueError: If one is out of range.

    Reference:
        arXiv 2007.09296, the official ``train_eval.py``.
    """
    check_integer("max_epochs", max_epochs)
    check_integer("early_stopping", early_stopping, least=0)
    y_train, y_val = y[train], y[val]
    best, best_epoch = torch.inf, 0
    history: list[tuple[float, float, float]] = []
    for epoch in range(1, max_epochs + 1):
        optimizer.zero_grad()
        functional.cross_entropy(logits(True)[train], y_train).backward()
        optimizer.step()
        with torch.no_grad():
            scores = logits(False)
            train_loss = functional.cross_entropy(scores[train], y_train).item()
            val_loss = functional.cross_entropy(scores[val], y_val).item()
            right = (scores[val].argmax(1) == y_val).double().mean().item()
        history.append((train_loss, val_loss, right))
        if val_loss < best:
            best, best_epoch = val_loss, epoch
            if improved is not None:
                improved(scores)
        recent = [loss for _, loss, _ in history[-early_stopping - 1 : -1]]
        second_half = epoch > max_epochs // 2
        if early_stopping and recent and second_half and val_loss > sum(recent) / len(recent):
            break
    train_losses, val_losses, accuracy = torch.tensor(history).T
    return Curves(train_losses, val_losses, accuracy, best_epoch)
