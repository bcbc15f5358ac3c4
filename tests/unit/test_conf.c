/* paasla.conf: what is read arrives whole, what is wrong is refused with file and line. */
#include "conf_text.h"

static void test_defaults(void **state)
{
    struct pl_conf *c = good(DATABASE DIRECTORY(""));
    const struct pl_conf_directory *d = &c->dirs[0];

    (void)state;
    assert_text(c->connection, "host=/run/postgresql dbname=paasla");
    assert_text(c->password_file, "");
    assert_int_equal(c->compare_every_s, 3600);
    assert_int_equal(c->poll_s, 30);
    assert_int_equal(c->retry_min_ms, 500);
    assert_int_equal(c->retry_max_s, 300);
    assert_int_equal(c->bulk_limit, 500);
    assert_int_equal(c->log_level, 6);
    assert_int_equal(c->max_locks, 10);
    assert_int_equal(c->max_lock_share, 5);
    assert_int_equal(c->max_removals, 200);
    assert_int_equal(c->max_removal_share, 10);
    assert_int_equal(c->share_from, 20);
    assert_int_equal(c->window_s, 3600);
    assert_int_equal(c->named_leavers, 3);
    assert_int_equal(c->named_per_hour, 20);
    assert_int_equal(c->n_dirs, 1);
    assert_text(d->name, "linn");
    assert_text(d->dialect, "openldap");
    assert_text(d->tls, "starttls");
    assert_text(d->sasl, "external");
    assert_text(d->login_attribute, "uid");
    assert_text(d->number_attribute, "employeeNumber");
    assert_text(d->login_style, "given.family");
    assert_text(d->admin_prefix, "adm-");
    assert_text(d->object_classes, "inetOrgPerson");
    assert_text(d->first_password, "none");
    assert_false(d->lock_leavers_observed);
    assert_int_equal(d->inflight, 256);
    assert_int_equal(d->timeout_ms, 15000);
    assert_int_equal(d->watch_poll_ms, 1000); /* Active Directory is asked each second */
    assert_int_equal(d->connect_ms, 5000);
    assert_int_equal(d->n_attributes, 0);
    pl_conf_free(c);
}

static void test_values(void **state)
{
    struct pl_conf *c = good("\xef\xbb\xbf# a comment\r\n; another\r\n   # indented\r\n\r\n" DATABASE
                             "[brake]\r\nmax_locks = 0\r\n" DIRECTORY("attribute.cn = {name}\nattribute.sn={family}\n"
                                                                      "lock_leavers_observed = yes\n"
                                                                      "policy_dn = cn=p=q;r\\20;s,dc=x\n")
                                 DIRECTORY_NAMED("Lasteaed-2.b_c", "login_style = gfamily\n"));

    (void)state;
    assert_int_equal(c->max_locks, 0);
    assert_int_equal(c->n_dirs, 2);
    assert_int_equal(c->dirs[0].n_attributes, 2);
    assert_text(c->dirs[0].attributes[0].name, "cn");
    assert_text(c->dirs[0].attributes[0].text, "{name}");
    assert_text(c->dirs[0].attributes[1].name, "sn");
    assert_text(c->dirs[0].attributes[1].text, "{family}");
    assert_true(c->dirs[0].lock_leavers_observed);
    assert_text(c->dirs[0].policy_dn, "cn=p=q;r\\20;s,dc=x");
    assert_text(c->dirs[1].name, "Lasteaed-2.b_c");
    assert_text(c->dirs[1].login_style, "gfamily");
    assert_text(c->dirs[0].login_style, "given.family");
    pl_conf_free(c);
}

/* inih's line buffer holds 200 bytes: a value of any length arrives whole or is refused. */
static void test_long_values(void **state)
{
    (void)state;
    for (size_t len = 150; len < 4200; len += len < 260 ? 1 : 617) {
        struct pl_buf text = {0}, value = {0};
        struct pl_err err;
        struct pl_conf *c;

        pl_buf_add_c(&value, "host=a application_name=");
        while (value.len < len)
            pl_buf_add_byte(&value, value.len % 7 == 0    ? ' '
                                    : value.len % 11 == 0 ? '='
                                                          : (char)('a' + value.len % 26));
        value.s[value.len - 1] = 'z';
        pl_buf_printf(&text, "[database]\nconnection = %s\n%s", value.s, DIRECTORY(""));
        c = parse(pl_buf_str(&text), &err);
        if (len > 4000) {
            assert_null(c);
            assert_non_null(strstr(err.text, "x.conf:2: connection is longer than 4000 bytes"));
        } else {
            if (c == NULL)
                fail_msg("%zu bytes: %s", len, err.text);
            assert_text(c->connection, value.s);
        }
        pl_conf_free(c);
        pl_buf_free(&text);
        pl_buf_free(&value);
    }
}

