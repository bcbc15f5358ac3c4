"""The joiner's letter: one page, whoever it is for; and the password stays out of it unless the operator puts it in."""
import os
import re
import stat
import unicodedata

import pytest

from pgserver import PgServer  # noqa: F401 (its folder is on the path)
from test_ctl_matrix import UNSEEN, Page
from test_ctl_people import CTL, OK, REFUSED, USAGE, as_, live, run, start  # noqa: F401 (live is a fixture)
from town import BUILD

HELP, INCIDENT = "IT-spetsialist Jüri Õun, it@paju.test, 555 1234", "infoturbejuht Kai Kask, infoturve@paju.test"
# What may be written somewhere; it comes into columns that do not judge it.
HOSTILE = ["<script>alert(1)</script>", "x" * 300, "pikk nimi " * 40, "\u202ekood", "\x1b[2J\x07", "rida 1\nrida 2", "日本" * 80, "{1} {2} %s%n",
           "e\u0301" * 200, "\t", "&amp;\"'"]


def columns(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def page(said):
    """The lines of a letter that fits on a page."""
    assert said.out.endswith("\n") and "\f" not in said.out and not re.search(UNSEEN, said.out)
    lines = said.out[:-1].split("\n")
    assert len(lines) <= 60, len(lines)
    for line in lines:
        assert columns(line) <= 80 and line == line.rstrip(), line
    return lines


def flat(said):
    """Without line breaks."""
    return re.sub(r"\s+", " ", said.out)


@pytest.fixture
def joiner(town):
    town.rows("INSERT INTO paasla.institution_contact VALUES ('LV', 'help', %s), ('LV', 'incident', %s)", HELP, INCIDENT, user="admin")
    town.rows("UPDATE paasla.staff SET unit = 'Rahandusosakond', position = 'peaspetsialist', manager_no = '1001' WHERE employee_no = '1042'",
              user="hr")
    town.rows("UPDATE paasla.register SET contact = 'raamatupidamine@paju.test' WHERE register_code = 'PABER'", user="admin")
    town.grant("1042", "PABER", "vaataja")
    town.grant("1042", valid_until=town.one("SELECT '2099-07-01 00:00 Europe/Tallinn'::timestamptz"))
    return town


def test_letter_in_estonian(joiner):
    grantor = as_(joiner, "grantor")
    said = grantor("letter", "1042")
    lines, text = page(said), flat(said)
    day = joiner.one("SELECT to_char(lower(period), 'DD.MM.YYYY') FROM paasla.employment WHERE employee_no = '1042'")
    due, order = joiner.one("SELECT to_char(due_at, 'DD.MM.YYYY'), work_order_id FROM paasla.work_order")
    assert lines[0].startswith("Meelespea uuele töötajale") and re.search(r" \d\d\.\d\d\.\d{4}$", lines[0]) and columns(lines[0]) == 80
    for line in ("Tere tulemast, Mari Tamm!", "Asutus:            Linnavalitsus", "Üksus:             Rahandusosakond",
                 "Ametikoht:         peaspetsialist", "Töötaja number:    1042", "Esimene tööpäev:   " + day, "Vahetu juht:       Anu Ülem",
                 "  Kaustad: lugeja, kuni 30.06.2099", "  Paberregister: vaataja"):
        assert line in lines, line
    assert "linn selgub konto loomisel avamisel" in text
    assert f"lisatakse käsitsi, töökäsk {order}, tähtaeg {due}; kontakt: raamatupidamine@paju.test" in text
    assert "teatage viivitamata: " + INCIDENT in text and "Konto, parool ja õigused: " + HELP in text
    assert "saladuses" in text and "E-ITS" in text and "ISKE" not in text and "annab Teile IT-spetsialist isiklikult" in text
    assert said.err == "" and grantor("letter", "1042", "--lang", "et").raw == said.raw, "Estonian is what one gets"
    assert [w for w in re.findall(r"[^\W\d_]+", text) if re.search("[^a-zA-ZõäöüšžÕÄÖÜŠŽ]", w)] == []


def test_letter_in_english(joiner):
    said = as_(joiner, "grantor")("letter", "Mari Tamm", "--lang=en")
    text = flat(said)
    page(said)
    for words in ("Welcome, Mari Tamm!", "First working day:", "Department: Rahandusosakond", "Manager: Anu Ülem", "added by hand, work order",
                  "without delay: " + INCIDENT, "confidential", "until 30.06.2099", "gives you the first password in person"):
        assert words in text, words
    assert not re.search(r"\b(Teie|töötaja|õigus|kuni)\b", text)


def test_states_of_accounts_and_rights(joiner):
    grantor = as_(joiner, "grantor")
    joiner.rows("UPDATE paasla.staff SET it_admin = true WHERE employee_no = '1042'", user="hr")
    joiner.query("reserve", "linn", joiner.person("1042"), "personal", "{mari.tamm}")
    joiner.query("reserve", "linn", joiner.person("1042"), "admin", "{adm-mari.tamm}")
    assert "linn mari.tamm avamisel linn (halduskonto) adm-mari.tamm avamisel" in flat(grantor("letter", "1042"))
    joiner.rows("UPDATE paasla.account SET state = 'open'")
    assert "linn mari.tamm avatud linn (halduskonto) adm-mari.tamm avatud" in flat(grantor("letter", "1042"))
    joiner.rows("SELECT paasla.absent('1042', current_date, suspend => true)", user="hr")
    assert "linn mari.tamm peatatud äraoleku ajaks" in flat(grantor("letter", "1042"))
    joiner.rows("UPDATE paasla.directory SET mode = 'observe'", user="admin")
    assert "linn mari.tamm avab IT-spetsialist" in flat(grantor("letter", "1042"))
    joiner.rows("SELECT paasla.close_work_order(work_order_id, 'done') FROM paasla.work_order", user="grantor")
    assert "registrisse lisatud; kontakt: raamatupidamine@paju.test" in flat(grantor("letter", "1042"))
    joiner.rows("SELECT paasla.revoke_access('1042', 'PABER', 'vaataja')", user="grantor")
    joiner.grant("1042", "PABER", "vaataja", valid_from=joiner.one("SELECT '2098-01-02 00:00 Europe/Tallinn'::timestamptz"))
    said = flat(grantor("letter", "1042"))
    assert "Paberregister: vaataja, alates 02.01.2098 ei kehti veel; kontakt" in said and said.count("Paberregister") == 1


def test_who_begins_later_and_who_left(joiner):
    grantor = as_(joiner, "grantor")
    joiner.hire("2001", "Õie", "Mägi-Tamm", institution="LA", employed_from=joiner.one("SELECT now() + interval '60 days'"),
                until=joiner.one("SELECT now() + interval '90 days'"))
    text = flat(grantor("letter", "2001"))
    assert "kool selgub konto loomisel avatakse esimesel tööpäeval linn selgub" in text and "Viimane tööpäev:" in text
    assert "Teile ei ole veel registriõigusi antud" in text and "Registri sisu" not in text
    said = grantor("letter", "2001")
    assert said.err.count("has no contact for") == 2 and "VALUES ('LA', 'incident'" in said.err and "viivitamata: ____" in flat(said)
    joiner.depart("1042")
    said = grantor("letter", "1042", code=USAGE)
    assert "Mari Tamm (LV/1042) is not employed" in said.err and not said.raw
    assert "nobody has the number" in grantor("letter", "9999", code=USAGE).err
    for user in ("hr", "daemon", "nobody"):
        assert not as_(joiner, user)("letter", "1001", code=REFUSED).raw


def test_two_employments_and_the_word_that_names_one(joiner):
    code = "49403136515"
    joiner.hire("3001", "Tiiu", "Rebane", personal_code=code, employed_from=joiner.one("SELECT now() - interval '1 year'"))
    joiner.hire("78", "Tiiu", "Rebane", institution="LA", personal_code=code)
    grantor = as_(joiner, "grantor")
    assert "Asutus: Lasteaed" in flat(grantor("letter", "Tiiu Rebane")), "the newest"
    assert "Asutus: Linnavalitsus" in flat(grantor("letter", "LV/3001")) and "Asutus: Linnavalitsus" in flat(grantor("letter", "3001"))
    assert "Asutus: Lasteaed" in flat(grantor("letter", "LA/78"))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 6, 7, 8, 9, 12, 18, 25, 200])
