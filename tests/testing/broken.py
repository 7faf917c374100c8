"""One module for each check that fails it, in a way that happens to real modules.

``BROKEN`` maps a check to subjects that fail it and the words that the failure must contain.
"""

import itertools
import random
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, linear

from provenn.testing import Subject
from tests.testing.affine import Affine

_COUNT = itertools.count()


class UnsavedShift(Affine):
    """Draws a number that is not part of the state."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.shift = float(torch.rand(()))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.shift


class SharedMemory(Affine):
    """Registers a view of its weight as a buffer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("flat", self.weight.detach().view(-1))


class LenientLoading(Affine):
    """Loads whatever it finds."""

    def load_state_dict(self, state_dict, strict=True, assign=False):
        return super().load_state_dict(state_dict, strict=False, assign=assign)


class NamelessRefusal(Affine):
    """Refuses a state without a word."""

    def load_state_dict(self, state_dict, strict=True, assign=False):
        if list(state_dict) != list(self.state_dict()):
            raise RuntimeError("bad state")
        return super().load_state_dict(state_dict)


class ShallowCopy(Affine):
    """Hands out itself as its copy."""

    def __deepcopy__(self, memo):
        return self


class HeldLambda(Affine):
    """Holds a function that cannot be pickled."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.activation = lambda x: x


class PlainTensor(Affine):
    """Keeps a constant as a plain attribute, within a list."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.constants = [torch.ones(3)]


class TwoNames(Affine):
    """Registers its weight twice."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.alias = self.weight


class AlwaysFloat32(Affine):
    """Computes in float32 whatever it is given."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x.float(), self.weight.float(), self.bias.float())


class DriftingCast(Affine):
    """Changes its bias each time that it is moved or cast."""

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        with torch.no_grad():
            self.bias.add_(0.01)
        return self


class IndexAdd(Affine):
    """Adds into a tensor of the input's dtype, which under autocast is not the product's."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x.float() if x.dtype != torch.float64 else x)
        into = torch.zeros(y.shape, dtype=self.weight.dtype)
        return into.index_add(0, torch.arange(len(x)), y)


class Float32Constant(Affine):
    """Multiplies by a float32 constant, which promotes a bfloat16 output."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * torch.ones(self.out_features)


class UnresetBuffer(Affine):
    """Fills a buffer in the constructor and not in ``reset_parameters``."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("gain", torch.ones_like(self.bias))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * self.gain


class IgnoresDtype(Affine):
    """Leaves ``dtype`` out where it makes a buffer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("gain", torch.ones(self.out_features, device=kwargs.get("device")))


class OwnRandomness(Affine):
    """Initialises from Python's generator instead of torch's."""

    def reset_parameters(self) -> None:
        super().reset_parameters()
        with torch.no_grad():
            self.bias.fill_(random.SystemRandom().random())


class HalfReset(Affine):
    """Forgets the bias in ``reset_parameters``."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        nn.init.uniform_(self.bias)

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.weight, -1, 1)


class DropoutInEvaluation(Affine):
    """Leaves dropout on in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        return dropout(super().forward(x), 0.5, training=True)


class CountsSteps(Affine):
    """Trains with a noise that no seed governs."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y * (1 + 0.01 * next(_COUNT)) if self.training else y


class StaleCache(Affine):
    """Keeps the weight that it used at its first evaluation."""

    cache = None

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x)
        if self.cache is None:
            self.cache = self.weight.detach().clone()
        return linear(x, self.cache, self.bias)


class InferenceCache(Affine):
    """Keeps the weight that it built under ``inference_mode`` until the parameter changes."""

    cache = None
    version = None

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x)
        if self.version != self.weight._version:
            self.cache, self.version = self.weight * 1, self.weight._version
        return linear(x, self.cache, self.bias)


class Reseeds(Affine):
    """Seeds the global generator in its constructor."""

    def __init__(self, *args, **kwargs):
        torch.manual_seed(0)
        super().__init__(*args, **kwargs)


class ChangesSettings(Affine):
    """Turns gradients off for everybody."""

    def forward(self, x: Tensor) -> Tensor:
        torch.set_grad_enabled(False)
        return super().forward(x)


class DoubledGradientInTraining(Affine):
    """Has the gradient of twice its value in training mode."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return 2 * y - y.detach() if self.training else y


