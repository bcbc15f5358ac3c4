"""Peers that misbehave on purpose: a scripted LDAP server that speaks just enough BER, a proxy that delays, and one that
turns mean at a chosen moment."""

import select
import socket
import ssl
import threading
import time

BIND, SEARCH, MODIFY, ADD, ABANDON, UNBIND, EXTENDED = 0x60, 0x63, 0x66, 0x68, 0x50, 0x42, 0x77


# ---- BER (X.690), as far as LDAP needs it ----

def tlv(tag, body):
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def integer(n, tag=2):
    return tlv(tag, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def octets(s, tag=4):
    return tlv(tag, s.encode() if isinstance(s, str) else s)


def read_tlv(data, at=0):
    """(tag, body, end)"""
    tag, n, at = data[at], data[at + 1], at + 2
    if n & 0x80:
        size = n & 0x7F
        n, at = int.from_bytes(data[at:at + size], "big"), at + size
    return tag, data[at:at + n], at + n


def message(msgid, op, controls=b""):
    return tlv(0x30, integer(msgid) + op + (tlv(0xA0, controls) if controls else b""))


def result(tag, code, diagnostic=""):
    return tlv(tag, integer(code, 0x0A) + octets("") + octets(diagnostic))


def entry(dn, attrs):
    """attrs: list of (name, [values])"""
    rows = b"".join(tlv(0x30, octets(name) + tlv(0x31, b"".join(octets(v) for v in values))) for name, values in attrs)
    return tlv(0x64, octets(dn) + tlv(0x30, rows))


DONE = result(0x65, 0)

# The Notice of Disconnection (RFC 4511 4.4.1): message 0, unavailable.
GOODBYE = message(0, tlv(0x78, integer(52, 0x0A) + octets("") + octets("") + octets("1.3.6.1.4.1.1466.20036", 0x8A)))


def split_messages(data):
    """(whole messages, what is left)"""
    out, at = [], 0
    while True:
        try:
            end = read_tlv(data, at)[2]
        except IndexError:
            return out, data[at:]
        if end > len(data):
            return out, data[at:]
        out.append(data[at:end])
        at = end


def head(raw):
    """(message id, operation)"""
    _, body, _ = read_tlv(raw)
    _, msgid, at = read_tlv(body)
    return int.from_bytes(msgid, "big"), body[at]


class FakeServer:
    """Answers bind, the root entry and people_base well; `answer(conn, msgid, op, body)` does the rest and returns bytes
    to send, or None to fall back on an empty good answer. `conn` is the connection's number, from 0. With `record` an
    answer is cut into TLS records of that many bytes, which arrive together."""

    def __init__(self, answer=None, bind_code=0, tls=None, silent=False, root=True, record=None):
        self.answer, self.bind_code, self.silent, self.root, self.record = answer, bind_code, silent, root, record
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.connections, self.received = 0, b""
        self.bind_times = []  # each connection is a thread's, and two of them that add to a number may lose one
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.uri = "%s://127.0.0.1:%d" % ("ldaps" if tls else "ldap", self.port)
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def binds(self):
        return len(self.bind_times)

    def close(self):
        self.socket.close()
        for s in self.open:
            s.close()

    def _accept(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(s)
            number, self.connections = self.connections, self.connections + 1
            if not self.silent:
                threading.Thread(target=self._serve, args=(s, number), daemon=True).start()

    def _serve(self, s, number):
        try:
            if self.context:
                s = self.context.wrap_socket(s, server_side=True)
            data = b""
            while True:
                while True:
                    try:
                        _, body, end = read_tlv(data)
                        if end <= len(data):
                            break
                    except IndexError:
                        pass
                    more = s.recv(65536)
                    if not more:
                        return
                    self.received += more
                    data += more
                data = data[end:]
                out = self._one(number, body)
                if out is None:
                    return
                if out:
                    self._send(s, out)
        except OSError:
            pass
        finally:
            s.close()

    def _send(self, s, out):
        if not self.record:
            s.sendall(out)
            return
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        for at in range(0, len(out), self.record):
            s.sendall(out[at:at + self.record])
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def _one(self, number, body):
        _, raw, at = read_tlv(body)
        msgid = int.from_bytes(raw, "big")
        op, inner, _ = read_tlv(body, at)
        if op == UNBIND:
            return None
        if op == BIND:
            self.bind_times.append(time.monotonic())
            return message(msgid, result(0x61, self.bind_code))
        base = read_tlv(inner)[1].decode(errors="replace") if op in (SEARCH, MODIFY, ADD) else ""
        if op == SEARCH and base == "" and self.root:
            return message(msgid, entry("", [("supportedControl", ["1.3.6.1.1.12"])])) + message(msgid, DONE)
        if op == SEARCH and base.startswith("ou=inimesed,") and b"entryUUID" in inner and b"probe" not in inner:
            return message(msgid, entry(base, [("entryUUID", ["11111111-1111-1111-1111-111111111111"])])) + \
                message(msgid, DONE)
        out = self.answer(number, msgid, op, base) if self.answer else None
        if out is None:
            out = message(msgid, result({SEARCH: 0x65, MODIFY: 0x67, ADD: 0x69}.get(op, 0x65), 0))
        return out


class Proxy:
    """Passes bytes on to 127.0.0.1:port; server to client in pieces of `piece` bytes, and no more than `limit` of them
    for each connection. `delay` seconds between pieces."""

    def __init__(self, port, piece=65536, limit=None, delay=0.0):
        self.target, self.piece, self.limit, self.delay = port, piece, limit, delay
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.open, self.connections = [], 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.connections += 1
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.open.append(s)
            threading.Thread(target=self._pass, args=(client, server, 65536, None), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, self.piece, self.limit), daemon=True).start()

    def _pass(self, source, sink, piece, limit):
        passed = 0
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                for i in range(0, len(data), piece):
                    part = data[i:i + piece]
                    if limit is not None and passed + len(part) > limit:
                        part = part[:limit - passed]
                    if part:
                        sink.sendall(part)
                        passed += len(part)
                    if limit is not None and passed >= limit:
                        return  # stalls; the sockets stay open
                    if self.delay and piece < 65536:
                        time.sleep(self.delay)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.socket.close()
        for s in self.open:
            s.close()


class MeanProxy:
    """An honest proxy for LDAP until `deed` is set. Then each connection does that to the first request of the phase:

    silent    no answer, to this and all that follows        half      half of the answer, then the end
    trickle   the answer one byte every quarter of a second  close     the end at once
    goodbye   a Notice of Disconnection instead              garbage   bytes that are no BER instead
    huge      a length of 2 GiB instead                      promise   a length of 100 MB, and then nothing
    behind    the answer and a Notice of Disconnection, together in one write: with TLS, in one record
    together  what belongs to one answer in one write; not mean, and not only the first time

    Phases: "bind", "starttls", "modify", and "search", which leaves out the reads of a connection's bring-up. With
    `tls` (certificate, key) it speaks TLS to its clients and plain LDAP to the port behind it. `deeds` are the moments
    when it was mean."""

    INSTEAD = {"goodbye": GOODBYE, "garbage": b"\x00" * 64, "huge": b"\x30\x84\x7f\xff\xff\xff\x02\x01",
               "promise": b"\x30\x84\x06\x00\x00\x00\x02\x01\x01"}
    OPS = {"bind": BIND, "starttls": EXTENDED, "modify": MODIFY, "search": SEARCH}
    BRING_UP = 4  # the root entry, people_base, that again for its policy, our own entry

    def __init__(self, port, tls=None):
        self.target, self.phase, self.deed, self.deeds, self.connections = port, None, None, [], 0
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.uri = "%s://127.0.0.1:%d" % ("ldaps" if tls else "ldap", self.port)
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def be(self, phase=None, deed=None):
        self.phase, self.deed = phase, deed

    def close(self):
        self.socket.close()
        for s in self.open:
            s.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self.open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = None
        try:
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            server = socket.create_connection(("127.0.0.1", self.target))
            self.open += [client, server]
            _MeanConnection(self, client, server).run()
        except OSError:
            pass
        for s in (client, server):
            if s:
                s.close()


class _MeanConnection:
    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.asked, self.answered = b"", b""  # not whole yet
        self.searches, self.silent, self.mean, self.kept = 0, False, {}, {}

    def run(self):
        while True:
            buffered = self.proxy.context and self.client.pending()
            ready = [self.client] if buffered else select.select([self.client, self.server], [], [])[0]
            for s in ready:
                data = s.recv(65536)
                if not data:
                    return
                step = self._from_client if s is self.client else self._from_server
                if not step(data):
                    return

    def _mean_now(self, op):
        self.searches += op == SEARCH
        if self.proxy.deed is None or self.proxy.OPS[self.proxy.phase] != op or (op == SEARCH and self.searches <= self.proxy.BRING_UP):
            return None
        return self.proxy.deed

    def _from_client(self, data):
        if not self.asked and data[:1] != b"\x30":  # a TLS handshake, for one; the server may judge
            self.server.sendall(data)
            return True
        messages, self.asked = split_messages(self.asked + data)
        for raw in messages:
            msgid, op = head(raw)
            deed = self._mean_now(op)
            if deed and deed != "together":
                self.proxy.deeds.append(time.monotonic())
            if deed == "close":
                return False
            if deed == "silent" or deed in self.proxy.INSTEAD:
                self.client.sendall(self.proxy.INSTEAD.get(deed, b""))
                self.silent = True
            elif deed:
                self.mean[msgid] = deed
            if not self.silent:
                self.server.sendall(raw)
        return True

    def _from_server(self, data):
        messages, self.answered = split_messages(self.answered + data)
        return all(self._answer(raw) for raw in messages)

    def _answer(self, raw):
        msgid, op = head(raw)
        deed = self.mean.get(msgid)
        if self.silent:
            return True
        if deed == "half":
            self.client.sendall(raw[:len(raw) // 2])
            return False
        if deed == "trickle":
            for i in range(len(raw)):
                self.client.sendall(raw[i:i + 1])
                time.sleep(0.25)
        elif deed:
            self.kept[msgid] = self.kept.get(msgid, b"") + raw
            if op not in (0x64, 0x73, 0x79):  # that was the last
                self.client.sendall(self.kept.pop(msgid) + (GOODBYE if deed == "behind" else b""))
        else:
            self.client.sendall(raw)
        return True