@pytest.mark.parametrize("lang", ["et", "en"])
def test_any_number_of_rights_is_one_page(joiner, count, lang):
    """What does not fit is counted: nothing is left out in silence."""
    joiner.rows("SELECT paasla.revoke_access('1042', register_code, role_code) FROM paasla.matrix WHERE employee_no = '1042'", user="grantor")
    joiner.rows("INSERT INTO paasla.register (register_code, name, contact) SELECT 'R' || n, 'Pika nimega register number ' || n, "
                "'registri haldur ' || n || ', haldur@paju.test, telefon 555 0000' FROM generate_series(1, %s) n", count)
    joiner.rows("INSERT INTO paasla.register_role (register_code, role_code, name) SELECT 'R' || n, 'r', 'sisestaja' FROM generate_series(1, %s) n",
                count)
    joiner.rows("SELECT paasla.grant_access('1042', register_code, 'r', 'KK-1') FROM paasla.register WHERE register_code LIKE 'R%%'", user="grantor")
    said = as_(joiner, "grantor")("letter", "1042", "--lang", lang)
    lines, text = page(said), flat(said)
    shown = len(re.findall(r"^  (?:Pika nimega register number|R)\S* ?\d*: sisestaja", said.out, re.M))
    more = re.search(r"… (?:ja veel|and) (\d+) (?:õigus|more)", text)
    assert shown + (int(more[1]) if more else 0) == count, said.out
    if count <= 5:
        assert shown == count and text.count("haldur@paju.test") == count
    if more:
        assert len(lines) >= 59 and count > 12, "as many as there is room for"
    assert text.endswith("(allkiri, kuupäev) ") or text.endswith("(signature, date) "), "the end is there"
    html = Page(as_(joiner, "grantor")("letter", "1042", "--lang", lang, "--html").out)
    assert len([t for t in html.texts.get("div", []) if "sisestaja" in t]) == shown, "the same on the page"


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("lang", ["et", "en"])
def test_takes_anything(joiner, value, lang):
    clean = "".join(c for c in value if c.isprintable())[:100].strip() or "x"
    joiner.rows("UPDATE paasla.person SET given_name = %s, family_name = %s WHERE person_id = %s", unicodedata.normalize("NFC", clean)[:100].strip(),
                unicodedata.normalize("NFC", clean)[:100].strip(), joiner.person("1042"))
    joiner.rows("UPDATE paasla.employment SET unit = %s, position = %s WHERE employee_no = '1042'", value, value)
    joiner.rows("UPDATE paasla.register_role SET name = %s", value)
    joiner.rows("UPDATE paasla.register SET contact = %s", value)
    joiner.rows("UPDATE paasla.institution_contact SET contact = %s", value[:120].strip() or "x")
    grantor = as_(joiner, "grantor")
    page(grantor("letter", "1042", "--lang", lang))
    said = grantor("letter", "1042", "--lang", lang, "--html")
    tags = set(Page(said.out).tags)
    assert tags == {"html", "head", "meta", "title", "style", "body", "header", "h1", "span", "p", "dl", "dt", "dd", "h2", "table", "tr", "td",
                    "div", "small", "ol", "li"} and not re.search(UNSEEN, said.out)


