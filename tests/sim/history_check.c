/* What the queries must answer at a checkpoint, from the model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "history.h"
#include "../../lib/engine/row.h"
#include "run.h"

static bool first;

static void open_check(const char *what)
{
    printf("{\"check\": \"%s\", ", what);
    first = true;
}

static void rows_begin(void)
{
    printf("\"rows\": [");
}

static void row_begin(void)
{
    printf(first ? "[" : ", [");
    first = false;
}

static void put_text(struct pl_str s, bool last)
{
    putchar('"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.s[i] == '"' || s.s[i] == '\\')
            putchar('\\');
        putchar(s.s[i]);
    }
    printf(last ? "\"]" : "\", ");
}

static void put(const char *s, bool last)
{
    put_text(pl_str_c(s), last);
}

static void put_n(int64_t n, bool last)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)n);
    put(text, last);
}

/* Whether something begins or ends so near to t that the real clock could fall on the other side. */
static bool near_change(const struct world *w, int64_t t)
{
    return world_next_change(w, t - 40 * US_SECOND) <= t + 40 * US_SECOND;
}

static void wanted(struct store *s, int64_t t)
{
    if (near_change(s->w, t))
        return;
    open_check("wanted");
    printf("\"at\": %lld, ", (long long)(t - SIM_FIRST_DAY));
    rows_begin();
    for (int p = 0; p < s->w->n_persons; p++)
        for (int d = 0; d < N_DIRS; d++)
            for (int k = 0; k < N_PURPOSES; k++) {
                struct wanted n = store_wanted(s, p, d, (enum purpose)k, t);
                if (!n.row)
                    continue;
                row_begin();
                put_n(p + 1, false);
                put(dir_names[d], false);
                put(purpose_names[k], false);
                put(n.want, false);
                put(n.cause, true);
            }
    printf("]}\n");
    open_check("entitled");
    printf("\"at\": %lld, ", (long long)(t - SIM_FIRST_DAY));
    rows_begin();
    for (int p = 0; p < s->w->n_persons; p++)
        for (int g = 0; g < s->w->n_groups; g++)
            if (store_entitled(s, p, g, t)) {
                row_begin();
                put_n(p + 1, false);
                put_n(g + 1, true);
            }
    printf("]}\n");
}

static void dirty(const struct store *s)
{
    open_check("dirty");
    rows_begin();
    for (size_t i = 0; i < s->n_dirty; i++) {
        row_begin();
        put(dir_names[s->dirty[i].dir], false);
        put_n(s->dirty[i].person + 1, false);
        put(s->dirty[i].cause, true);
    }
    printf("]}\n");
}

/* Moments, a space between two, as they lie after the beginning; 0 stays 0. */
static void put_moments(struct pl_str s, bool last)
{
    struct pl_buf b = {0};
    int64_t us;
    while (pl_row_next_moment(&s, &us))
        pl_buf_printf(&b, b.len ? " %lld" : "%lld", (long long)(us == 0 ? 0 : us - SIM_FIRST_DAY));
    put_text(pl_buf_str(&b), last);
    pl_buf_free(&b);
}

static bool is_moments(const struct row *v, size_t k, bool load)
{
    char kind = v->cols[0].s[0];
    return load ? (kind == 'E' && (k == 4 || k >= 7)) || (kind == 'I' && k == 7)
                : v->n == 12 && k == 9; /* of scan_accounts */
}

/* Columns that only the real database knows (since, seq, age) are printed as "~". */
static void print_rows(const struct rows *rows, bool load)
{
    rows_begin();
    for (size_t i = 0; i < rows->n; i++) {
        const struct row *v = &rows->v[i];
        row_begin();
        for (size_t k = 0; k < v->n; k++) {
            bool unknown = load && ((v->cols[0].s[0] == 'P' && k == 19) || (v->cols[0].s[0] == 'D' && k == 3) ||
                                    (v->cols[0].s[0] == 'W' && k == 4) ||
                                    (v->cols[0].s[0] == 'T' && k == 5 && v->cols[k].len > 0));
            if (unknown)
                put("~", k + 1 == v->n);
            else if (is_moments(v, k, load))
                put_moments(v->cols[k], k + 1 == v->n);
            else
                put_text(v->cols[k], k + 1 == v->n);
        }
    }
    printf("]}\n");
}

static void loads(struct store *s, int64_t now)
{
    static const char *const names[] = {"urgent", "bulk", "preview"};
    struct pl_str dirs[N_DIRS];
    const int64_t persons[] = {1, 2, 3};
    for (int d = 0; d < N_DIRS; d++)
        dirs[d] = pl_str_c(dir_names[d]);
    for (int class = 0; class < 3; class ++) {
        struct rows rows = {.a = pl_arena_new()};
        struct pl_command c = {.kind = PL_CMD_LOAD};
        c.load.class = (enum pl_load_class) class;
        c.load.dirs = dirs;
        c.load.n_dirs = N_DIRS;
        c.load.limit = 1000;
        c.load.named_leavers = 2;
        c.load.named_per_hour = 4;
        c.load.passed_us = US_HOUR;
        c.load.persons = persons;
        c.load.n_persons = class == PL_LOAD_PREVIEW ? 3 : 0;
        store_load(s, &c, now, &rows);
        open_check("load");
        printf("\"class\": \"%s\", \"persons\": %s, ", names[class], class == PL_LOAD_PREVIEW ? "[1, 2, 3]" : "[]");
        print_rows(&rows, true);
        free(rows.v);
        pl_arena_free(rows.a);
    }
}

static void scans(struct store *s, struct rng *r, int64_t now)
{
    const struct role_group *g = &s->w->groups[rng_below(r, s->w->n_groups)];
    struct rows rows = {.a = pl_arena_new()};
    store_scan_accounts(s, g->dir, true, now, &rows);
    open_check("scan_accounts");
    printf("\"directory\": \"%s\", ", dir_names[g->dir]);
    print_rows(&rows, false);
    rows.n = 0;
    store_scan_group(s, g->dir, pl_str_c(g->dn), now, &rows);
    open_check("scan_group");
    printf("\"directory\": \"%s\", \"group\": \"%s\", ", dir_names[g->dir], g->dn);
    print_rows(&rows, false);
    rows.n = 0;
    store_scan_groups(s, g->dir, now, &rows);
    open_check("scan_groups");
    printf("\"directory\": \"%s\", ", dir_names[g->dir]);
    print_rows(&rows, false);
    free(rows.v);
    pl_arena_free(rows.a);
}

void history_check(struct store *s, struct rng *r, int64_t now)
{
    static const int64_t offsets[] = {-50, -2, 1, 3, 100};
    dirty(s);
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++)
        wanted(s, now + offsets[i] * US_HOUR + rng_span(r, 0, 20 * US_MINUTE));
    if (world_next_change(s->w, now) <= now + 50 * US_SECOND)
        return; /* what is wanted just now depends on how fast the replay is */
    loads(s, now + US_SECOND);
    scans(s, r, now + US_SECOND);
}
