/* undo-depart: a departure that HR entered by mistake. What is said of passwords comes from the database, as a note. */
#include "args.h"

#include <jansson.h>

/* Columns of ctl_undo_depart. */
enum { COL_UNTIL, COL_GRANTS, COL_CANCELLED, COL_OPENED, COL_CLOSED };

static void say(struct ctl *c, const char *number, const PGresult *r)
{
    int grants = ctl_int(r, 0, COL_GRANTS), cancelled = ctl_int(r, 0, COL_CANCELLED);
    int opened = ctl_int(r, 0, COL_OPENED), closed = ctl_int(r, 0, COL_CLOSED);
    const char *until = PQgetvalue(r, 0, COL_UNTIL);
    ctl_say(c, "The departure of number %s is taken back; %s%s.", number,
            *until ? "the work ends " : "no end is planned", until);
    if (grants > 0)
        ctl_say(c, "%d right%s as before.", grants, grants == 1 ? " holds" : "s hold");
    if (cancelled > 0 || opened > 0)
        ctl_say(c, "Work orders: %d cancelled, %d new; `paaslactl work list` shows what is to be done by hand.",
                cancelled, opened);
    if (closed > 0)
        ctl_say(c, "paaslad opens %d account%s again and puts the groups back; `paaslactl why %s` tells how far it is.",
                closed, closed == 1 ? "" : "s", number);
}

int cmd_undo_depart(struct ctl *c, int argc, char **argv)
{
    struct ctl_args a;
    ctl_args_start(&a, c, argc, argv);
    const char *ref = ctl_option(&a, "--ref");
    const char *institution = ctl_option(&a, "--institution");
    ctl_need(&a, "--ref", ref);
    if (!ctl_args_end(&a, 1, 1))
        return CTL_USAGE;
    const char *params[] = {a.word[0], ref, institution};
    int code = CTL_OK;
    PGresult *r = ctl_query(c, "ctl_undo_depart", 3, params, &code);
    if (!r)
        return code;
    say(c, a.word[0], r);
    if (c->json)
        ctl_print_json_value(json_pack("{s:s, s:o, s:i, s:i, s:i, s:i}", "employee_no", a.word[0], "until",
                                       ctl_json_value(r, 0, COL_UNTIL), "grants_back", ctl_int(r, 0, COL_GRANTS),
                                       "orders_cancelled", ctl_int(r, 0, COL_CANCELLED), "orders_opened",
                                       ctl_int(r, 0, COL_OPENED), "accounts_closed", ctl_int(r, 0, COL_CLOSED)));
    PQclear(r);
    return code;
}