def test_page(joiner):
    said = as_(joiner, "grantor")("letter", "1042", "--html")
    html = Page(said.out)
    assert ("html", "lang", "et") in html.attributes and "http" not in said.out.replace("http-equiv", "") and "url(" not in said.out
    assert "Tere tulemast, Mari Tamm!" in html.texts["p"] and "peaspetsialist" in html.texts["dd"] and "size: A4" in html.texts["style"][0]
    assert len(html.texts["li"]) >= 5 and not [a for a in html.attributes if a[1] in ("src", "href") or a[1].startswith("on")]
    english = Page(as_(joiner, "grantor")("letter", "1042", "--html", "--lang", "en").out)
    assert ("html", "lang", "en") in english.attributes and "Welcome, Mari Tamm!" in english.texts["p"]
    assert len(english.tags) == len(html.tags)


def test_json(joiner):
    said = as_(joiner, "grantor")("--json", "letter", "1042").json
    assert said["person"]["name"] == "Mari Tamm" and said["person"]["help"] == HELP
    assert [(a["directory"], a["state"]) for a in said["accounts"]] == [("linn", "soon")]
    assert [(r["code"], r["state"]) for r in said["rights"]] == [("KAUST", "auto"), ("PABER", "order")]
    assert "--json tells" in as_(joiner, "grantor")("--json", "letter", "1042", "--html", code=USAGE).err


