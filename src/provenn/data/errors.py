"""The one error that reading or fetching data raises."""


class DataError(Exception):
    """A data set is missing, damaged or not what its name says; the message says what to do."""
