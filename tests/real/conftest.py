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
def early():
    """early(arrange): a town in which arrange(town, moment) was through before that moment came, and it has come since. Where
    the database took longer than there was time nothing can be said of it, and a later moment is taken in another town."""
    import psycopg2
    from sqltown import Town
    made = []

    def start(arrange):
        for lead in (0.3, 3, 30):
            t = Town()
            made.append(t)
            moment = t.one("SELECT clock_timestamp() + %s * interval '1 second'", lead)
            wrong = None
            try:
                arrange(t, moment)
            except (AssertionError, psycopg2.Error) as e:
                wrong = e
            in_time = t.one("SELECT clock_timestamp() < %s", moment)
            if in_time and wrong:
                raise wrong
            if in_time:
                t.rows("SELECT pg_sleep_until(%s)", moment)
                return t
        raise AssertionError("half a minute was not enough")

    yield start
    for t in made:
        t.close()


@pytest.fixture
def town():
    from sqltown import Town
    t = Town()
    yield t
    t.close()
