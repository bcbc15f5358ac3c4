"""What is deleted while the watch is cut, on a slapd with a session log: it tells that by syncIdSet (RFC 4533 2.5), and
nothing else does - the daemon compares nothing, for the watch is resumed where it had ended."""
import select
import socket
import threading

import pytest

from ldapserver import SlapdServer
from pgserver import PgServer
from test_watch import all_in_r1, change, compares
from town import Town, until


class Gate:
    """Hands bytes on to a port of this machine, as long as it is open; shutting it ends all that went through."""

    def __init__(self, port):
        self.target, self.is_open, self.pairs, self.lock = port, True, [], threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.uri = "ldap://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:  # whoever is let in before it is shut is among those that it ends
                if not self.is_open:
                    client.close()
                    continue
                try:
                    pair = client, socket.create_connection(("127.0.0.1", self.target))
                except OSError:  # nobody listens there at the moment
                    client.close()
                    continue
                self.pairs.append(pair)
            threading.Thread(target=self._pass, args=(pair,), daemon=True).start()

    @staticmethod
    def _pass(pair):
        try:
            while True:
                for s in select.select(pair, [], [])[0]:
                    data = s.recv(65536)
                    if not data:
                        return
                    pair[s is pair[0]].sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            for s in pair:
                s.close()

    def shut(self):
        with self.lock:
            self.is_open = False
            for pair in self.pairs:
                for s in pair:
                    try:
                        s.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
            self.pairs.clear()

    def open(self):
        self.is_open = True

    def close(self):
        self.socket.close()
        self.shut()


class GateTown(Town):
    def servers(self):
        server = SlapdServer(tls=False, sessionlog=100)
        self.gate = Gate(server.port)
        return server, PgServer(migrated=True)

    def uris(self):
        return self.gate.uri

    def close(self):
        try:
            super().close()
        finally:
            self.gate.close()

    def away(self):
        """From here on the daemon hears nothing, and knows it."""
        said = len(self.said())
        self.gate.shut()
        until(lambda: "the connection was lost" in self.said()[said:], what="the loss")

    def back(self):
        said = len(self.said())
        self.gate.open()
        until(lambda: "live watch: resumed where it had ended" in self.said()[said:], what="the watch")


@pytest.fixture
def town():
    yield from all_in_r1(GateTown(people=5), 5)


def delete(town, *dns):
    town.ldap._tool("ldapdelete", *dns)


def lost(town):
    return sorted(no for no, in town.sql(
        "SELECT n.employee_no FROM paasla.finding f JOIN paasla.employee_number n USING (person_id)"
        " WHERE f.kind = 'account_lost' AND f.state = 'open'"))


def test_an_account_deleted_while_the_watch_was_cut_is_found_by_the_watch(town):
    dn = town.dn(1003)
    town.away()
    delete(town, dn)
    town.back()
    until(lambda: lost(town) == ["1003"], what="the finding")
    town.settled()
    assert compares(town) == town.compares
    assert town.account(1003, "state") == "lost"


def test_several_at_once_and_what_changed_beside_them(town):
    """One message names them all; the entries that changed follow it."""
    gone, changed = [town.dn(n) for n in (1001, 1002, 1004)], town.dn(1000)
    town.away()
    delete(town, *gone)
    change(town, town.group_dn(4), "add: member\nmember: " + changed)
    town.back()
    until(lambda: lost(town) == ["1001", "1002", "1004"], what="the findings")
    until(lambda: "r4" not in town.in_groups(1000), what="the put-back")
    town.settled()
    assert compares(town) == town.compares


def test_a_group_deleted_while_the_watch_was_cut_is_found_without_a_compare(town):
    town.away()
    delete(town, town.group_dn(1))
    town.back()
    until(lambda: town.findings("group_missing") or town.sql("SELECT 1 FROM paasla.finding WHERE kind LIKE 'drift%%'"), what="a finding")
    assert compares(town) == town.compares


def test_without_a_session_log_everything_is_compared(town):
    """The present phase names what is left, and the daemon keeps no list to take that from: the other meaning of the set.
    The log is in memory, so a slapd that was started again has none of what was before."""
    town.away()
    delete(town, town.dn(1003))
    town.ldap.stop()
    town.ldap.start()
    town.back()
    until(lambda: lost(town) == ["1003"], what="the finding")
    until(lambda: compares(town) > town.compares, what="the compare")
