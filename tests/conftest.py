"""Shape and type checks for the whole package while tests run, and one thread for each process."""

import os

import torch

if os.environ.get("PROVENN_TYPECHECK", "1") == "1":
    from jaxtyping import install_import_hook

    install_import_hook("provenn", "beartype.beartype")

torch.set_num_threads(1)
