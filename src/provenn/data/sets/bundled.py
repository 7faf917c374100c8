"""Sets that come with scikit-learn."""

from provenn.data.entry import Entry, Info
from provenn.data.sets.shared import DIGITS, SEE, held_out

_UCI = "CC BY 4.0 (UCI Machine Learning Repository)"


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


BUNDLED = (
    _bundled("digits", "Handwritten digits, 8 x 8, 17 grey levels", 1797, (1, 8, 8), DIGITS),
    _bundled(
        "breast_cancer",
        "Wisconsin breast cancer (diagnostic)",
        569,
        (30,),
        ("malignant", "benign"),
    ),
    _bundled("wine", "Wines of three growers", 178, (13,), ("class_0", "class_1", "class_2")),
    _bundled("iris", "Fisher's irises", 150, (4,), ("setosa", "versicolor", "virginica")),
    _bundled("diabetes", "Progression of diabetes (regression)", 442, (10,), (), SEE),
)
