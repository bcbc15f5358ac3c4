"""Fixtures that more than one file uses."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture
def town():
    from sqltown import Town
    t = Town()
    yield t
    t.close()
