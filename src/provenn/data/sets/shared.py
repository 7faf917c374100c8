"""What the lists of data sets share."""

DIGITS = tuple("0123456789")
SEE = "see the homepage"


def held_out(rows: int) -> dict[str, int]:
    """Sizes of the fixed split of a set that was published without one: a fifth is for test."""
    test = -(-rows // 5)
    return {"train": rows - test, "test": test}
