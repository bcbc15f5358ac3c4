"""What `meson install` puts where, and that what it puts there works: unit, user, folders, man pages, completion."""

import os
import re
import shutil
import stat
import subprocess

import pytest

import chapter
from conftest import install

BUILD = os.environ["PAASLA_BUILD"]
FILES = {  # and the SQL
    "etc/paasla/paasla.conf": 0o644,
    "usr/bin/paaslactl": 0o755,
    "usr/sbin/paaslad": 0o755,
    "usr/lib/systemd/system/paaslad.service": 0o644,
    "usr/lib/sysusers.d/paasla.conf": 0o644,
    "usr/lib/tmpfiles.d/paasla.conf": 0o644,
    "usr/share/bash-completion/completions/paaslactl": 0o644,
    "usr/share/doc/paasla/README.md": 0o644,
    "usr/share/doc/paasla/examples/paasla.conf": 0o644,
    "usr/share/man/man1/paaslactl.1": 0o644,
    "usr/share/man/man5/paasla.conf.5": 0o644,
    "usr/share/man/man8/paaslad.8": 0o644,
    "usr/share/zsh/vendor-completions/_paaslactl": 0o644,
}
MAN = sorted(name for name in FILES if "/man/" in name)
EXPOSURE = 15  # tenths, of `systemd-analyze security`


def run(*command, codes=(0,), **options):
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, **options)
    text = p.stdout.decode("utf-8", errors="replace")
    assert p.returncode in codes, "%s: %d\n%s" % (" ".join(command), p.returncode, text)
    return text


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def found(root):
    return {os.path.relpath(os.path.join(folder, name), root): stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode)
            for folder, _, names in os.walk(root) for name in names}


# ---- files ----

def test_exactly_these_files(root):
    expected = dict(FILES)
    for kind in ("migrations", "queries"):
        for name in os.listdir(os.path.join(chapter.TREE, "sql", kind)):
            expected["usr/share/paasla/sql/%s/%s" % (kind, name)] = 0o644
    assert found(root) == expected
    assert os.listdir(os.path.join(root, "etc/paasla/secret")) == []
    assert stat.S_IMODE(os.stat(os.path.join(root, "etc/paasla/secret")).st_mode) == 0o700
    for name in ("migrations/0001_base.sql", "queries/ctl_status.sql"):
        assert read(root, "usr/share/paasla/sql", name) == read(chapter.TREE, "sql", name)


def test_no_file_names_the_folder_it_was_built_in(root):
    for name in found(root):
        with open(os.path.join(root, name), "rb") as f:
            text = f.read()
        if not text.startswith(b"\x7fELF"):  # programs name their sources, for the debugger
            assert os.path.realpath(BUILD).encode() not in text, name
            assert root.encode() not in text, name


@pytest.mark.parametrize("how", ["edited", "empty", "nowhere"])
def test_a_configuration_that_is_there_stays(folder, how):
    root = folder("again")
    conf = os.path.join(root, "etc/paasla/paasla.conf")
    os.makedirs(os.path.dirname(conf))
    if how == "nowhere":
        os.symlink("/etc/elsewhere/paasla.conf", conf)
    else:
        with open(conf, "w", encoding="ascii") as f:
            f.write("# mine\n" if how == "edited" else "")
        os.chmod(conf, 0o640)
    before = os.lstat(conf)
    install(BUILD, root)
    after = os.lstat(conf)
    assert (before.st_ino, before.st_mtime_ns, before.st_mode) == (after.st_ino, after.st_mtime_ns, after.st_mode)
    assert not os.path.exists(conf) or read(conf) == ("# mine\n" if how == "edited" else "")
    assert read(root, "usr/share/doc/paasla/examples/paasla.conf") == read(chapter.TREE, "conf/paasla.conf")


def test_the_sample_is_a_configuration(root, tmp_path):
    """As it stands, and with README's lines."""
    sample = read(root, "etc/paasla/paasla.conf")
    for text in (sample, chapter.edit_conf(sample, "directory linn", chapter.settings())):
        conf = tmp_path / "paasla.conf"
        conf.write_text(text, encoding="utf-8")
        assert "is in order: directories: 1" in run(os.path.join(root, "usr/sbin/paaslad"), "-t", "-c", str(conf))
    assert "/etc/paasla/paasla.conf" in run(os.path.join(root, "usr/sbin/paaslad"), "--help")


# ---- systemd ----