def test_out(joiner, tmp_path):
    path = tmp_path / "kiri.txt"
    grantor = as_(joiner, "grantor")
    assert grantor("letter", "1042", "--out", path).raw == b""
    assert path.read_bytes() == grantor("letter", "1042").raw == grantor("letter", "1042", "--out", "-").raw
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and os.listdir(tmp_path) == ["kiri.txt"]
    assert "--lang is et or en" in grantor("letter", "1042", "--lang", "ru", code=USAGE).err


# ---- the first password ----

@pytest.fixture
def first(joiner, tmp_path):
    """A folder as paaslad's; write() makes a file there."""
    joiner.query("reserve", "linn", joiner.person("1042"), "personal", "{mari.tamm}")
    joiner.query("reserve", "linn", joiner.person("1001"), "personal", "{mari.tamm2}")

    def write(name="mari.tamm-20260302T060000Z", text="kR7mNpq4TzWx2aBc\n", mode=0o600):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    return write


def test_the_password_comes_in_only_when_it_is_given(joiner, first):
    grantor = as_(joiner, "grantor")
    path = first()
    for extra in ([], ["--html"], ["--lang", "en"]):
        assert b"kR7mNpq4TzWx2aBc" not in grantor("letter", "1042", *extra).raw
        said = grantor("letter", "1042", "--password-file", path, *extra)
        assert said.raw.count(b"kR7mNpq4TzWx2aBc") == 1 and "kR7mNpq4TzWx2aBc" not in said.err
        assert "Hand it over in person" in said.err and str(path) in said.err
    said = grantor("letter", "1042", "--password-file", path)
    page(said)
    assert "Konto mari.tamm ühekordne parool kR7mNpq4TzWx2aBc Vahetage parool kohe" in flat(said)
    page(grantor("letter", "1042", "--password-file", first("mari.tamm-20260302T060000Z.2", "y" * 128)))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o601])
def test_a_file_that_others_may_read(joiner, first, mode):
    said = as_(joiner, "grantor")("letter", "1042", "--password-file", first(mode=mode), code=USAGE)
    assert "mode %04o" % mode in said.err and not said.raw and "kR7m" not in said.err


@pytest.mark.parametrize("name", ["mari.tamm2-20260302T060000Z", "mari.tamm", "mari.tamm-", "mari.tamm-x", "secret", "x-mari.tamm-20260302T060000Z",
                                  "mari.tamm-20260302T060000Z~", "mari.tammx-20260302T060000Z"])
def test_another_persons_password(joiner, first, name):
    said = as_(joiner, "grantor")("letter", "1042", "--password-file", first(name), code=USAGE)
    assert "is no first password of this person" in said.err and not said.raw and "kR7m" not in said.err


