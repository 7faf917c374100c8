"""The table of checks: every one of them, what it asserts, and the capability it stands for."""

from collections.abc import Callable
from dataclasses import dataclass

from provenn.testing.checks import (
    bad_input,
    batching,
    compilation,
    determinism,
    gradients,
    hygiene,
    precision,
    saving,
    transforms,
)
from provenn.testing.subject import Subject


@dataclass(frozen=True)
class Check:
    """One check: a function that raises unless a subject does what its docstring asserts.

    Args:
        function: Takes a :class:`~provenn.testing.Subject`; raises ``CheckFailed`` or
            ``NotApplicable``, each with a sentence.
        column: Column of the capability matrix that it belongs to, if any.
        needs_compile: Whether it compiles or exports the module.
        reads_message: Whether it reads the module's error messages, so that a run-time type checker
            around the module would answer in its place.
    """

    function: Callable[[Subject], None]
    column: str | None = None
    needs_compile: bool = False
    reads_message: bool = False

    @property
    def name(self) -> str:
        """Name by which the check is chosen or expected to fail."""
        return self.function.__name__

    @property
    def asserts(self) -> str:
        """What the check asserts, in one sentence."""
        return (self.function.__doc__ or "").partition("\n\n")[0].replace("\n    ", " ").strip()


_TABLE = (
    Check(saving.state_dict_round_trip, column="save and load"),
    Check(saving.safetensors_round_trip, column="save and load"),
    Check(saving.strict_loading),
    Check(saving.deepcopy, column="copy and pickle"),
    Check(saving.pickle_round_trip, column="copy and pickle"),
    Check(saving.tensors_registered),
    Check(saving.names_unique),
    Check(precision.float64, column="float64"),
    Check(precision.dtype_round_trip),
    Check(precision.bfloat16_autocast, column="bfloat16 autocast"),
    Check(precision.float16_autocast, column="float16 autocast"),
    Check(precision.bfloat16_weights, column="bfloat16 weights"),
    Check(precision.meta_device, column="meta device"),
    Check(precision.factory_dtype),
    Check(determinism.construction_reproducible),
    Check(determinism.reset_reproducible),
    Check(determinism.eval_deterministic),
    Check(determinism.train_deterministic),
    Check(determinism.eval_follows_parameters),
    Check(determinism.inference_mode),
    Check(determinism.global_state_untouched),
    Check(gradients.gradcheck_training, column="gradients"),
    Check(gradients.gradcheck_evaluation, column="gradients"),
    Check(gradients.double_backward, column="double backward"),
    Check(gradients.gradients_reach_parameters),
    Check(gradients.gradients_reach_inputs),
    Check(gradients.gradients_accumulate),
    Check(gradients.zero_grad_clears),
    Check(gradients.frozen_parameters),
    Check(transforms.functional_call, column="functional_call"),
    Check(transforms.func_grad, column="torch.func.grad"),
    Check(transforms.forward_mode, column="forward mode"),
    Check(transforms.vmap_rows, column="vmap"),
    Check(transforms.vmap_parameters, column="vmap of parameters"),
    Check(compilation.compile_forward, column="compile", needs_compile=True),
    Check(compilation.compile_backward, column="compile", needs_compile=True),
    Check(compilation.compile_dynamic, column="dynamic compile", needs_compile=True),
    Check(compilation.export, column="export", needs_compile=True),
    Check(compilation.export_dynamic, column="dynamic export", needs_compile=True),
    Check(batching.empty_batch, column="empty batch"),
    Check(batching.batch_of_one),
    Check(batching.rows_independent),
    Check(batching.unbatched, column="unbatched"),
    Check(batching.non_contiguous),
    Check(batching.channels_last, column="channels last"),
    Check(bad_input.nan_propagates),
    Check(bad_input.bad_rows_stay_apart),
    Check(bad_input.wrong_size, reads_message=True),
    Check(bad_input.wrong_ndim, reads_message=True),
    Check(bad_input.wrong_dtype, reads_message=True),
    Check(bad_input.wrong_device, reads_message=True),
    Check(bad_input.not_a_tensor, reads_message=True),
    Check(hygiene.inputs_unmodified),
    Check(hygiene.parameters_unmodified),
    Check(hygiene.state_unmodified_in_eval),
    Check(hygiene.outputs_own_memory),
    Check(hygiene.live_tensors_constant),
    Check(hygiene.mode_propagates),
    Check(hygiene.representation),
    Check(hygiene.constructor_in_repr),
    Check(hygiene.documented),
    Check(hygiene.forward_annotated),
)

CHECKS: dict[str, Check] = {check.name: check for check in _TABLE}
"""Every check under its name, in the order in which they run."""
