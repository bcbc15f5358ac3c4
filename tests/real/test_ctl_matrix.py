"""The matrix as a file: what Excel and a browser make of it, whatever stands in names."""
import base64
import csv
import datetime
import hashlib
import html.parser
import io
import os
import re
import stat
import time
import zoneinfo

import pytest

from test_ctl_people import NO_DB, OK, REFUSED, USAGE, as_, run

UNSEEN = "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
# What may be written somewhere, and how it is shown where it is not taken as it is.
HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</textarea></td></tr></table>", "&lt;&amp;&#x27;", "<!-- -->",
    ";\"=cmd|' /C calc'!A0\"", "=1+1", "+372 5555", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "  =1+1", "rida 1\nrida 2", "a\r\nb",
    "\u202ekood\u202c", "\u200f", "\x1b[2J", "\ufeffx", "Õnne-Liis Žukova-Šmidt", "日本 𝕏", "", "  ", "%s%n", "\\n", "a;b,c\td", "'", '"', '""',
]


def shown(text):
    """As a reader sees it: lines stay, what one cannot see is written out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(UNSEEN, lambda m: "\\x%02x" % ord(m[0]) if ord(m[0]) < 128 else "\\u%04x" % ord(m[0]), text)


def neutral(text):
    return ("'" if text.lstrip(" ")[:1] in tuple("=+-@\t\r\n＝＋－＠") else "") + shown(text)


def read_csv(raw):
    assert raw.startswith(b"\xef\xbb\xbf") and raw.count(b"\xef\xbb\xbf") == 1, "one mark, at the beginning"
    text = raw.decode("utf-8-sig")
    assert text.endswith('"\r\n') and not re.search('(?<!\r)\n(?=")', text.replace('"\r\n"', "")), "lines end with CRLF"
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))


class Page(html.parser.HTMLParser):
    """The table of the page, and everything that could ask for something outside."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.rows, self.tags, self.texts, self.stack, self.attributes = [], [], {}, [], []
        self.feed(text)
        self.close()
        assert self.stack == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, k, v) for k, v in attrs]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in ("meta", "input"):
            self.stack.append((tag, dict(attrs).get("class")))

    def handle_endtag(self, tag):
        assert self.stack and self.stack[-1][0] == tag, (tag, self.stack)
        self.stack.pop()

    def handle_data(self, data):
        if self.stack:
            self.texts.setdefault(self.stack[-1][0], []).append(data)
        if self.rows and any(t in ("td", "th") for t, _ in self.stack) and ("span", "code") not in self.stack:
            self.rows[-1][-1] += ("\n" if self.stack[-1][0] == "small" else "") + data


@pytest.fixture
def full(town):
    """A town with hostile units, positions, role names and contacts; names of people cannot hold what is not seen."""
    town.grant("1042", "PABER", "vaataja", valid_until=town.one("SELECT '2099-07-01 00:00 Europe/Tallinn'::timestamptz"))
    town.grant("1042")
    town.grant("1001")
    town.rows("SELECT paasla.file_request('KK-9', '1001')", user="grantor")
    town.rows("SELECT paasla.approve_request('KK-9')", user="approver")
    town.one("SELECT paasla.grant_access('1042', 'JUUR', 'juur', 'KK-9', 'valve', '2099-12-31 12:00 Europe/Tallinn')", user="grantor")
    return town


def test_csv(full):
    admin = as_(full, "admin")
    rows = read_csv(admin("matrix", "--csv").raw)
    assert rows[0] == ["Nimi", "Number", "Asutus", "Üksus", "Ametikoht", "JUUR: Juurõigus", "KAUST: Kaustad", "PABER: Paberregister"]
    assert rows[1:] == [
        ["Tamm, Mari", "LV/1042", "Linnavalitsus", "", "", "juur (eelisõigus), kuni 31.12.2099, veel registrisse lisamata", "lugeja",
         "vaataja, kuni 30.06.2099, veel registrisse lisamata"],
        ["Ülem, Anu", "LV/1001", "Linnavalitsus", "", "", "", "lugeja", ""]], "in the order of Estonian letters"
    assert admin("matrix", "--csv", "-").raw == admin("matrix", "--csv").raw
    one = read_csv(admin("matrix", "--csv", "--register", "KAUST").raw)
    assert [r[5:] for r in one] == [["KAUST: Kaustad"], ["lugeja"], ["lugeja"]]
    assert len(read_csv(admin("matrix", "--csv", "--person", "1001").raw)[0]) == 6, "for one person only where there is a right"
    assert len(read_csv(admin("matrix", "--csv", "--institution", "LA").raw)) == 1
    close = "SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order"
    full.rows(close, user="grantor")
    assert "lisamata" not in admin("matrix", "--csv").out


