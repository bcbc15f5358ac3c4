"""The installed tree, and the helpers of tests/real."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "real")]


def install(build, root):
    options = subprocess.run(["meson", "introspect", "--buildoptions", build], check=True, stdout=subprocess.PIPE).stdout
    prefix, = [o["value"] for o in json.loads(options) if o["name"] == "prefix"]
    assert prefix == "/usr", "%s was set up for %s; remove it, so that it is made anew with the defaults" % (build, prefix)
    return subprocess.run(["meson", "install", "--no-rebuild", "-C", build], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=dict(os.environ, DESTDIR=str(root))).stdout.decode()


@pytest.fixture(scope="session")
def folder():
    """Makes folders that everybody may enter: the daemon is another user, and pytest's own folders keep such out."""
    made = []

    def make(name):
        path = tempfile.mkdtemp(prefix="paasla-%s-" % name)
        os.chmod(path, 0o755)
        made.append(path)
        return path

    yield make
    for path in made:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def root(folder):
    """What `meson install` makes of an empty folder. Tests change nothing in it."""
    path = folder("root")
    install(os.environ["PAASLA_BUILD"], path)
    return path
