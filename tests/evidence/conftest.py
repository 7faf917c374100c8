"""Fixtures for tests that run trials in this process."""

import gc

import pytest


@pytest.fixture(scope="module")
def spared_heap():
    """Every meter collects garbage: spare it the libraries' objects, which takes its time."""
    gc.freeze()
    yield
    gc.unfreeze()
