"""Drop-in layers and their functional forms."""

from provenn.nn.hypercomplex.algebra import algebra, cayley_dickson, left_multiplication
from provenn.nn.hypercomplex.convert import Conversion, convert_to_dense, convert_to_ph
from provenn.nn.hypercomplex.functional import (
    ph_conv1d,
    ph_conv2d,
    ph_conv3d,
    ph_linear,
    ph_weight,
)
from provenn.nn.hypercomplex.layers import PHConv1d, PHConv2d, PHConv3d, PHLinear
from provenn.nn.hypercomplex.resnet import (
    PHResNet,
    ResNet,
    ph_resnet18,
    ph_resnet20,
    ph_resnet50,
    ph_resnet152,
)
from provenn.nn.hypercomplex.vgg import PHVGG, ph_vgg

__all__ = [
    "PHVGG",
    "Conversion",
    "PHConv1d",
    "PHConv2d",
    "PHConv3d",
    "PHLinear",
    "PHResNet",
    "ResNet",
    "algebra",
    "cayley_dickson",
    "convert_to_dense",
    "convert_to_ph",
    "left_multiplication",
    "ph_conv1d",
    "ph_conv2d",
    "ph_conv3d",
    "ph_linear",
    "ph_resnet18",
    "ph_resnet20",
    "ph_resnet50",
    "ph_resnet152",
    "ph_vgg",
    "ph_weight",
]