static void test_nothing_is_cut(void **state)
{
    struct pl_buf text = {0};

    (void)state;
    refused(DATABASE "[daemon]\npoll_s = 30 ; half a minute\n", "x.conf:4: ' ;' after 'poll_s' would begin a comment");
    refused(DATABASE DIRECTORY("policy_dn = cn=a ;b,dc=x\n"), "would begin a comment");
    refused(DATABASE DIRECTORY("policy_dn = ;b=c\n"), "would begin a comment");
    refused(DATABASE DIRECTORY("policy_dn = cn=a\t;b,dc=x\n"), "would begin a comment");
    accepted(DATABASE DIRECTORY("policy_dn = cn=a;b,dc=x\n"));
    accepted(DATABASE DIRECTORY("policy_dn = cn=a \\;b,dc=x\n"));
    accepted(DATABASE DIRECTORY("policy_dn = cn=a # b,dc=x\n"));
    refused("[database]\nconnection = host=a\n dbname=b\n", "x.conf:3: the line begins with a space");
    refused("[database]\n\tconnection = host=a\n", "x.conf:2: the line begins with a space");

    /* The same beyond inih's buffer. */
    pl_buf_add_c(&text, DATABASE DIRECTORY("policy_dn = cn="));
    for (int i = 0; i < 300; i++)
        pl_buf_add_byte(&text, 'x');
    pl_buf_add_c(&text, " ;y,dc=x\n");
    refused_bytes(pl_buf_str(&text), "would begin a comment");
    pl_buf_clear(&text);
    for (int i = 0; i < 300; i++)
        pl_buf_add_byte(&text, 'x');
    pl_buf_add_c(&text, " = 1\n");
    refused_bytes(pl_buf_str(&text), "x.conf:1: ");
    pl_buf_free(&text);
}

static void test_bytes(void **state)
{
    static const char nul[] = DATABASE "[daemon]\n# \0\n", nul_value[] = "[database]\nconnection = host=a\0b\n";
    struct pl_buf text = {0};

    (void)state;
    refused_bytes((struct pl_str){nul, sizeof nul - 1}, "x.conf:4: the line holds a NUL byte");
    refused_bytes((struct pl_str){nul_value, sizeof nul_value - 1}, "x.conf:2: the line holds a NUL byte");
    refused("[daemon]\n\n# K\xf5rve\n", "x.conf:3: the line is not UTF-8");
    refused("[daemon]\n# \xed\xa0\x80\n", "x.conf:2: the line is not UTF-8");
    refused("[daemon]\n# \xc3", "x.conf:2: the line is not UTF-8");
    refused("[daemon]\npoll_s = 3\x01\n", "control character (0x01)");
    refused("[daemon]\rpoll_s = 3\n", "control character (0x0d)");
    refused("[daemon]\npoll_s = 3\x7f\n", "control character (0x7f)");
    refused("[daemon]\npoll_s =\v3\n", "control character (0x0b)");
    accepted(DATABASE DIRECTORY("# r\xc3\xbchmad\nattribute.description = K\xc3\xb5rv \xf0\x9f\x98\x80\n"));

    while (text.len <= 1024 * 1024)
        pl_buf_add_c(&text, "# sixteen bytes\n");
    refused_bytes(pl_buf_str(&text), "larger than 1048576 bytes");
    pl_buf_free(&text);
    refused("", "section [database] is missing");
    refused_bytes((struct pl_str){"", 0}, "section [database] is missing");
}