@pytest.mark.parametrize("value", HOSTILE)
def test_csv_takes_anything(full, value):
    full.rows("UPDATE paasla.employment SET unit = %s, position = %s WHERE employee_no = '1042'", value, value)
    full.rows("UPDATE paasla.register_role SET name = %s WHERE role_code = 'lugeja'", value)
    raw = as_(full, "admin")("matrix", "--csv").raw
    rows = read_csv(raw)
    assert [len(r) for r in rows] == [8, 8, 8], "nothing falls into the next cell or line"
    assert rows[1][3:5] == [neutral(value)] * 2 and rows[1][6] == rows[2][6] == neutral(value)
    for cell in sum(rows, []):
        assert not cell.strip(" ") or cell.lstrip(" ")[0] not in "=+-@\t\r\n＝＋－＠", cell
    assert not re.search(UNSEEN, raw.decode("utf-8-sig"))


def test_csv_names(full):
    for n, (given, family) in enumerate([("=cmd|' /C calc'!A0", "@Kask"), ("<b>Mari</b>", "-1+1"), ("Jüri;\"Õun\"", "+Õ'Neil")]):
        full.hire(str(7000 + n), given, family)
        full.grant(str(7000 + n))
    names = [r[0] for r in read_csv(as_(full, "admin")("matrix", "--csv").raw)[1:]]
    assert {"'@Kask, =cmd|' /C calc'!A0", "'-1+1, <b>Mari</b>", "'+Õ'Neil, Jüri;\"Õun\""} <= set(names)


def test_page(full):
    full.rows("INSERT INTO paasla.db_login SELECT 'admin', person_id FROM paasla.employee_number WHERE employee_no = '1001'")
    def hour():
        return datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Tallinn")).strftime("%d.%m.%Y %H:")
    before = hour()
    text = as_(full, "admin")("matrix", "--html").out
    page = Page(text)
    assert page.rows[0] == ["Nimi", "Töökoht", "JUUR\nJuurõigus\n1 inimene", "KAUST\nKaustad\n2 inimest", "PABER\nPaberregister\n1 inimene"]
    assert [[c.strip() for c in r] for r in page.rows[1:]] == [
        ["Tamm, Mari\nLV/1042", "Linnavalitsus", "juur (eelisõigus), kuni 31.12.2099, veel registrisse lisamata", "lugeja",
         "vaataja, kuni 30.06.2099, veel registrisse lisamata"],
        ["Ülem, Anu\nLV/1001", "Linnavalitsus", "", "lugeja", ""]]
    said = " ".join(sum(page.texts.values(), []))
    assert page.texts["time"][0][:14] in (before, hour())
    assert "Anu Ülem" in page.texts["b"] and "kasutaja admin" in re.sub(r"\s+", " ", said)
    assert "2 inimest, 3 registrit, 4 õigust" in said and "See ei ole kogu" not in said
    assert ("html", "lang", "et") in page.attributes and page.texts["title"] == ["Pääsuõiguste maatriks"]
    part = Page(as_(full, "admin")("matrix", "--html", "--register=KAUST", "--institution", "LV").out)
    told = re.sub(r"\s+", " ", " ".join(sum(part.texts.values(), [])))
    assert "See ei ole kogu maatriks:" in told and "ainult register KAUST, asutus LV." in told and "1 register, 2 õigust" in told


def test_the_page_asks_for_nothing_and_runs_only_our_script(full):
    text = as_(full, "admin")("matrix", "--html").out
    page = Page(text)
    assert not set(page.tags) & {"link", "img", "iframe", "object", "embed", "base", "form", "a", "svg", "video", "audio"}
    assert not [a for a in page.attributes if a[1] in ("src", "href", "action", "srcdoc") or a[1].startswith("on")]
    assert "http:" not in text and "https:" not in text and "url(" not in text and "@import" not in text
    policy = [v for _, k, v in page.attributes if k == "content" and "default-src" in v][0]
    assert policy.startswith("default-src 'none'; ") and "'unsafe-inline'" not in policy.split("script-src")[1]
    assert page.tags.count("script") == 1
    digest = base64.b64encode(hashlib.sha256("".join(page.texts["script"]).encode()).digest()).decode()
    assert "script-src 'sha256-%s'" % digest in policy, "else the browser does not run it"
    style = "".join(page.texts["style"])
    assert style.count("position: sticky") == 2 and "@media print" in style and "table-header-group" in style


