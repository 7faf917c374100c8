"""One door to every data set: images, tables and graphs, by name.

    >>> from provenn.data import load
    >>> digits = load("digits")
    >>> digits.x.shape, digits.x.dtype, digits.y.dtype
    ((1437, 1, 8, 8), dtype('float32'), dtype('int64'))

scikit-learn's bundled sets need nothing. Every other set is read from the folder that the
environment variable ``PROVENN_DATA`` names, else from the cache, else from its public home; nothing
is downloaded unless a data set is named. Decoded arrays are kept in the cache, ``PROVENN_CACHE`` or
``~/.cache/provenn``.
"""

from provenn.data.catalogue import info, names
from provenn.data.dataset import Dataset
from provenn.data.door import fetch, load
from provenn.data.entry import Info
from provenn.data.errors import DataError
from provenn.data.find import Place, where
from provenn.data.graphs import load_graph

__all__ = [
    "DataError",
    "Dataset",
    "Info",
    "Place",
    "fetch",
    "info",
    "load",
    "load_graph",
    "names",
    "where",
]
