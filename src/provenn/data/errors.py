"""The one error that reading or fetching data raises, and those that it stands for."""

import pickle
import struct
import tarfile
import zipfile
import zlib


class DataError(Exception):
    """A data set is missing, damaged or not what its name says; the message says what to do."""


DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the standard library, NumPy, SciPy, scikit-learn and Pillow raise on damaged bytes."""