class DoubledGradientInEvaluation(Affine):
    """Has the gradient of twice its value in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y if self.training else 2 * y - y.detach()


class SquareOnce(torch.autograd.Function):
    """A square whose backward pass forgets that it depends on the input."""

    @staticmethod
    def forward(x):
        return x**2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x.detach() * gradient


class SecondDerivativeLost(Affine):
    """Has a first derivative only."""

    def forward(self, x: Tensor) -> Tensor:
        return SquareOnce.apply(super().forward(x))


class UnusedParameter(Affine):
    """Has a parameter that does nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight)


class DeadParameter(Affine):
    """Has a bias whose effect cancels."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, 0 * self.bias)


class DetachedInput(Affine):
    """Cuts the graph at its input."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach())


class KeptGraph(Affine):
    """Keeps a transformed weight in evaluation, with the graph that made it."""

    cache = None

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x)
        if self.cache is None:
            self.cache = self.weight.exp()
        return linear(x, self.cache, self.bias)


class KeepsGradients(Affine):
    """Does nothing in ``zero_grad``."""

    def zero_grad(self, set_to_none=True):
        pass


class ThawsItself(Affine):
    """Asks for gradients again each time that it is called."""

    def forward(self, x: Tensor) -> Tensor:
        self.weight.requires_grad_(True)
        return super().forward(x)


class HiddenReference(Affine):
    """Reads its weight through a list, past what ``functional_call`` replaces."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.used = [self.weight]

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.used[0], self.bias)


class OldStyleSquare(torch.autograd.Function):
    """A square in the form that function transforms do not take."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


class OldStyleFunction(Affine):
    """Uses an autograd function without ``setup_context``."""

    def forward(self, x: Tensor) -> Tensor:
        return OldStyleSquare.apply(super().forward(x))


class NoForwardMode(Affine):
    """Uses an autograd function without ``jvp``."""

    def forward(self, x: Tensor) -> Tensor:
        return SquareOnce.apply(super().forward(x))


class BranchesOnInput(Affine):
    """Decides by the values of its input."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y if x.sum() > 0 else 2 * y


class ReadsParameter(Affine):
    """Turns a parameter into a Python number."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1 + abs(float(self.bias.sum())))


class BranchesInTraining(Affine):
    """Decides by the values of its input in training mode."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return 2 * y if self.training and x.sum() > 0 else y


class SpecialisesBatch(Affine):
    """Treats batches of more than five rows in another way."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y.clone() if x.shape[0] > 5 else y


class StacksRows(Affine):
    """Goes through its rows one by one."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([super(StacksRows, self).forward(row) for row in x])


class NaNOnEmpty(Affine):
    """Divides the bias's gradient by the number of rows."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y + self.bias.sum() * x.mean() * 0


class Squeezes(Affine):
    """Drops axes of size one."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(0)


class CentresBatch(Affine):
    """Subtracts the mean of the batch in evaluation mode too."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y - y.mean(0)


class AddsBatchAxis(Affine):
    """Gives a batch of one for an input that has no batch axis."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.atleast_2d(super().forward(x))


class ViewsInput(Affine):
    """Takes for granted that its input is contiguous."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.view(-1).view(x.shape))


class ViewsImage(nn.Conv2d):
    """Takes for granted that images lie in memory channel by channel."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.view(-1).view(input.shape))


class HidesNaN(Affine):
    """Turns NaN into zero."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.nan_to_num() if isinstance(x, Tensor) else x)


class SpreadsNaN(Affine):
    """Adds zero times the sum of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 0 * x.sum()


class Scale(nn.Module):
    """A gain for each feature, without a look at the shape."""

    def __init__(self, features: int):
        super().__init__()
        self.gain = nn.Parameter(torch.rand(features))

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.gain)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain


class VagueRefusal(Affine):
    """Refuses a wrong shape without saying which would be right."""

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(x, Tensor) and x.shape[-1:] != (self.in_features,):
            raise ValueError("bad shape")
        return super().forward(x)


class AssertsShape(Affine):
    """Refuses a wrong shape by an assertion."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] == self.in_features, f"expected {self.in_features}, got {x.shape}"
        return super().forward(x)


class TruncatesToIntegers(Affine):
    """Casts its weight to the dtype of its input."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


class FollowsInputDevice(Affine):
    """Moves its parameters to wherever the input is."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight.to(x.device), self.bias.to(x.device))


class TakesLists(Affine):
    """Makes a tensor of whatever it is given."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.as_tensor(x))


class ScalesInput(Affine):
    """Doubles its input in place."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.mul_(2))