static void test_structure(void **state)
{
    (void)state;
    refused("poll_s = 3\n", "x.conf:1: option 'poll_s' stands before the first section");
    refused("[deamon]\n", "x.conf:1: unknown section [deamon]");
    refused("[Daemon]\n", "unknown section");
    refused("[]\n", "unknown section");
    refused("[directory]\n", "unknown section");
    refused("[directory ]\n", "is no name of a directory");
    refused("[directory a b]\n", "is no name of a directory");
    refused("[directory a]]\n", "is no name of a directory");
    refused("[directory \xc3\xb5]\n", "is no name of a directory");
    refused("[daemon\n", "x.conf:1: the title of a section does not end with ]");
    refused("[daemon] # x\n", "does not end with ]");
    refused("[\n", "does not end with ]");
    refused("[directory abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz]\n", "longer than 49 bytes");
    refused("[daemon]\n\n[brake]\n[daemon]\n", "x.conf:4: section [daemon] stands here again, first on line 1");
    refused(DATABASE DIRECTORY("") DIRECTORY(""), "section [directory linn] stands here again, first on line 3");
    refused("[directory a]\n[directory  a]\n", "stands here again");
    refused("[daemon]\npoll_s = 3\n# x\npoll_s = 3\n", "x.conf:4: option 'poll_s' stands here again, first on line 2");
    refused("[daemon]\npoll_s\n", "x.conf:2: the line cannot be read");
    refused("[daemon]\n= 3\n", "section [daemon] has no option ''");
    refused("[daemon]\npoll_s =\n", "x.conf:2: poll_s must be a whole number");
    refused("[daemon]\npoll_s:\n", "poll_s must be a whole number");
    refused(DATABASE, "no directory is named");
    refused("[database]\npassword_file = /x\n" DIRECTORY(""),
            "x.conf:1: section [database] lacks the option 'connection'");
    refused(DATABASE "[directory linn]\nuris = ldapi:///\nsasl = external\n",
            "x.conf:3: section [directory linn] lacks the option 'people_base'");
}

static void hint_for(const char *text, const char *hint)
{
    struct pl_err err;
    struct pl_conf *c = parse(pl_str_c(text), &err);

    assert_null(c);
    if (strstr(err.hint, hint) == NULL)
        fail_msg("'%s' lacks '%s'", err.hint, hint);
}

static void test_nearest_name(void **state)
{
    (void)state;
    refused("[daemon]\npol_s = 3\n", "x.conf:2: section [daemon] has no option 'pol_s'");
    hint_for("[daemon]\npol_s = 3\n", "'poll_s'");
    hint_for("[daemon]\nlog-level = 3\n", "'log_level'");
    hint_for("[daemon]\nPOLL_S = 3\n", "The sample");
    hint_for("[brake]\nmax_lock = 3\n", "'max_locks'");
    hint_for("[directory a]\npeople_bse = x\n", "'people_base'");
    hint_for("[directory a]\nuri = ldap://x\n", "'uris'");
    hint_for("[directory a]\nattributes.cn = x\n", "'attribute.NAME'");
    hint_for("[daemon]\nmax_locks = 3\n", "[brake]");
    hint_for("[daemon]\nsomething_else_entirely = 3\n", "The sample");
}

static void test_numbers(void **state)
{
    (void)state;
    refused("[daemon]\npoll_s = 0\n", "x.conf:2: poll_s must be a whole number from 1 to 86400 s");
    refused("[daemon]\npoll_s = 86401\n", "must be a whole number");
    refused("[daemon]\npoll_s = -1\n", "must be a whole number");
    refused("[daemon]\npoll_s = 30s\n", "must be a whole number");
    refused("[daemon]\npoll_s = 3 0\n", "must be a whole number");
    refused("[daemon]\npoll_s = 99999999999999999999\n", "must be a whole number");
    refused("[daemon]\nlog_level = 2\n", "from 3 to 7");
    refused("[brake]\nmax_lock_share = 101\n", "from 0 to 100 %");
    refused(DATABASE "[daemon]\nretry_min_ms = 2000\nretry_max_s = 1\n" DIRECTORY(""),
            "x.conf:4: retry_min_ms is longer than retry_max_s");
    accepted(DATABASE "[daemon]\nretry_min_ms = 1000\nretry_max_s = 1\n" DIRECTORY(""));
    refused(DATABASE DIRECTORY("lock_leavers_observed = maybe\n"), "must be yes or no");
    refused(DATABASE DIRECTORY("lock_leavers_observed = Yes\n"), "must be yes or no");
    refused(DATABASE DIRECTORY("dialect = opendap\n"), "dialect must be one of: openldap");
    refused(DATABASE DIRECTORY("login_style = given\n"), "must be one of: given.family|gfamily|given.f");
    refused(DATABASE DIRECTORY("login_style = given.family|gfamily\n"), "must be one of");
    refused(DATABASE DIRECTORY("tls =\n"), "must be one of");
}

static void test_texts(void **state)
{
    (void)state;
    refused("[directory a]\npeople_base = linn\n", "x.conf:2: people_base is not a DN");
    refused("[directory a]\npeople_base =\n", "people_base is empty");
    refused("[database]\nconnection =\n", "connection is empty");
    refused("[directory a]\nca_file = ca.pem\n", "ca_file is not a whole path");
    accepted(DATABASE "password_file =\n" DIRECTORY(""));
}

