"""The search that tells a watch of Active Directory when to ask (LDAP_SERVER_NOTIFICATION_OID): with it a change is heard at
once however seldom the server is asked, and without it, whatever becomes of it, the questions go on as they were. No wait here
is as long as the pause between two questions would be."""
import os
import select
import socket
import ssl
import threading

import pytest

from adtown import AdTown
from fakeldap import head, message, result, split_messages
from sambaserver import SambaServer
from pgserver import PgServer
from test_watch import all_in_r1, change, compares
from town import until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Samba runs as root only")
NOTIFY, NUMBER = b"1.2.840.113556.1.4.528", b"highestCommittedUSN"
HOURLY, OFTEN = "watch_poll_ms = 3600000", "watch_poll_ms = 500"
STANDS, DOES_NOT = "the server tells when something changed", "the server does not tell when something changed"


class Between:
    """Passes LDAP on, TLS on both sides, but for the notification search. `deed`: None, a result code that answers it,
    "silent": it never gets there, "cut": the connection ends instead. `questions`: how often it was asked whether something changed."""

    def __init__(self, samba, deed):
        self.samba, self.deed, self.searches, self.questions, self.open = samba, deed, 0, 0, []
        self.ours, self.theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=samba.ca_file)
        self.ours.load_cert_chain(*samba.certificates.issue("between", san="IP:" + samba.ip))
        self.socket = socket.create_server((samba.ip, 0))
        self.uri = "ldaps://%s:%d" % (samba.ip, self.socket.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.socket.close()
        self.cut()

    def cut(self):
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            raw = socket.create_connection((self.samba.ip, 636))
            client = self.ours.wrap_socket(client, server_side=True)
            server = self.theirs.wrap_socket(raw, server_hostname=self.samba.ip)
            self.open += [client, server]
            self._pass(client, server)
        except OSError:
            pass
        client.close()

    def _pass(self, client, server):
        rest = b""
        while True:
            ready = [s for s in (client, server) if s.pending()] or select.select([client, server], [], [])[0]
            for s in ready:
                data = s.recv(65536)
                if not data:
                    return
                if s is server:
                    client.sendall(data)
                    continue
                messages, rest = split_messages(rest + data)
                for m in messages:
                    self.questions += NUMBER in m
                    if not self._keeps(m, client):
                        server.sendall(m)

    def _keeps(self, m, client):
        if NOTIFY not in m:
            return False
        self.searches += 1
        if self.deed == "cut":
            raise OSError
        if isinstance(self.deed, int):
            client.sendall(message(head(m)[0], result(0x65, self.deed)))
        return self.deed is not None


class WakeTown(AdTown):
    def __init__(self, deed=None, **rest):
        self.deed = deed
        super().__init__(people=2, **rest)

    def servers(self):
        return SambaServer(workers=1), PgServer(migrated=True)

    def uris(self):
        self.between = Between(self.ldap, self.deed)
        return self.between.uri

    def close(self):
        self.between.close()
        super().close()


@pytest.fixture
def town(request):
    poll, deed = request.param
    yield from all_in_r1(WakeTown(deed, lines=[poll]), 2)


def found(t, n=1000, group=0):
    t.settled()
    change(t, t.group_dn(group), "add: member\nmember: " + t.dn(n))
    until(lambda: any("r%d" % group in str(f) for f in t.findings("drift_member_added")), what="the finding")
    assert compares(t) == t.compares


@pytest.mark.parametrize("town", [(HOURLY, None)], indirect=True)
def test_a_change_is_heard_at_once_however_seldom_it_is_asked(town):
    until(lambda: STANDS in town.said(), what="the search")
    found(town)
    town.told()
    found(town, group=2)
    change(town, town.group_dn(4), "add: member\nmember: " + town.dn(1001))
    until(lambda: "r4" not in town.in_groups(1001), what="the put-back")
    assert town.between.searches == 1 and DOES_NOT not in town.said()


@pytest.mark.parametrize("town", [(OFTEN, d) for d in (53, 11, 12, 0, "silent", "cut")], indirect=True)
def test_without_it_it_is_asked_as_often_as_before(town):
    found(town)
    found(town, 1001, 2)
    if town.deed != "silent":
        until(lambda: DOES_NOT in town.said(), what="the word")
    before = town.between.questions
    until(lambda: town.between.questions >= before + 5, what="questions, with nothing that changes")
    assert town.between.searches == 1, "it is not asked again and again"
    assert town.said().count(DOES_NOT) == (town.deed != "silent")
    assert "level=warning" not in town.said() and "level=error" not in town.said()


@pytest.mark.parametrize("town", [(OFTEN, 53)], indirect=True)
def test_it_is_tried_again_with_the_next_connection(town):
    until(lambda: DOES_NOT in town.said(), what="the refusal")
    town.between.deed = None
    town.between.cut()
    until(lambda: STANDS in town.said(), what="the search")
    town.settled()
    assert town.between.searches == 2
