"""What goes over a connection, kept and searched: a proxy that records, the forms in which a secret could be seen, and what a
connection that is encrypted must look like from its first octet to its last."""
import base64
import json
import re
import socket
import threading
import urllib.parse

from fakeldap import BIND, EXTENDED, read_tlv

START_TLS = b"1.3.6.1.4.1.1466.20037"
BIND_ANSWER, EXTENDED_ANSWER = 0x61, 0x78
HANDSHAKE_AND_DATA = {20, 21, 22, 23}  # change_cipher_spec, alert, handshake, application_data (RFC 8446, 5.1)
APPLICATION_DATA = 23


class Recorder:
    """Passes everything on to `target` and keeps it: an address and port, or the path of a socket. It listens at `at`, of the
    same kind; port 0 is any. `connections`: pairs of what went to the server and what came from it."""

    def __init__(self, at, target):
        family = socket.AF_UNIX if isinstance(at, str) else socket.AF_INET
        self.family, self.target, self.connections, self.open = family, target, [], []
        self.socket = socket.socket(family)
        self.socket.bind(at)
        self.socket.listen(20)
        self.port = None if family == socket.AF_UNIX else self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            server = socket.socket(self.family)
            try:
                server.connect(self.target)
            except OSError:
                client.close()
                continue
            pair = (bytearray(), bytearray())
            self.connections.append(pair)
            self.open += [client, server]
            for source, sink, kept in ((client, server, pair[0]), (server, client, pair[1])):
                threading.Thread(target=self._pass, args=(source, sink, kept), daemon=True).start()

    @staticmethod
    def _pass(source, sink, kept):
        """Kept before it is passed on: who got an answer finds the question here."""
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                kept.extend(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for s in (source, sink):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def streams(self):
        return [bytes(stream) for pair in self.connections for stream in pair]

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # a thread that waits in accept() is not woken by close()
        except OSError:
            pass
        for s in [self.socket] + self.open:
            s.close()


# ---- the search ----

def base64_forms(raw):
    """What stands in base64 text for these octets wherever they begin in the encoded whole, without the signs at the edges
    that depend on their neighbours."""
    found = set()
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw)
        first = (before * 8 + 5) // 6  # the first sign that is made of ours alone
        found.add(text[first:(before + len(raw)) * 8 // 6])
    return found


def forms(secret):
    """Octets that give the secret away. A BER octet string, a JSON or an SQL string hold one of these within them."""
    if isinstance(secret, bytes):
        raws = [secret]
    else:
        raws = [secret.encode(e) for e in ("utf-8", "utf-16-le", "utf-16-be", "latin-1")]
        raws += [secret.lower().encode(), secret.upper().encode()]
        raws.append(('"%s"' % secret).encode("utf-16-le"))  # unicodePwd, for the base64 of it
    found = set(raws)
    for raw in raws:
        found |= base64_forms(raw)
        found |= {raw.hex().encode(), raw.hex().upper().encode(), b"".join(b"\\%02x" % b for b in raw),
                  b"".join(b"\\x%02x" % b for b in raw), b"".join(b"%%%02X" % b for b in raw)}
        found |= {urllib.parse.quote(raw).encode(), urllib.parse.quote(raw, safe="").lower().encode()}
        found.add("".join(chr(b) if 32 < b < 127 and b not in b"\\*()" else "\\%02x" % b for b in raw).encode())  # RFC 4515
        found.add("".join(chr(b) if 32 <= b < 127 else "\\%03o" % b for b in raw).encode())  # bytea, strvis
    if isinstance(secret, str):
        found.add(json.dumps(secret)[1:-1].encode())
    assert min(len(f) for f in found) >= 8, "so short a form is found by chance"
    return found


def search(places, secrets):
    """places: name -> octets; secrets: name -> text or octets. Which secret is in which place, each once; a form whose
    (ASCII) letters have lost their case counts too."""
    found = set()
    for secret, value in secrets.items():
        patterns = [(f, re.compile(re.escape(f), re.IGNORECASE)) for f in forms(value)]
        for place, data in places.items():
            if any(f in data or p.search(data) for f, p in patterns):
                found.add((place, secret))
    return sorted(found)


def words_in(data, words):
    """Which words stand in there in the clear, whatever their case."""
    low = data.lower()
    return sorted(w for w in words if w.lower().encode() in low or w.lower().encode("utf-16-le") in low)


# ---- what an encrypted connection looks like ----

def tls_records(data):
    """The kinds of TLS records that `data` is made of, and of nothing else; the last one may be cut off."""
    kinds, at = [], 0
    while at < len(data):
        head = data[at:at + 5]
        assert head[0] in HANDSHAKE_AND_DATA and head[1:2] in (b"", b"\3") and (len(head) < 3 or head[2] <= 4), \
            "no TLS record at %d: %r" % (at, data[at:at + 40])
        kinds.append(head[0])
        at += 5 + (int.from_bytes(head[3:5], "big") if len(head) == 5 else 0)
    return kinds


def take_message(data):
    """(operation, its body, what follows) of one LDAP message."""
    tag, body, end = read_tlv(data)
    assert tag == 0x30 and end <= len(data), "no LDAP message: %r" % data[:40]
    op, content, _ = read_tlv(body, read_tlv(body)[2])
    return op, content, data[end:]


def seen_as_ldaps(question, answer):
    return tls_records(question), tls_records(answer)


def seen_as_starttls(question, answer):
    """The request for TLS and its answer, and then nothing that is no TLS."""
    op, content, rest = take_message(question)
    assert op == EXTENDED and START_TLS in content and len(content) == len(START_TLS) + 2, question[:60]
    op, _, answered = take_message(answer)
    assert op == EXTENDED_ANSWER
    return tls_records(rest), tls_records(answered)


def sealed(data, bind):
    """Binds, and then nothing but tokens with an encrypted content (RFC 4752: four octets of length before each; RFC 4121,
    4.2.6.2: 05 04, and in the flags that follow 02 for sealed)."""
    tokens = []
    while data[:1] == b"\x30":
        op, _, data = take_message(data)
        assert op == bind, "operation %02x before the connection was sealed" % op
    while len(data) >= 7:
        size = int.from_bytes(data[:4], "big")
        assert data[4:6] == b"\5\4" and data[6] & 2, "no sealed token: %r" % data[:40]
        tokens.append(APPLICATION_DATA)  # counted as the others
        data = data[4 + size:]
    return tokens


def seen_as_sealed(question, answer):
    return sealed(question, BIND), sealed(answer, BIND_ANSWER)
