"""The data sets: one entry each."""

import string
from collections.abc import Sequence

from provenn.data.dataset import Expected, Reader
from provenn.data.download import HubFile, WebFile
from provenn.data.entry import Entry, Info, Mirror, Part
from provenn.data.graph_files import PLANETOID_PARTS, GraphReader, read_npz, read_planetoid
from provenn.data.images import cifar_batches, read_idx, read_parquet
from provenn.data.tables import read_csv, read_keel, read_libsvm

_DIGITS = tuple("0123456789")
_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_OBJECTS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_UCI = "CC BY 4.0 (UCI Machine Learning Repository)"
_SEE = "see the homepage"


def held_out(rows: int) -> dict[str, int]:
    """Sizes of the fixed split of a set that was published without one: a fifth is for test."""
    test = -(-rows // 5)
    return {"train": rows - test, "test": test}


# -- bundled with scikit-learn ---------------------------------------------------------------------


def _bundled(
    name: str,
    title: str,
    rows: int,
    shape: tuple[int, ...],
    classes: tuple[str, ...],
    licence: str = _UCI,
) -> Entry:
    return Entry(
        info=Info(
            name=name,
            title=title,
            kind="images" if len(shape) == 3 else "table",
            shape=shape,
            classes=classes,
            splits=held_out(rows),
            homepage="https://scikit-learn.org/stable/datasets/toy_dataset.html",
            licence=licence,
            bundled=True,
        )
    )


_BUNDLED = (
    _bundled("digits", "Handwritten digits, 8 x 8, 17 grey levels", 1797, (1, 8, 8), _DIGITS),
    _bundled(
        "breast_cancer",
        "Wisconsin breast cancer (diagnostic)",
        569,
        (30,),
        ("malignant", "benign"),
    ),
    _bundled("wine", "Wines of three growers", 178, (13,), ("class_0", "class_1", "class_2")),
    _bundled("iris", "Fisher's irises", 150, (4,), ("setosa", "versicolor", "virginica")),
    _bundled("diabetes", "Progression of diabetes (regression)", 442, (10,), (), _SEE),
)


# -- images ----------------------------------------------------------------------------------------


def _images(
    name: str,
    title: str,
    rows: dict[str, int],
    shape: tuple[int, int, int],
    classes: tuple[str, ...],
    homepage: str,
    licence: str,
    mirrors: dict[str, Sequence[Mirror]] | None = None,
    sha256: dict[str, str] | None = None,
) -> Entry:
    return Entry(
        info=Info(
            name=name,
            title=title,
            kind="images",
            shape=shape,
            classes=classes,
            splits=rows,
            homepage=homepage,
            licence=licence,
            extra="data",
        ),
        parts={
            split: Part(
                name=f"{name}-{split}",
                expected=Expected(rows=count, shape=shape, classes=classes),
                folder=[f"{name}/{split}.parquet"],
                read=read_parquet,
                layout=f"Parquet, {count} rows, columns image {{bytes, path}} and label",
                mirrors=(mirrors or {}).get(split, ()),
                sha256=(sha256 or {}).get(split, ""),
            )
            for split, count in rows.items()
        },
    )


def _hub(repository: str, revision: str, path: str, sha256: str | None = None) -> Mirror:
    return Mirror(
        label=f"huggingface.co/datasets/{repository}",
        files=[HubFile(repository, revision, path, sha256)],
        read=read_parquet,
    )


def _idx(home: str, images: tuple[str, str], labels: tuple[str, str]) -> Mirror:
    return Mirror(
        label=home.removeprefix("https://").removeprefix("http://").rstrip("/"),
        files=[WebFile(home + name, sha256) for name, sha256 in (images, labels)],
        read=read_idx,
    )


_MNIST_REVISION = "77f3279092a1c1579b2250db8eafed0ad422088c"
_MNIST_HOME = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_FASHION_HOME = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_CIFAR_REVISION = "0b2714987fa478483af9968de7c934580d0bb9a2"
_CIFAR_ARCHIVE = WebFile(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)


def _cifar_archive(*batches: str) -> Mirror:
    return Mirror(
        label="cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        files=[_CIFAR_ARCHIVE],
        read=cifar_batches(*(f"cifar-10-batches-bin/{batch}.bin" for batch in batches)),
    )


_IMAGES = (
    _images(
        "mnist",
        "Handwritten digits",
        {"train": 60_000, "test": 10_000},
        (1, 28, 28),
        _DIGITS,
        "https://huggingface.co/datasets/ylecun/mnist",
        "MIT (as the hub states)",
        {
            "train": (
                _hub(
                    "ylecun/mnist",
                    _MNIST_REVISION,
                    "mnist/train-00000-of-00001.parquet",
                    "f2c01285a9f89399335b00ee4e8d499dc4e46db5e39c74903ce5618d895eb3bf",
                ),
                _idx(
                    _MNIST_HOME,
                    (
                        "train-images-idx3-ubyte.gz",
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                    ),
                    (
                        "train-labels-idx1-ubyte.gz",
                        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                    ),
                ),
            ),
            "test": (
                _hub(
                    "ylecun/mnist",
                    _MNIST_REVISION,
                    "mnist/test-00000-of-00001.parquet",
                    "d49fcf556ce25b002b302e318ce4a11098bbfe5d4499c3f35d7c72297c52374b",
                ),
                _idx(
                    _MNIST_HOME,
                    (
                        "t10k-images-idx3-ubyte.gz",
                        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                    ),
                    (
                        "t10k-labels-idx1-ubyte.gz",
                        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                    ),
                ),
            ),
        },
        {},
    ),
    _images(
        "fashion_mnist",
        "Pictures of clothes, a harder stand-in for MNIST",
        {"train": 60_000, "test": 10_000},
        (1, 28, 28),
        _CLOTHES,
        "https://github.com/zalandoresearch/fashion-mnist",
        "MIT",
        {
            "train": (
                _hub(
                    "zalando-datasets/fashion_mnist",
                    "main",
                    "fashion_mnist/train-00000-of-00001.parquet",
                ),
                _idx(
                    _FASHION_HOME,
                    (
                        "train-images-idx3-ubyte.gz",
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                    ),
                    (
                        "train-labels-idx1-ubyte.gz",
                        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                    ),
                ),
            ),
            "test": (
                _hub(
                    "zalando-datasets/fashion_mnist",
                    "main",
                    "fashion_mnist/test-00000-of-00001.parquet",
                ),
                _idx(
                    _FASHION_HOME,
                    (
                        "t10k-images-idx3-ubyte.gz",
                        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                    ),
                    (
                        "t10k-labels-idx1-ubyte.gz",
                        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                    ),
                ),
            ),
        },
        {},
    ),
    _images(
        "cifar10",
        "Colour pictures of ten kinds of object",
        {"train": 50_000, "test": 10_000},
        (3, 32, 32),
        _OBJECTS,
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        _SEE,
        {
            "train": (
                _hub(
                    "uoft-cs/cifar10",
                    _CIFAR_REVISION,
                    "plain_text/train-00000-of-00001.parquet",
                    "8428b53a88a11ac374111006708df51469e315a22ac6d66470afd9c78d2ae883",
                ),
                # In the order of the hub's copy, which is that of the first archive.
                _cifar_archive(
                    "data_batch_4", "data_batch_3", "data_batch_2", "data_batch_5", "data_batch_1"
                ),
            ),
            "test": (
                _hub(
                    "uoft-cs/cifar10",
                    _CIFAR_REVISION,
                    "plain_text/test-00000-of-00001.parquet",
                    "841389e6f2d64f28bf17310e430aebac20ec3ba611a3c5e231dc93c645ce84de",
                ),
                _cifar_archive("test_batch"),
            ),
        },
    ),
    _images(
        "cifar10_lossless",
        "A tenth of CIFAR-10 as lossless PNG, 1,017 images of each batch; from a folder only",
        {"train": 5_085, "test": 1_017},
        (3, 32, 32),
        _OBJECTS,
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        _SEE,
    ),
)


# -- tables ----------------------------------------------------------------------------------------


def _table(
    name: str,
    title: str,
    shape: tuple[int, int],
    classes: tuple[str, ...],
    file: str,
    read: Reader,
    layout: str,
    homepage: str,
    url: str = "",
) -> Entry:
    rows, columns = shape
    mirrors = []
    if url:
        label = url.removeprefix("https://").removeprefix("www.")
        mirrors = [Mirror(label=label, files=[WebFile(url)], read=read)]
    return Entry(
        info=Info(
            name=name,
            title=title,
            kind="table",
            shape=(columns,),
            classes=classes,
            splits=held_out(rows),
            homepage=homepage,
            licence=_SEE,
            extra="data" if url else "",
        ),
        parts={
            "all": Part(
                name=name,
                expected=Expected(rows=rows, shape=(columns,), classes=classes),
                folder=[f"tabular/{file}"],
                read=read,
                layout=f"{layout}, {rows} rows",
                mirrors=mirrors,
            )
        },
    )


def _libsvm(name: str, title: str, shape: tuple[int, int], file: str) -> Entry:
    home = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary"
    return _table(
        name,
        title,
        shape,
        ("-1", "1"),
        f"{file}.txt",
        read_libsvm,
        "LIBSVM's format",
        f"{home}.html#{file}",
        f"{home}/{file}",
    )


def _keel(name: str, title: str, shape: tuple[int, int], classes: tuple[str, ...]) -> Entry:
    home = "https://sci2s.ugr.es/keel"
    return _table(
        name,
        title,
        shape,
        classes,
        f"keel-{name}.dat",
        read_keel,
        "comma-separated, no header, the label last",
        f"{home}/datasets.php",
        f"{home}/dataset/data/classification/{name}.zip",
    )


_CSV = "CSV with a header, the label last"
_TABLES = (
    _libsvm("a1a", "Adult: income above 50,000, binary features", (1605, 123), "a1a"),
    _libsvm("australian", "Australian credit approval", (690, 14), "australian"),
    _libsvm("pima_diabetes", "Diabetes among the Pima", (768, 8), "diabetes"),
    _libsvm("fourclass", "Four interlocking clouds, made two classes", (862, 2), "fourclass"),
    _libsvm("german", "German credit, numeric", (1000, 24), "german.numer"),
    _libsvm("ionosphere", "Radar returns from the ionosphere", (351, 34), "ionosphere_scale"),
    _libsvm("splice", "Splice junctions in DNA", (1000, 60), "splice"),
    _table(
        "heart",
        "Heart disease, Cleveland; from a folder only",
        (303, 13),
        ("0", "1"),
        "heart.csv",
        read_csv,
        _CSV,
        "https://archive.ics.uci.edu/dataset/45/heart+disease",
    ),
    _table(
        "vertebral",
        "Biomechanics of the spine; from a folder only",
        (310, 6),
        ("Abnormal", "Normal"),
        "biochem.csv",
        read_csv,
        _CSV,
        "https://archive.ics.uci.edu/dataset/212/vertebral+column",
    ),
    _keel("magic", "Gamma rays seen by a telescope", (19020, 10), ("g", "h")),
    _keel("mushroom", "Edible and poisonous mushrooms, one-hot", (5644, 98), ("e", "p")),
    _keel("letter", "Printed capital letters", (20000, 16), tuple(string.ascii_uppercase)),
    _keel("optdigits", "Handwritten digits, 8 x 8, as a table", (5620, 64), _DIGITS),
    _keel("penbased", "Digits written with a pen", (10992, 16), _DIGITS),
    _keel("satimage", "Land use seen by a satellite", (6435, 36), ("1", "2", "3", "4", "5", "7")),
)


# -- graphs ----------------------------------------------------------------------------------------


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
    files = [WebFile(url, sha256) for url, sha256 in urls]
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
            licence=_SEE,
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
_GRAPHS = (
    _planetoid(
        "cora",
        (2708, 1433),
        7,
        "Cora",
        (
            "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
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
            "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6",
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

ENTRIES = {entry.info.name: entry for entry in (*_BUNDLED, *_IMAGES, *_TABLES, *_GRAPHS)}
