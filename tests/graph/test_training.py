"""The training procedure: which epoch is kept, when it ends, and what is read."""

import pytest
import torch

from provenn.graph.training import train_full_batch

Y = torch.tensor([0, 1, 0, 1])
NODES = torch.tensor([0, 1])
OTHERS = torch.tensor([2, 3])


def scripted(val_losses, *, max_epochs, early_stopping):
    """Train a network whose validation loss follows a script; the losses are of two classes."""
    parameter = torch.nn.Parameter(torch.zeros(4, 2))
    epochs = iter(val_losses)
    seen = []

    def logits(training):
        if training:
            return parameter
        # log(1 + exp(-m)) is the loss of a margin m
        margin = -torch.log(torch.expm1(torch.tensor(next(epochs), dtype=torch.float64)))
        sign = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
        return torch.stack([margin * sign / 2, -margin * sign / 2], 1)

    curves = train_full_batch(
        logits,
        torch.optim.SGD([parameter], lr=0.1),
        Y,
        NODES,
        OTHERS,
        max_epochs=max_epochs,
        early_stopping=early_stopping,
        improved=lambda scores: seen.append(len(seen)),
    )
    return curves, len(seen)


def test_the_first_of_equal_lowest_losses_is_kept():
    curves, improvements = scripted([0.9, 0.5, 0.7, 0.5, 0.6], max_epochs=5, early_stopping=0)
    assert curves.best_epoch == 2
    assert improvements == 2
    torch.testing.assert_close(
        curves.val_loss, torch.tensor([0.9, 0.5, 0.7, 0.5, 0.6]), rtol=1e-5, atol=0
    )


def test_it_ends_in_the_second_half_alone():
    rising = [0.1 * epoch for epoch in range(1, 11)]
    assert len(scripted(rising, max_epochs=10, early_stopping=2)[0]) == 6
    assert len(scripted(rising, max_epochs=10, early_stopping=0)[0]) == 10


def test_it_ends_where_the_loss_is_above_the_mean_of_the_last_ones():
    losses = [0.5, 0.5, 0.5, 0.5, 0.6, 0.55, 0.55, 0.4, 0.3, 0.2]
    # Epoch 6: 0.55 is not above the mean of 0.5 and 0.6; epoch 7: nor above that of 0.6 and 0.55.
    assert len(scripted(losses, max_epochs=10, early_stopping=2)[0]) == 10
    # The mean of the last three is lower: 0.533 at epoch 6.
    assert len(scripted(losses, max_epochs=10, early_stopping=3)[0]) == 6


def test_a_loss_that_is_no_number_is_never_kept():
    curves, improvements = scripted([float("nan")] * 3, max_epochs=3, early_stopping=0)
    assert curves.best_epoch == 0
    assert improvements == 0


def test_a_step_is_on_the_training_nodes_alone():
    parameter = torch.nn.Parameter(torch.zeros(4, 2))
    curves = train_full_batch(
        lambda training: parameter,
        torch.optim.SGD([parameter], lr=1.0),
        Y,
        NODES,
        OTHERS,
        max_epochs=4,
        early_stopping=0,
    )
    assert (parameter[OTHERS] == 0).all()
    assert (parameter[NODES] != 0).all()
    assert (curves.train_loss.diff() < 0).all()
    assert curves.val_loss.tolist() == pytest.approx([0.6931472] * 4)
    assert curves.val_accuracy.tolist() == [0.5] * 4