@pytest.mark.parametrize("text", ["", "\n", "short\n", "two words here\n", "kR7mNpq4Tz\nkR7mNpq4Tz\n", "kR7mNpq4\x1b[2J", "kR7mNpq4õõõõ", b"kR7mNpq4\xff\xff",
                                  b"kR7mNpq4\0aaaa", "x" * 129, "x" * 5000, "\nkR7mNpq4Tz"], ids=range(12))
def test_what_is_no_password(joiner, first, text):
    said = as_(joiner, "grantor")("letter", "1042", "--password-file", first(text=text), code=USAGE)
    assert "does not hold a first password" in said.err and not said.raw and "kR7m" not in said.err


def test_what_is_no_file(joiner, first, tmp_path):
    grantor, real = as_(joiner, "grantor"), first("real")
    names = {"link": "symbolic link", "pipe": "ordinary file", "folder": "ordinary file", "none": "No such file"}
    for what, says in names.items():
        path = tmp_path / ("mari.tamm-2026%02d" % list(names).index(what))
        if what == "link":
            path.symlink_to(real)
        elif what == "pipe":
            os.mkfifo(path, 0o600)
        elif what == "folder":
            path.mkdir(0o700)
        said = grantor("letter", "1042", "--password-file", path, code=USAGE)
        assert says in said.err and not said.raw
    out = tmp_path / "kiri.txt"
    grantor("letter", "1042", "--password-file", first(mode=0o644), "--out", out, code=USAGE)
    assert not out.exists(), "no letter without the password that was asked for"


def test_how_passwords_are_given(live):
    """What the daemon's configuration says; and the password that paaslad left opens the account."""
    t = live(people=2)
    start(t)
    dsn = t.pg.dsn()
    assert "Esimese parooli annab Teile" in flat(run(dsn, "letter", "1000"))
    assert "Teile on loodud või luuakse ühekordne parool" in flat(run(dsn, "letter", "1000", "--conf", t.conf))
    none = os.path.join(t.dir, "none.conf")
    with open(t.conf) as f, open(none, "w") as g:
        g.write("".join(line for line in f if not line.startswith("first_password")))
    assert "Esimese parooli määrate koos IT-spetsialistiga" in flat(run(dsn, "letter", "1000", "--conf", none))
    said = run(dsn, "letter", "1000", "--conf", os.path.join(t.dir, "nowhere.conf"), code=USAGE)
    assert "nowhere.conf" in said.err and not said.raw
    first = os.path.join(t.dir, "first")
    login = t.account("1000", "login")
    path = [os.path.join(first, n) for n in os.listdir(first) if n.startswith(login + "-2")][0]
    said = run(dsn, "letter", "1000", "--password-file", path)
    word = re.search(r"parool\s+([A-Za-z0-9]{16})\s", said.out)[1]
    assert t.binds("1000", word) and not t.binds("1001", word)
    assert "linn %s avatud" % login in flat(said) and "STAR: arveldaja" in flat(said)
    run(dsn, "letter", "1001", "--password-file", path, code=USAGE)


def test_contacts_are_the_administrators_and_in_the_log(town):
    town.rows("INSERT INTO paasla.institution_contact VALUES ('LV', 'help', 'Jüri Salajane')", user="admin")
    town.rows("UPDATE paasla.institution_contact SET contact = 'Kai Salajane'", user="admin")
    town.rows("DELETE FROM paasla.institution_contact", user="admin")
    told = town.rows("SELECT action, detail FROM audit.event WHERE action LIKE 'institution_contact%%' ORDER BY event_id")
    assert [a for a, _ in told] == ["institution_contact.added", "institution_contact.changed", "institution_contact.removed"]
    assert "Salajane" not in str(told), "who is asked is personal"
    for user in ("hr", "grantor", "auditor", "approver"):
        town.refused("permission denied", "INSERT INTO paasla.institution_contact VALUES ('LV', 'help', 'x')", user=user)
    town.refused("violates check", "INSERT INTO paasla.institution_contact VALUES ('LV', 'help', ' x ')", user="admin")
