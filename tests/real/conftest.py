"""Fixtures that more than one file uses."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture(params=["openldap", "389ds"])
def kind(request):
    """Of the directory server, see kinds.py. A test that is about one of them says so: @pytest.mark.parametrize("kind", ["openldap"])"""
    return request.param


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Beside a failure stands what the daemon said last."""
    report = (yield).get_result()
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            try:
                said = value.said()
            except (AttributeError, OSError, TypeError):
                continue
            report.sections.append(("the log of %s" % name, said[-6000:]))


@pytest.fixture
def town():
    from sqltown import Town
    t = Town()
    yield t
    t.close()
