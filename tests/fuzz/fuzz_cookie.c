/* OpenLDAP's cookie: what is taken is printed and read as the same; merging forgets no server and goes back in none. */
#include "fuzz.h"
#include "lib/directory/cookie.h"

static void check_sane(const struct pl_cookie *c)
{
    RULE(c->n <= PL_COOKIE_SERVERS);
    for (size_t i = 0; i < c->n; i++) {
        RULE(strlen(c->csn[i].csn) == PL_CSN_LEN);
        RULE(c->csn[i].sid <= 0xfff && strtoul(c->csn[i].csn + 30, NULL, 16) == c->csn[i].sid);
        RULE(i == 0 || c->csn[i - 1].sid < c->csn[i].sid);
    }
}

static void check_fixpoint(const struct pl_cookie *c)
{
    struct pl_buf once = {0}, twice = {0};
    struct pl_cookie again;

    pl_cookie_print(&once, c);
    RULE(once.len <= strlen("rid=003,csn=") + (PL_CSN_LEN + 1) * c->n);
    RULE(pl_str_is_utf8(pl_buf_str(&once)));
    RULE(strstr(once.s, "sid=") == NULL);
    if (c->n > 0) {
        RULE(pl_cookie_parse(&again, pl_buf_str(&once)));
        RULE(pl_cookie_compare(c, &again) == PL_COOKIE_SAME);
        pl_cookie_print(&twice, &again);
        RULE(pl_str_eq(pl_buf_str(&once), pl_buf_str(&twice)));
    }
    pl_buf_free(&once);
    pl_buf_free(&twice);
}

static bool at_least(const struct pl_cookie *a, const struct pl_cookie *b)
{
    enum pl_cookie_order o = pl_cookie_compare(a, b);

    return o == PL_COOKIE_SAME || o == PL_COOKIE_NEWER;
}

static void check_two(const struct pl_cookie *a, const struct pl_cookie *b)
{
    static const enum pl_cookie_order opposite[] = {[PL_COOKIE_SAME] = PL_COOKIE_SAME,
                                                    [PL_COOKIE_OLDER] = PL_COOKIE_NEWER,
                                                    [PL_COOKIE_NEWER] = PL_COOKIE_OLDER,
                                                    [PL_COOKIE_DIVERGED] = PL_COOKIE_DIVERGED};
    struct pl_cookie ab = *a, ba = *b;
    bool room = pl_cookie_merge(&ab, b);

    check_sane(&ab);
    RULE(pl_cookie_compare(a, b) == opposite[pl_cookie_compare(b, a)]);
    RULE(at_least(&ab, a)); /* nothing is lost, even when there is no room for more */
    RULE(pl_cookie_merge(&ba, a) == room);
    if (!room)
        return;
    RULE(at_least(&ab, b));
    RULE(pl_cookie_compare(&ab, &ba) == PL_COOKIE_SAME);
    RULE(pl_cookie_merge(&ab, b) && pl_cookie_compare(&ab, &ba) == PL_COOKIE_SAME);
    check_fixpoint(&ab);
}

static bool take(struct pl_str in, struct pl_cookie *c)
{
    struct pl_str beside = fuzz_beside((const uint8_t *)in.s, in.len, '0');
    struct pl_cookie other;
    bool ok = pl_cookie_parse(c, in);

    RULE(pl_cookie_parse(&other, beside) == ok);
    RULE(pl_cookie_compare(c, &other) == PL_COOKIE_SAME);
    RULE((c->n > 0) == ok);
    check_sane(c);
    check_fixpoint(c);
    fuzz_free(beside);
    return ok;
}

/* A cookie as a server might make it from five bytes for each CSN: decode(encode(x)) is x. */
static void made(const uint8_t *data, size_t size, struct pl_cookie *c)
{
    struct pl_buf text = {0};
    size_t n = size / 5 < 12 ? size / 5 : 12;

    pl_buf_add_c(&text, "rid=000,sid=001,csn=");
    for (size_t i = 0; i < n; i++, data += 5)
        pl_buf_printf(&text, "202611210739%02u.%06uZ#%06x#%03x#%06x%s", data[2] % 60u, data[3] * 3000u, data[4] & 3u,
                      (data[0] << 8 | data[1]) & 0xfffu, data[4] >> 2, i + 1 < n ? ";" : "");
    RULE(pl_cookie_parse(c, pl_buf_str(&text)) == (n > 0));
    RULE(c->n <= n);
    for (size_t i = 0; i < c->n; i++) { /* each that was kept was sent, and none of its server is later */
        const char *at = text.s + strlen("rid=000,sid=001,csn=");
        RULE(strstr(text.s, c->csn[i].csn) != NULL);
        for (size_t k = 0; k < n; k++, at += PL_CSN_LEN + 1)
            RULE(strncmp(at + 30, c->csn[i].csn + 30, 3) != 0 || strncmp(at, c->csn[i].csn, PL_CSN_LEN) <= 0);
    }
    pl_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_str in = fuzz_str(data, size);
    const uint8_t *cut = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t first = cut != NULL ? (size_t)(cut - data) : size;
    struct pl_cookie a, b;

    take(in, &a);
    if (take((struct pl_str){in.s, first}, &a) && cut != NULL &&
        take((struct pl_str){in.s + first + 1, size - first - 1}, &b))
        check_two(&a, &b);
    made(data, size / 2, &a);
    made(data + size / 2, size - size / 2, &b);
    check_sane(&a);
    check_fixpoint(&a);
    check_two(&a, &b);
    return 0;
}
