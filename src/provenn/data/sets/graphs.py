"""Graphs."""

from collections.abc import Sequence

from provenn.data.dataset import Expected
from provenn.data.download import Remote
from provenn.data.entry import Entry, Info, Mirror, Part
from provenn.data.graph_files import PLANETOID_PARTS, GraphReader, read_npz, read_planetoid
from provenn.data.sets.shared import SEE


def _graph(
    name: str,
    title: str,
    shape: tuple[int, int],
    classes: int,
    folder: str,
    urls: Sequence[tuple[str, str | None]],
    read: GraphReader,
    homepage: str,
) -> Entry:
    nodes, columns = shape
    labels = tuple(str(i) for i in range(classes))
    files = [Remote(url, sha256) for url, sha256 in urls]
    label = homepage.removeprefix("https://")
    return Entry(
        info=Info(
            name=name,
            title=title,
            kind="graph",
            shape=(columns,),
            classes=labels,
            splits={"all": nodes},
            homepage=homepage,
            licence=SEE,
            extra="graph",
        ),
        parts={
            "all": Part(
                name=name,
                expected=Expected(rows=nodes, shape=(columns,), classes=labels),
                folder=[f"{folder}/raw/{file.file_name}" for file in files],
                read=read,
                layout="the raw files that PyTorch Geometric reads",
                mirrors=[Mirror(label=label, files=files, read=read)],
            )
        },
    )


def _planetoid(
    name: str, shape: tuple[int, int], classes: int, folder: str, hashes: Sequence[str | None]
) -> Entry:
    home = "https://raw.githubusercontent.com/kimiyoung/planetoid/master/data"
    urls = [
        (f"{home}/ind.{name}.{part}", sha256)
        for part, sha256 in zip(PLANETOID_PARTS, hashes, strict=True)
    ]
    return _graph(
        name,
        "Citations, with the Planetoid split",
        shape,
        classes,
        f"planetoid/{folder}",
        urls,
        read_planetoid,
        "https://github.com/kimiyoung/planetoid",
    )


def _npz(
    name: str, title: str, shape: tuple[int, int], classes: int, folder: str, url: str
) -> Entry:
    home, _, _ = url.partition("/raw/")
    return _graph(name, title, shape, classes, folder, [(url, None)], read_npz, home)


_BENCHMARK = "https://github.com/shchur/gnn-benchmark/raw/master/data/npz"
_GRAPH2GAUSS = "https://github.com/abojchevski/graph2gauss/raw/master/data"
GRAPHS = (
    _planetoid(
        "cora",
        (2708, 1433),
        7,
        "Cora",
        (
            "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
            "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
            "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
            "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
            "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
            "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
            "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
        ),
    ),
    _planetoid(
        "citeseer",
        (3327, 3703),
        6,
        "CiteSeer",
        (
            "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
            "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
            "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
            "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
            "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
            "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
            "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
        ),
    ),
    _planetoid("pubmed", (19717, 500), 3, "PubMed", [None] * len(PLANETOID_PARTS)),
    _npz(
        "amazon_computers",
        "Computers bought together",
        (13752, 767),
        10,
        "amazon/Computers",
        f"{_BENCHMARK}/amazon_electronics_computers.npz",
    ),
    _npz(
        "amazon_photo",
        "Photographic goods bought together",
        (7650, 745),
        8,
        "amazon/Photo",
        f"{_BENCHMARK}/amazon_electronics_photo.npz",
    ),
    _npz(
        "coauthor_cs",
        "Co-authors in computer science",
        (18333, 6805),
        15,
        "coauthor/CS",
        f"{_BENCHMARK}/ms_academic_cs.npz",
    ),
    _npz(
        "coauthor_physics",
        "Co-authors in physics",
        (34493, 8415),
        5,
        "coauthor/Physics",
        f"{_BENCHMARK}/ms_academic_phy.npz",
    ),
    _npz(
        "cora_ml",
        "Citations in machine learning",
        (2995, 2879),
        7,
        "citation_full/cora_ml",
        f"{_GRAPH2GAUSS}/cora_ml.npz",
    ),
    _npz(
        "citeseer_full",
        "Citations, the full CiteSeer; not Planetoid's",
        (4230, 602),
        6,
        "citation_full/citeseer",
        f"{_GRAPH2GAUSS}/citeseer.npz",
    ),
)
