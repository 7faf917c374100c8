"""Piecewise-affine laws, explicit model-predictive control, their exact networks, and learning."""

from provenn.control.actor import YANNActor
from provenn.control.critic import YANNCritic
from provenn.control.ddpg import DDPG, YANNDDPG
from provenn.control.mlp import MLPActor, MLPCritic
from provenn.control.mpc import condense, explicit_mpc
from provenn.control.mpqp import MultiParametricQP, solve
from provenn.control.piecewise import PiecewiseAffine
from provenn.control.plants import chain_of_masses, zero_order_hold
from provenn.control.polyhedra import Polytope
from provenn.control.registration import register_environments
from provenn.control.riccati import lqr
from provenn.control.simulation.drawing import plot_trajectories
from provenn.control.simulation.episodes import PlantEpisodes
from provenn.control.simulation.pendulum import ClippedPendulum
from provenn.control.simulation.plant import Plant
from provenn.control.simulation.reactor import Reactor
from provenn.control.simulation.rollout import rollout
from provenn.control.yann import YANN, DenseYANN
from provenn.control.zero import PairedZero

__all__ = [
    "DDPG",
    "YANN",
    "YANNDDPG",
    "ClippedPendulum",
    "DenseYANN",
    "MLPActor",
    "MLPCritic",
    "MultiParametricQP",
    "PairedZero",
    "PiecewiseAffine",
    "Plant",
    "PlantEpisodes",
    "Polytope",
    "Reactor",
    "YANNActor",
    "YANNCritic",
    "chain_of_masses",
    "condense",
    "explicit_mpc",
    "lqr",
    "plot_trajectories",
    "rollout",
    "solve",
    "zero_order_hold",
]

register_environments()
