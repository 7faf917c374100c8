"""Graphs as PyTorch Geometric's ``Data``, from the files that its own loaders read.

The files are read here, without running what they hold and without writing beside them; the
features, edges, labels and Planetoid masks are those that PyTorch Geometric's ``Planetoid``,
``Amazon``, ``Coauthor`` and ``CitationFull`` give.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Int64

from provenn.data.catalogue import entry_of
from provenn.data.entry import AnyReader, Part
from provenn.data.find import Root, read_part
from provenn.data.graph_files import GraphArrays

if TYPE_CHECKING:
    from torch_geometric.data import Data
else:
    Data = Any

TRAIN_PER_CLASS = 20
VAL_PER_CLASS = 30


def load_graph(
    name: str, *, seed: int | None = None, root: Root = None, download: bool = True
) -> Data:
    """Load a graph with node classes and masks.

    The result holds ``x`` (float32, ``n x d``), ``edge_index`` (int64, ``2 x e``, both directions,
    no self-loops, none twice), ``y`` (int64), ``train_mask``, ``val_mask``, ``test_mask``, and
    ``name``, ``sha256``, ``source`` as a :class:`Dataset` has them. Without a seed the Planetoid
    sets have their published masks and the others those of seed 0. A seed draws 20 nodes of each
    class for training and 30 for validation; the rest is for test.

    Args:
        name: Name of the graph, see ``names("graph")``.
        seed: Seed of a random split, 0 or more; ``None`` for the standard one.
        root: Folder of data sets to look in first; ``PROVENN_DATA`` if not given.
        download: Whether to fetch the graph if it is neither in the folder nor in the cache.

    Raises:
        TypeError: ``name`` is not a string, ``seed`` no whole number or ``download`` no bool.
        ValueError: The graph is unknown, the set is no graph, or ``seed`` is negative.
        DataError: It cannot be had or is damaged; the message says what to do.
        ImportError: The extra ``graph`` is not installed.

    Reference:
        Shchur, Mumme, Bojchevski, Günnemann: Pitfalls of Graph Neural Network Evaluation, 2018,
        section 4 (the random split).
    """
    entry = entry_of(name)
    if entry.info.kind != "graph":
        raise ValueError(f"{name!r} is not a graph: use load({name!r})")
    if not isinstance(download, bool):
        raise TypeError(f"download must be a bool, got {download!r:.80}")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise TypeError(f"seed must be a whole number or None, got {type(seed).__name__}")
    if seed is not None and seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    import torch

    try:
        from torch_geometric.data import Data
        from torch_geometric.utils import coalesce, remove_self_loops, to_undirected
    except ImportError as error:
        raise ImportError("graphs need PyTorch Geometric: pip install 'provenn[graph]'") from error
    graph, source = read_part(entry, "all", _arrays, root=root, fetch=download)
    nodes = len(graph.y)
    edges, _ = remove_self_loops(torch.from_numpy(graph.edges))
    if graph.masks is None:
        edges = to_undirected(edges, num_nodes=nodes)
    else:
        edges = coalesce(edges, num_nodes=nodes, sort_by_row=False)
    published = graph.masks if seed is None else None
    masks = random_masks(graph.y, seed or 0) if published is None else published
    train, val, test = torch.from_numpy(masks)
    return Data(
        x=torch.from_numpy(graph.x.toarray()),
        edge_index=edges,
        y=torch.from_numpy(graph.y),
        train_mask=train,
        val_mask=val,
        test_mask=test,
        name=name,
        source=source,
        sha256=graph.sha256,
    )


def random_masks(y: Int64[np.ndarray, " n"], seed: int) -> Bool[np.ndarray, "3 n"]:
    """Masks of a random split: 20 nodes of each class, 30 of each class, the rest."""
    generator = np.random.default_rng(seed)
    masks = np.zeros((3, len(y)), bool)
    for label in range(int(y.max()) + 1):
        nodes = generator.permutation(np.flatnonzero(y == label))
        masks[0, nodes[:TRAIN_PER_CLASS]] = True
        masks[1, nodes[TRAIN_PER_CLASS : TRAIN_PER_CLASS + VAL_PER_CLASS]] = True
    masks[2] = ~(masks[0] | masks[1])
    return masks


def _arrays(part: Part, files: Sequence[bytes], read: AnyReader) -> GraphArrays:
    graph: GraphArrays = read(files, part.expected)
    return graph
