"""Sets of images."""

from collections.abc import Sequence

from provenn.data.dataset import Expected
from provenn.data.download import Remote
from provenn.data.entry import Entry, Info, Mirror, Part
from provenn.data.images import cifar_batches, read_idx, read_parquet
from provenn.data.sets.shared import DIGITS, SEE

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
    home = f"https://huggingface.co/datasets/{repository}"
    return Mirror(
        label=home.removeprefix("https://"),
        files=[Remote(f"{home}/resolve/{revision}/{path}", sha256)],
        read=read_parquet,
    )


def _idx(home: str, images: tuple[str, str], labels: tuple[str, str]) -> Mirror:
    return Mirror(
        label=home.removeprefix("https://").removeprefix("http://").rstrip("/"),
        files=[Remote(home + name, sha256) for name, sha256 in (images, labels)],
        read=read_idx,
    )


_MNIST_REVISION = "77f3279092a1c1579b2250db8eafed0ad422088c"
_MNIST_HOME = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_FASHION_HOME = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_CIFAR_REVISION = "0b2714987fa478483af9968de7c934580d0bb9a2"
_CIFAR_ARCHIVE = Remote(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)


def _cifar_archive(*batches: str) -> Mirror:
    return Mirror(
        label="cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        files=[_CIFAR_ARCHIVE],
        read=cifar_batches(*(f"cifar-10-batches-bin/{batch}.bin" for batch in batches)),
    )


IMAGES = (
    _images(
        "mnist",
        "Handwritten digits",
        {"train": 60_000, "test": 10_000},
        (1, 28, 28),
        DIGITS,
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
        {
            "train": "d6a1ffeba9a96de527b2fe60adbcba78b8b568a8387a00867f5176e6f75a96ae",
            "test": "1c880c1d95aba04349d4e7d56dd774ebff5a71a922e04b0ffcd8b702aa0f4560",
        },
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
        {
            "train": "5fa868faf39f4eefe17cc5535a785e92fcc95cecedd84815222fab1b80d389da",
            "test": "d72731acac8eeff735bb510a32a1c85cf33e00eff9f94f5e243ccc0a375db05d",
        },
    ),
    _images(
        "cifar10",
        "Colour pictures of ten kinds of object",
        {"train": 50_000, "test": 10_000},
        (3, 32, 32),
        _OBJECTS,
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        SEE,
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
        SEE,
    ),
)