class MaxNorm(Affine):
    """Shrinks its weight in place during a training forward."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.weight.data.mul_(0.9)
        return super().forward(x)


class CountsCalls(Affine):
    """Counts its calls in a buffer, in evaluation mode too."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


class ReturnsView(nn.Module):
    """Returns a part of its input as it is."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :2]


class KeepsOutputs(Affine):
    """Keeps every output that it has given."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.history = []

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        self.history.append(y.detach())
        return y


class KeepsViews(Affine):
    """Keeps a view of its weight from every call."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.history = []

    def forward(self, x: Tensor) -> Tensor:
        self.history.append(self.weight.detach())
        return super().forward(x)


class KeepsGraph(Affine):
    """Sums its outputs up with the graph that made them."""

    total = 0.0

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        self.total = self.total * 0.9 + y.sum()
        return y


class KeepsSavedTensors(Affine):
    """Sums up exponentials, whose values the graph keeps for a backward pass that never comes."""

    total = 0.0

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        self.total = self.total * 0.9 + y.exp().sum()
        return y


class DeafPart(Affine):
    """Stays in training mode."""

    def train(self, mode=True):
        return super().train(True)


class SilentTrain(Affine):
    """Does not return itself from ``train``."""

    def train(self, mode=True):
        super().train(mode)


class ReprOfState(Affine):
    """Shows in its repr how often it was called."""

    calls = 0

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, calls={self.calls}"

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


class SilentRepr(Affine):
    """Says nothing of its sizes."""

    def extra_repr(self) -> str:
        return ""


class Undocumented(Affine):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Unannotated(Affine):
    """Says nothing of the types in its signature."""

    def forward(self, x):
        return super().forward(x)


FEATURES = (torch.linspace(-2, 2, 20).sin().reshape(5, 4),)
IMAGES = (torch.linspace(-2, 2, 96).sin().reshape(2, 3, 4, 4),)


@dataclass(frozen=True)
class Broken:
    """A subject that must fail a check, and words that must stand in the reason."""

    subject: Subject
    words: str


def _subject(module: type[nn.Module], **options) -> Subject:
    return Subject(
        lambda **kwargs: module(4, 3, **kwargs),
        FEATURES,
        steps=20,
        backend="eager",
        **options,
    )


def _broken(module: type[nn.Module], words: str, **options) -> Broken:
    return Broken(_subject(module, **options), words)


BROKEN: dict[str, tuple[Broken, ...]] = {
    "state_dict_round_trip": (_broken(UnsavedShift, "output after loading"),),
    "safetensors_round_trip": (_broken(SharedMemory, "share memory"),),
    "strict_loading": (
        _broken(LenientLoading, "accepts a missing key"),
        _broken(NamelessRefusal, "does not name 'weight'"),
    ),
    "deepcopy": (_broken(ShallowCopy, "original after the copy changed"),),
    "pickle_round_trip": (_broken(HeldLambda, "pickle"),),
    "tensors_registered": (_broken(PlainTensor, "constants of PlainTensor"),),
    "names_unique": (_broken(TwoNames, "'weight' and 'alias' are the same"),),
    "float64": (_broken(AlwaysFloat32, "output is torch.float32"),),
    "dtype_round_trip": (_broken(DriftingCast, "after the round trip"),),
    "bfloat16_autocast": (_broken(IndexAdd, "index_add"),),
    "float16_autocast": (_broken(IndexAdd, "index_add"),),
    "bfloat16_weights": (_broken(Float32Constant, "output is torch.float32"),),
    "meta_device": (_broken(UnresetBuffer, "gain has entries that are not finite"),),
    "factory_dtype": (_broken(IgnoresDtype, "gain is torch.float32"),),
    "construction_reproducible": (_broken(OwnRandomness, "bias of a second module"),),
    "reset_reproducible": (
        _broken(HalfReset, "leaves bias as it was"),
        _broken(OwnRandomness, "bias after a second reset"),
    ),
    "eval_deterministic": (_broken(DropoutInEvaluation, "second call"),),
    "train_deterministic": (_broken(CountsSteps, "second training step"),),
    "eval_follows_parameters": (_broken(StaleCache, "output after a change in place"),),
    "inference_mode": (_broken(InferenceCache, "(?i)inference"),),
    "global_state_untouched": (
        _broken(Reseeds, "reseeds the global generator"),
        _broken(ChangesSettings, "settings changed"),
    ),
    "gradcheck_training": (_broken(DoubledGradientInTraining, "(?i)jacobian mismatch"),),
    "gradcheck_evaluation": (_broken(DoubledGradientInEvaluation, "(?i)jacobian mismatch"),),
    "double_backward": (_broken(SecondDerivativeLost, "(?i)jacobian mismatch"),),
    "gradients_reach_parameters": (
        _broken(DeadParameter, "bias receives a gradient that is zero"),
        _broken(UnusedParameter, "bias receives no gradient"),
    ),
    "gradients_reach_inputs": (_broken(DetachedInput, "input 0 receives no gradient"),),
    "gradients_accumulate": (_broken(KeptGraph, "second time"),),
    "zero_grad_clears": (_broken(KeepsGradients, "leaves a gradient on weight"),),
    "frozen_parameters": (_broken(ThawsItself, "requires a gradient although"),),
    "functional_call": (_broken(HiddenReference, "output of functional_call"),),
    "func_grad": (_broken(OldStyleFunction, "setup_context"),),
    "forward_mode": (_broken(NoForwardMode, "jvp|forward"),),
    "vmap_rows": (_broken(BranchesOnInput, "vmap"),),
    "vmap_parameters": (_broken(ReadsParameter, "vmap"),),
    "compile_forward": (_broken(BranchesOnInput, "branching"),),
    "compile_backward": (_broken(BranchesInTraining, "branching"),),
    "compile_dynamic": (_broken(SpecialisesBatch, "recompile"),),
    "export": (_broken(BranchesOnInput, "branching|data-dependent"),),
    "export_dynamic": (_broken(SpecialisesBatch, "(?i)constraint|batch"),),
    "empty_batch": (
        _broken(StacksRows, "stack"),
        _broken(NaNOnEmpty, "gradients of an empty batch"),
    ),
    "batch_of_one": (_broken(Squeezes, r"a batch of one gives shape \(3,\)"),),
    "rows_independent": (_broken(CentresBatch, "row 0 alone"),),
    "unbatched": (_broken(AddsBatchAxis, r"shape \(1, 3\) instead of \(3,\)"),),
    "non_contiguous": (_broken(ViewsInput, "view"),),
    "channels_last": (Broken(Subject(lambda: ViewsImage(3, 2, 3), IMAGES), "view"),),
    "nan_propagates": (_broken(HidesNaN, "one NaN gives an output without NaN"),),
    "bad_rows_stay_apart": (_broken(SpreadsNaN, "rows beside one that holds nan"),),
    "wrong_size": (
        Broken(Subject(lambda: Scale(4), FEATURES), "1 instead of 4 .* is accepted"),
        _broken(VagueRefusal, "says nothing that matches"),
        _broken(AssertsShape, "raises AssertionError"),
    ),
    "wrong_ndim": (Broken(Subject(lambda: Scale(4), FEATURES), "a scalar .* is accepted"),),
    "wrong_dtype": (_broken(TruncatesToIntegers, "as integers against as floats"),),
    "wrong_device": (_broken(FollowsInputDevice, "input 0 on meta .* is accepted"),),
    "not_a_tensor": (_broken(TakesLists, "a list in place of argument 'x' is accepted"),),
    "inputs_unmodified": (_broken(ScalesInput, "inputs after the call"),),
    "parameters_unmodified": (_broken(MaxNorm, "weight after a training step"),),
    "state_unmodified_in_eval": (_broken(CountsCalls, "calls after a call in evaluation"),),
    "outputs_own_memory": (
        Broken(Subject(ReturnsView, FEATURES), "output 0 shares the memory of input 0"),
    ),
    "live_tensors_constant": (
        _broken(KeepsOutputs, "10 more memory blocks are alive after 10"),
        _broken(KeepsViews, "10 more tensors are alive after 10"),
        _broken(KeepsSavedTensors, "more memory blocks are alive after 10"),
        _broken(KeepsGraph, "more graph nodes are kept after 10"),
    ),
    "mode_propagates": (
        _broken(DeafPart, r"stays in the other mode after eval\(\)"),
        _broken(SilentTrain, "does not return the module"),
    ),
    "representation": (_broken(ReprOfState, "repr changes with use"),),
    "constructor_in_repr": (_broken(SilentRepr, "does not show in_features=4"),),
    "documented": (_broken(Undocumented, "Undocumented has no docstring"),),
    "forward_annotated": (_broken(Unannotated, "argument 'x' of Unannotated.forward"),),
}
