"""The type checker that the package runs under in tests: an ``int`` is accepted as a ``float``."""

from beartype import BeartypeConf, beartype

checker = beartype(conf=BeartypeConf(is_pep484_tower=True))
