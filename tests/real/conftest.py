"""Fixtures that more than one file uses."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture(params=["openldap", "389ds"])
def kind(request):
    """Of the directory server, see kinds.py. A test that is about one of them says so: @pytest.mark.parametrize("kind", ["openldap"])"""
    return request.param


@pytest.fixture
def town():
    from sqltown import Town
    t = Town()
    yield t
    t.close()
