"""What pages that compare image classifiers share: data, peers, training, costs and figures."""

from provenn.papers.classification.compare import Entry, join_parts, train_and_measure
from provenn.papers.classification.cost import match_scale, parameters
from provenn.papers.classification.data import CIFAR10_MEAN, CIFAR10_STD, Split, split_images
from provenn.papers.classification.training import Recipe

__all__ = [
    "CIFAR10_MEAN",
    "CIFAR10_STD",
    "Entry",
    "Recipe",
    "Split",
    "join_parts",
    "match_scale",
    "parameters",
    "split_images",
    "train_and_measure",
]
