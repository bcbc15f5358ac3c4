"""Attributes that Active Directory gives in parts: read to the end, or not believed. The server is scripted, because Samba
gives parts only to those who ask for them."""
import re

import pytest

from fakeldap import DONE, SEARCH, FakeServer, entry, message, octets, read_tlv, result, tlv
from test_dir import fake, run  # noqa: F401 (a fixture)

GROUP = "cn=suur,ou=grupid,dc=linn,dc=test"
PART = 1500


def asked(inner):
    """The attributes that a search asks for (RFC 4511 section 4.5.1: the eighth field)."""
    at, fields = 0, []
    while at < len(inner):
        tag, body, at = read_tlv(inner, at)
        fields.append(body)
    names, at = [], 0
    while at < len(fields[7]):
        _, body, at = read_tlv(fields[7], at)
        names.append(body.decode())
    return names


class Directory(FakeServer):
    """One group of `members`; `before(n)` is called before the nth search is answered and may change things, or answer."""

    def __init__(self, members, before=None, part=PART):
        self.members, self.version, self.before, self.part = list(members), 100, before, part
        self.searches = []
        super().__init__()

    def _one(self, number, body):
        _, raw, at = read_tlv(body)
        op, inner, _ = read_tlv(body, at)
        if op != SEARCH or not read_tlv(inner)[1].decode().startswith("cn=suur"):
            return super()._one(number, body)
        msgid, names = int.from_bytes(raw, "big"), asked(inner)
        self.searches.append(names)
        said = self.before(self, len(self.searches)) if self.before else None
        if said is None:
            said = [entry(GROUP, self.attrs(names)), DONE]
        return b"".join(message(msgid, x) for x in said)

    def attrs(self, names):
        out = []
        for name in names:
            found = re.fullmatch(r"(?i)member(?:;range=(\d+)-\*)?", name)
            if name == "uSNChanged":
                out.append((name, [str(self.version)]))
            elif name == "cn":
                out.append((name, ["suur"]))
            elif found:
                out += self.slice(int(found.group(1) or 0), bool(found.group(1)))
        return out

    def slice(self, low, ranged):
        values = self.members[low:low + self.part]
        if not values and not ranged:
            return []
        last = low + len(values) >= len(self.members)
        if last and not ranged:
            return [("member", values)]
        name = "member;Range=%d-%s" % (low, "*" if last else low + len(values) - 1)
        return [("member", []), (name, values)] if not ranged else [(name, values)]


def members(n):
    return ["cn=p%d,dc=linn,dc=test" % i for i in range(n)]


def read(run, tmp_path, peer, **more):  # noqa: F811
    h = run(**fake(tmp_path, peer))
    h.up()
    got = h.ask("search", 1, base=GROUP, attrs=["cn", "member"], **more)
    peer.close()
    return got, h.entries(1)


@pytest.mark.parametrize("n", [0, 1, 1500, 1501, 3000, 3001, 6000, 40000])
def test_all_parts(run, tmp_path, n):  # noqa: F811
    peer = Directory(members(n))
    got, entries = read(run, tmp_path, peer)
    assert got["complete"] and len(entries) == 1
    attrs = entries[0]["attrs"]
    assert attrs["cn"] == ["suur"] and attrs.get("member", []) == members(n)
    assert set(attrs) <= {"cn", "member"}
    assert len(peer.searches) == (1 if n <= PART else 3 + -(-n // PART))


def test_somebody_changes_the_group_meanwhile(run, tmp_path):  # noqa: F811
    """Once: all of it is read again. With every part: the read says that it is not whole, and shows nothing."""
    def once(d, n):
        if n == 4:
            d.version, d.members = 101, d.members[:1000] + d.members[1001:]
    peer = Directory(members(4000), once)
    got, entries = read(run, tmp_path, peer)
    assert got["complete"] and entries[0]["attrs"]["member"] == members(1000) + members(4000)[1001:]

    def always(d, n):
        d.version += 1
    got, entries = read(run, tmp_path, Directory(members(4000), always))
    assert got == {"event": "result", "req": 1, "code": 0, "complete": False} and not entries


def shrinks(d, n):
    if n == 4:
        d.version, d.members = 101, d.members[:10]


def test_the_group_shrinks_below_the_next_part(run, tmp_path):  # noqa: F811
    got, entries = read(run, tmp_path, Directory(members(4000), shrinks))
    assert got["complete"] and entries[0]["attrs"]["member"] == members(10)


def cut(n, *said):
    """The nth search is answered so."""
    return lambda d, k: [x(d) if callable(x) else x for x in said] if k == n else None


BROKEN = {
    "the version cannot be read": cut(2, entry(GROUP, []), DONE),
    "the group is gone before the parts": cut(2, result(0x65, 32)),
    "a part is refused": cut(4, result(0x65, 51)),
    "a part is cut short": cut(4, lambda d: entry(GROUP, d.slice(1500, True)), result(0x65, 4)),
    "a part is without an entry": cut(4, DONE),
    "a part begins elsewhere": cut(4, entry(GROUP, [("member;range=1501-3000", ["x"] * 1500)]), DONE),
    "a part holds less than it says": cut(4, entry(GROUP, [("member;range=1500-2999", ["x"] * 1499)]), DONE),
    "a part says nothing of its end": cut(4, entry(GROUP, [("member;range=1500", ["x"])]), DONE),
    "a part with a number that is none": cut(4, entry(GROUP, [("member;range=1500-29999999999999999999", ["x"])]), DONE),
    "an endless part of nothing": cut(4, entry(GROUP, [("member;range=1500-1499", [])]), DONE),
    "two entries": cut(4, lambda d: entry(GROUP, d.slice(1500, True)), lambda d: entry(GROUP, d.slice(1500, True)), DONE),
    "the version is gone at the end": cut(6, entry(GROUP, []), DONE),
    "two attributes in parts": cut(1, entry(GROUP, [("member;range=0-1499", ["x"] * 1500), ("url;range=0-9", ["y"] * 10)]), DONE),
    "the first answer is cut short": cut(1, lambda d: entry(GROUP, d.slice(0, False)), result(0x65, 4)),
    "a part elsewhere": cut(1, lambda d: entry(GROUP, d.slice(0, False)), tlv(0x73, octets("ldap://mujal.test/")), DONE),
    "a range that nobody understands": cut(1, entry(GROUP, [("member;range=x", ["x"])]), DONE),
}


@pytest.mark.parametrize("what", BROKEN)
def test_not_whole_is_said(run, tmp_path, what):  # noqa: F811
    peer = Directory(members(4000), BROKEN[what])
    got, entries = read(run, tmp_path, peer)
    if what == "a range that nobody understands":
        assert got["complete"] and entries[0]["attrs"]["member"] == members(4000), "asked again in our own words"
    else:
        assert not got["complete"] and (not entries or what == "a part elsewhere")


def test_long_reads_in_pages_are_not_asked_on(run, tmp_path):  # noqa: F811
    got, entries = read(run, tmp_path, Directory(members(4000)), paged=True)
    assert not got["complete"]