@pytest.mark.parametrize("value", HOSTILE)
def test_page_takes_anything(full, value):
    full.rows("UPDATE paasla.employment SET unit = %s WHERE employee_no = '1042'", value)
    full.rows("UPDATE paasla.register_role SET name = %s WHERE role_code = 'lugeja'", value)
    said = as_(full, "admin")("matrix", "--html")
    page = Page(said.out)
    assert [len(r) for r in page.rows] == [5, 5, 5] and page.tags.count("script") == 1
    where = page.rows[1][1].rsplit("Linnavalitsus", 1)[0]
    assert where == (shown(value) + "\n" if value else "")
    assert page.rows[2][3] == " " + shown(value) == page.rows[1][3]
    assert not re.search(UNSEEN, said.out)
    assert {t for t in page.tags} <= {"html", "head", "meta", "title", "style", "body", "h1", "p", "time", "b", "div", "label", "input",
                                      "output", "table", "thead", "tbody", "tr", "th", "td", "small", "span", "script"}


def test_page_names(full):
    full.hire("7000", "<script>alert(1)</script>", "O'Neil & \"Pojad\"")
    full.grant("7000")
    page = Page(as_(full, "admin")("matrix", "--html").out)
    assert "O'Neil & \"Pojad\", <script>alert(1)</script>\nLV/7000" in [r[0] for r in page.rows]


def test_files(full, tmp_path):
    admin = as_(full, "admin")
    os.umask(0o022)
    for option, check in (("--csv", read_csv), ("--html", lambda raw: Page(raw.decode()))):
        path = tmp_path / ("m" + option)
        assert admin("matrix", option, path).raw == b""
        check(path.read_bytes())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.write_text("old")
        path.chmod(0o644)
        admin("matrix", "%s=%s" % (option, path))
        check(path.read_bytes())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, "not what lay there before"
        before = path.read_bytes()
        run("host=/nonexistent dbname=x", "matrix", option, path, code=NO_DB)
        as_(full, "nobody")("matrix", option, path, code=REFUSED)
        assert path.read_bytes() == before, "a failure leaves the old one whole"
    assert sorted(os.listdir(tmp_path)) == ["m--csv", "m--html"], "nothing half-made stays"
    assert "No such file" in admin("matrix", "--csv", tmp_path / "no" / "where", code=USAGE).err
    os.mkfifo(tmp_path / "pipe")
    os.symlink("m--csv", tmp_path / "link")
    for name in ("pipe", "link", "."):
        assert "not an ordinary file" in admin("matrix", "--html", tmp_path / name, code=USAGE).err
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode) and (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("words, says", [
    (["--csv", "--html"], "one of --csv, --html and --json"), (["--csv="], "--csv= needs a file"),
    (["--csv", "a", "b"], "b is one word too many"), (["--csv", "--csv"], "--csv is given twice"), (["--cvs", "x"], "Did you mean --csv?"),
])
def test_wrong_words(words, says):
    assert says in run("host=/nonexistent dbname=x", "matrix", *words, code=USAGE).err


def test_json_and_a_document(full):
    assert "one of" in as_(full, "admin")("--json", "matrix", "--csv", code=USAGE).err


def test_a_whole_town(town):
    """18 registers, 300 people: no more than a browser opens at once."""
    town.rows("INSERT INTO paasla.register (register_code, name) SELECT 'R' || n, 'Register ' || n FROM generate_series(1, 15) n")
    town.rows("INSERT INTO paasla.register_role (register_code, role_code, name) SELECT 'R' || n, 'r', 'roll' FROM generate_series(1, 15) n")
    town.rows("SELECT paasla.hire('LV', (8000 + n)::text, 'Eesnimi', 'Nimi' || n) FROM generate_series(1, 300) n", user="hr")
    town.rows("INSERT INTO paasla.access_grant (person_id, role_id, employment_id, valid, reference) SELECT e.person_id, r.role_id, e.employment_id, "
              "tstzrange(now(), NULL), 'KK-1' FROM paasla.employment e CROSS JOIN paasla.register_role r WHERE r.role_code = 'r' "
              "AND e.employee_no LIKE '8%%'", user="grantor")
    said = as_(town, "auditor")("matrix", "--html", code=OK)
    page = Page(said.out)
    assert len(page.rows) == 301 and {len(r) for r in page.rows} == {20} and len(said.raw) < 1_000_000
    assert "300 inimest, 18 registrit, 4500 õigust" in said.out
    assert len(read_csv(as_(town, "auditor")("matrix", "--csv").raw)) == 301