/* A secret is a file, or something that the service manager hands over by name. */
static void test_secrets(void **state)
{
    static const char *const good_names[] = {"/etc/secret", "credential:linn", "credential:secret_linn",
                                             "credential:9.a-b_c"};
    static const char *const bad_names[] = {"credential:a/b", "credential:../a", "credential:.a",      "credential:-a",
                                            "credential:a b", "credential:_a",   "credential:\xc3\xa4"};
    char text[2048];

    (void)state;
    refused("[database]\npassword_file = secret\n", "password_file is neither a whole path");
    refused("[database]\npassword_file = ~/secret\n", "password_file is neither a whole path");
    refused("[database]\npassword_file = Credential:linn\n", "password_file is neither a whole path");
    refused("[directory a]\nkey_file = paaslad.key\n", "x.conf:2: key_file is neither a whole path");
    refused("[directory a]\npassword_file = credential:\n", "x.conf:2: password_file names nothing after credential:");
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        (void)snprintf(text, sizeof text, "[database]\npassword_file = %s\n", bad_names[i]);
        refused(text, "password_file has a name after credential:");
    }
    for (size_t i = 0; i < sizeof good_names / sizeof good_names[0]; i++) {
        (void)snprintf(text, sizeof text, "%spassword_file = %s\n%s", DATABASE, good_names[i], DIRECTORY(""));
        accepted(text);
    }
}

/* No secret in a file that everybody who looks after the daemon may read. */
static void test_no_password_in_connection(void **state)
{
    static const char *const bad[] = {
        "host=a password=b",       "password = b",     "host=a PASSWORD\t=b",          "sslpassword=x",
        "postgresql://u:p@h/db",   "postgres://u:p@h", "postgresql://h/db?password=x", "postgresql://u:p@h1,h2/db",
        "postgresql://:p@h/db?x=y"};
    static const char *const fine[] = {"host=a passfile=/x", "postgresql://u@h:5432/db", "postgresql://[::1]:5432/db",
                                       "postgresql://h:1/db?options=a:b@c", "service=paasla"};
    char text[2048];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(text, sizeof text, "[database]\nconnection = %s\n%s", bad[i], DIRECTORY(""));
        refused(text, "x.conf:2: connection holds a password");
    }
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        (void)snprintf(text, sizeof text, "[database]\nconnection = %s\n%s", fine[i], DIRECTORY(""));
        accepted(text);
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *uris, *tls, *says; /* NULL: fine */
    } cases[] = {
        {"ldap://ldap.linn.test", "starttls", NULL},
        {"ldap://ldap.linn.test:389/ ldaps://b:636", "starttls", NULL},
        {"ldap://[2001:db8::1]:389", "starttls", NULL},
        {"ldapi://", "none", NULL},
        {"ldapi:///", "none", NULL},
        {"ldapi://%2frun%2fslapd%2fldapi", "none", NULL},
        {"ldap://127.0.0.1:3890 ldap://localhost ldap://[::1]", "none", NULL},
        {"ldaps://ldap.linn.test", "starttls", NULL},
        {"ldap://ldap.linn.test", "none", "tls = none would send passwords in the clear"},
        {"ldap://127.0.0.1 ldap://10.0.0.1", "none", "in the clear to 'ldap://10.0.0.1'"},
        {"ldap://127.0.0.1.evil.test", "none", "in the clear"},
        {"ldap://localhost.evil.test", "none", "in the clear"},
        {"ldap://[::1]evil", "none", "has a port"},
        {"ldap://127.0.0.1@evil.test", "none", "nothing after the host"},
        {"ldaps://127.0.0.1", "none", "tls = none contradicts"},
        {"ldap://", "starttls", "names no host"},
        {"ldaps:///", "starttls", "names no host"},
        {"ldap://:389", "starttls", "names no host"},
        {"ldap://a:0", "starttls", "has a port"},
        {"ldap://a:65536", "starttls", "has a port"},
        {"ldap://a:", "starttls", "has a port"},
        {"ldap://a:3x", "starttls", "has a port"},
        {"ldap://a/dc=x", "starttls", "nothing after the host"},
        {"ldap://a?x", "starttls", "nothing after the host"},
        {"http://a", "starttls", "must begin with"},
        {"LDAP://a", "starttls", "must begin with"},
        {"ldap.linn.test", "starttls", "must begin with"},
        {"ldap://a,ldap://b", "starttls", "nothing after the host"},
        {"ldap://a, ldap://b", "starttls", "character that no host has"},
        {"ldap://%41", "starttls", "character that no host has"},
        {"ldap://\xc3\xb5.test", "starttls", "character that no host has"},
        {"ldapi:///run/ldapi", "none", "nothing after the host"},
        {"ldapi://%2frun;x", "none", "character that no host has"},
        {"ldap:/a", "starttls", "must begin with"},
    };
    char text[2048];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(text, sizeof text, "%s%s%suris = %s\ntls = %s\n", DATABASE, WITHOUT_LOGON, PASSWORD,
                       cases[i].uris, cases[i].tls);
        if (cases[i].says == NULL)
            accepted(text);
        else
            refused(text, cases[i].says);
    }
}

