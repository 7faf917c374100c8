"""Tables."""

import string

from provenn.data.dataset import Expected, Reader
from provenn.data.download import Remote
from provenn.data.entry import Entry, Info, Mirror, Part
from provenn.data.sets.shared import DIGITS, SEE, held_out
from provenn.data.tables import read_csv, read_keel, read_libsvm


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
        mirrors = [Mirror(label=label, files=[Remote(url)], read=read)]
    return Entry(
        info=Info(
            name=name,
            title=title,
            kind="table",
            shape=(columns,),
            classes=classes,
            splits=held_out(rows),
            homepage=homepage,
            licence=SEE,
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
TABLES = (
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
    _keel("optdigits", "Handwritten digits, 8 x 8, as a table", (5620, 64), DIGITS),
    _keel("penbased", "Digits written with a pen", (10992, 16), DIGITS),
    _keel("satimage", "Land use seen by a satellite", (6435, 36), ("1", "2", "3", "4", "5", "7")),
)
