"""What holds of the package as a whole."""

import subprocess
import sys

import pytest

import provenn


def test_subpackages_are_lazy():
    code = "import sys, provenn; print([m for m in sys.modules if m.startswith('provenn.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_unknown_attribute_is_named():
    with pytest.raises(AttributeError, match="no_such_room"):
        _ = provenn.no_such_room