static void test_log_on(void **state)
{
    (void)state;
    refused(DATABASE WITHOUT_LOGON "uris = ldapi:///\n",
            "x.conf:3: section [directory linn] lacks the option 'bind_dn'");
    refused(DATABASE WITHOUT_LOGON "uris = ldapi:///\nbind_dn = cn=a\n", "lacks the option 'password_file'");
    accepted(DATABASE WITHOUT_LOGON "uris = ldapi:///\n" PASSWORD);
    refused(DATABASE WITHOUT_LOGON "uris = ldapi:///\nsasl = external\n" PASSWORD, "x.conf:10: with sasl = external");
    refused(DATABASE WITHOUT_LOGON "uris = ldapi:/// ldaps://a\nsasl = external\n", "needs a certificate");
    accepted(DATABASE WITHOUT_LOGON "uris = ldaps://a\nsasl = external\ncert_file = /c\nkey_file = /k\n");
    refused(DATABASE WITHOUT_LOGON "uris = ldaps://a\nsasl = external\ncert_file = /c\n", "go together");
    refused(DATABASE WITHOUT_LOGON "uris = ldaps://a\n" PASSWORD "key_file = /c\n", "go together");
    refused(DATABASE DIRECTORY("first_password = file\n"), "x.conf:10: first_password = file needs first_password_dir");
    accepted(DATABASE DIRECTORY("first_password = file\nfirst_password_dir = /f\n"));
}

static void test_templates(void **state)
{
    (void)state;
    refused(DATABASE DIRECTORY("attribute.cn = {nam}\n"), "x.conf:10: the template: unknown word in braces: {nam}");
    refused(DATABASE DIRECTORY("attribute.cn = {name\n"), "unknown word in braces");
    /* cut between characters */
    refused(DATABASE DIRECTORY("attribute.cn = {01234567890123456789012345678901234567\xc3\xb5\xc3\xb5\xc3\xb5}\n"),
            "{01234567890123456789012345678901234567\xc3\xb5");
    refused(DATABASE DIRECTORY("attribute.cn = name}\n"), "a } without its {");
    refused(DATABASE DIRECTORY("attribute.cn = {{name}}\n"), "unknown word in braces");
    refused(DATABASE DIRECTORY("attribute.cn =\n"), "attribute.cn is empty");
    refused(DATABASE DIRECTORY("attribute. = x\n"), "is no name of an attribute");
    refused(DATABASE DIRECTORY("attribute.1a = x\n"), "is no name of an attribute");
    refused(DATABASE DIRECTORY("attribute.a b = x\n"), "is no name of an attribute");
    refused(DATABASE DIRECTORY("attribute.a;b = x\n"), "is no name of an attribute");
    refused(DATABASE DIRECTORY("attribute.userpassword = x\n"), "userPassword is written by the daemon itself");
    refused(DATABASE DIRECTORY("attribute.ObjectClass = x\n"), "objectClass is written by the daemon itself");
    refused(DATABASE DIRECTORY("attribute.cn = a\n# x\nattribute.CN = b\n"),
            "x.conf:12: 'attribute.CN' stands here again, first on line 10");
    refused(DATABASE DIRECTORY("object_classes = person x(y\n"), "is no name of an object class");
    refused(DATABASE DIRECTORY("login_attribute = uid)(x\n"), "login_attribute is no name of an attribute");
    refused(DATABASE DIRECTORY("number_attribute = a b\n"), "number_attribute is no name of an attribute");
    refused(DATABASE "[directory linn]\nuris = ldapi:///\nsasl = external\npeople_base = a=b\ngroup_base = a=b\n"
                     "canary_dn = a=b\nrdn_template = cn={name},a=b\n",
            "x.conf:9: rdn_template lacks {login}");
    accepted(
        DATABASE DIRECTORY("attribute.description = {login} {given} {family} {name} {employee_no} {unit} {position} "
                           "{institution}\n"));
}