@pytest.fixture
def machine(root, folder):
    """The tree with the host's targets beside it, so that systemd's own tools can look at the unit."""
    path = os.path.join(folder("machine"), "root")
    shutil.copytree(root, path, symlinks=True)
    os.chmod(path, 0o755)
    for name in os.listdir("/usr/lib/systemd/system"):
        if name.endswith(".target"):
            shutil.copy(os.path.join("/usr/lib/systemd/system", name), os.path.join(path, "usr/lib/systemd/system"))
    os.makedirs(os.path.join(path, "bin"), exist_ok=True)
    shutil.copy("/bin/kill", os.path.join(path, "bin"))
    return path


def unit(machine):
    return os.path.join(machine, "usr/lib/systemd/system/paaslad.service")


def change(path, old, new):
    text = read(path)
    assert text.count(old) == 1
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))


def verify(machine, **options):
    return run("systemd-analyze", "verify", "--man=no", "--root=" + machine, "paaslad.service", **options)


def security(machine, codes=(0,)):
    return run("systemd-analyze", "security", "--offline=true", "--threshold=%d" % EXPOSURE, "--no-pager",
               "--root=" + machine, "paaslad.service", codes=codes)


def test_unit_is_understood(machine):
    assert verify(machine) == ""


@pytest.mark.parametrize("old, new, says", [
    ("ProtectSystem=strict", "ProtectSystem=yess", "protect system"), ("RestartSec=", "RestartSecs=", "RestartSecs"),
    ("ExecStart=/usr/sbin/paaslad\n", "ExecStart=/usr/bin/paaslad\n", "is not executable")])
def test_a_mistake_in_the_unit_is_seen(machine, old, new, says):
    change(unit(machine), old, new)
    assert says in verify(machine, codes=(0, 1))


def test_unit_is_hardened(machine):
    said = security(machine)
    assert float(re.search(r"Overall exposure level for paaslad\.service: ([0-9.]+)", said)[1]) <= EXPOSURE / 10


def test_a_softer_unit_is_seen(machine):
    change(unit(machine), "CapabilityBoundingSet=\n", "CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_DAC_OVERRIDE\n")
    security(machine, codes=(1,))


def test_unit_says_what_the_daemon_relies_on(root):
    """What neither of systemd's own checks looks at."""
    lines = read(unit(root)).split("\n")
    for line in ("Type=notify", "User=paasla", "ExecStartPre=/usr/sbin/paaslad -t", "ExecReload=/bin/kill -HUP $MAINPID",
                 "Restart=on-failure", "StateDirectory=paasla paasla/first", "RuntimeDirectory=paasla",
                 "LoadCredential=secret:/etc/paasla/secret", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
                 "After=network-online.target postgresql.service slapd.service", "LimitCORE=0"):
        assert line in lines, line
    assert any(line.startswith("WatchdogSec=") for line in lines)
    assert not [line for line in lines if line.startswith(("Requires=", "BindsTo=", "EnvironmentFile=", "SetCredential="))]


def test_user_and_folders(machine):
    names = read(machine, "usr/lib/tmpfiles.d/paasla.conf")
    if os.geteuid() != 0:  # making users and giving folders away is root's
        assert "paasla" in run("systemd-sysusers", "--dry-run", "--root=" + machine, "paasla.conf")
        assert names.count("\nd ") == 4
        return
    os.makedirs(os.path.join(machine, "etc"), exist_ok=True)
    run("systemd-sysusers", "--root=" + machine, "paasla.conf")
    user, = [line.split(":") for line in read(machine, "etc/passwd").split("\n") if line.startswith("paasla:")]
    assert user[5:] == ["/var/lib/paasla", "/usr/sbin/nologin"]
    shadow, = [line.split(":") for line in read(machine, "etc/shadow").split("\n") if line.startswith("paasla:")]
    assert shadow[1].startswith("!")
    run("systemd-tmpfiles", "--create", "--root=" + machine, "paasla.conf")
    for path, mode, owner in (("etc/paasla", 0o755, 0), ("etc/paasla/secret", 0o700, 0),
                              ("var/lib/paasla", 0o700, int(user[2])), ("var/lib/paasla/first", 0o700, int(user[2]))):
        st = os.stat(os.path.join(machine, path))
        assert (stat.S_IMODE(st.st_mode), st.st_uid) == (mode, owner), path
    os.chmod(os.path.join(machine, "etc/paasla/secret"), 0o755)  # what slipped is put back at the next boot
    run("systemd-tmpfiles", "--create", "--root=" + machine, "paasla.conf")
    assert stat.S_IMODE(os.stat(os.path.join(machine, "etc/paasla/secret")).st_mode) == 0o700