static void test_many(void **state)
{
    struct pl_buf text = {0};

    (void)state;
    pl_buf_add_c(&text, DATABASE DIRECTORY(""));
    for (int i = 0; i < 65; i++)
        pl_buf_printf(&text, "attribute.a%d = x\n", i);
    refused_bytes(pl_buf_str(&text), "x.conf:74: more than 64 attributes");
    pl_buf_clear(&text);
    for (int i = 0; i < 65; i++)
        pl_buf_printf(&text, "[directory d%d]\n", i);
    refused_bytes(pl_buf_str(&text), "x.conf:65: more than 64 directories");
    pl_buf_free(&text);
}

/* Every beginning of the sample and every byte of it changed: refused or read, never a crash (run under ASan). */
static void test_broken_samples(void **state)
{
    char *text = test_malloc(65536);
    long len = source_read("conf/paasla.conf", text, 65536);
    struct pl_err err;

    (void)state;
    assert_true(len > 1000);
    for (long n = 0; n < len; n += 7)
        pl_conf_free(parse((struct pl_str){text, (size_t)n}, &err));
    for (long at = 0; at < len; at += 3) {
        char was = text[at];

        text[at] = "\0\n[]=;{} :\xff"[at % 11];
        pl_conf_free(parse((struct pl_str){text, (size_t)len}, &err));
        text[at] = was;
    }
    test_free(text);
}

static void test_sample_is_generated(void **state)
{
    char *have = NULL, *want = test_malloc(65536);
    struct pl_conf *c;
    size_t n = 0;
    FILE *f = open_memstream(&have, &n);

    (void)state;
    assert_non_null(f);
    pl_conf_write_sample(f);
    fclose(f);
    assert_true(source_read("conf/paasla.conf", want, 65536) > 0);
    if (strcmp(have, want) != 0)
        fail_msg("conf/paasla.conf is not what conf/gen_sample.c writes");
    c = good(have);
    assert_int_equal(c->n_dirs, 1);
    assert_int_equal(c->dirs[0].n_attributes, 6);
    pl_conf_free(c);
    test_free(want);
    free(have);
}

static void test_rows_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < pl_conf_n_options; i++) {
        const struct pl_conf_option *o = &pl_conf_options[i];
        size_t len = strlen(o->doc);

        assert_true(len > 20 && o->doc[len - 1] == '.');
        assert_non_null(o->unit);
        assert_true(o->fallback != NULL || o->example != NULL);
        assert_int_equal(o->type == PL_CONF_WORD, o->words != NULL);
        assert_true(o->min <= o->max);
        for (size_t k = 0; k < i; k++)
            assert_false(strcmp(o->section, pl_conf_options[k].section) == 0 &&
                         (strcmp(o->name, pl_conf_options[k].name) == 0 || o->offset == pl_conf_options[k].offset));
        if (o->type == PL_CONF_INT || o->type == PL_CONF_SECONDS) {
            int64_t v;

            assert_true(pl_str_to_i64(pl_str_c(o->fallback), &v) && v >= o->min && v <= o->max);
        }
    }
}

static void test_files(void **state)
{
    char path[] = "/tmp/paasla-conf-XXXXXX";
    struct pl_err err = {0};
    struct pl_conf *c;
    int fd;

    (void)state;
    assert_null(pl_conf_read("/nonexistent/paasla.conf", &err));
    assert_int_equal(err.class, PL_ERR_IO);
    assert_non_null(strstr(err.text, "/nonexistent/paasla.conf: "));
    assert_null(pl_conf_read("/", &err));
    assert_null(pl_conf_read("/nonexistent/paasla.conf", NULL));
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, DATABASE DIRECTORY(""), strlen(DATABASE DIRECTORY(""))), strlen(DATABASE DIRECTORY("")));
    close(fd);
    c = pl_conf_read(path, &err);
    assert_non_null(c);
    pl_conf_free(c);
    assert_int_equal(truncate(path, 3 * 1024 * 1024), 0);
    assert_null(pl_conf_read(path, &err));
    assert_non_null(strstr(err.text, "larger than"));
    unlink(path);
    pl_conf_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_nothing_is_cut),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_no_password_in_connection),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_log_on),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_broken_samples),
        cmocka_unit_test(test_sample_is_generated),
        cmocka_unit_test(test_rows_are_sound),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
