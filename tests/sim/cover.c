/* What was reached: rows of the tables, counted by standing in front of the functions that choose them (the
 * linker's --wrap), and kinds of faults. */
#include <stdio.h>
#include "../../lib/core/names.h"
#include "run.h"

const struct pl_life_row *__wrap_pl_life_step(enum pl_state state, enum pl_need need, enum pl_seen seen);
const struct pl_life_row *__real_pl_life_step(enum pl_state state, enum pl_need need, enum pl_seen seen);
const struct pl_member_row *__wrap_pl_member_step(const struct pl_member_in *in);
const struct pl_member_row *__real_pl_member_step(const struct pl_member_in *in);

const struct pl_keep_row *__wrap_pl_keep_step(const struct pl_keep_in *in);
const struct pl_keep_row *__real_pl_keep_step(const struct pl_keep_in *in);

const struct pl_name_row *__wrap_pl_name_step(enum pl_name_seen seen, bool fought);
const struct pl_name_row *__real_pl_name_step(enum pl_name_seen seen, bool fought);

enum { ROWS_MAX = 128 };
static unsigned long life[ROWS_MAX], member[ROWS_MAX], keep[ROWS_MAX], name[ROWS_MAX], faults[N_FAULTS];

const struct pl_life_row *__wrap_pl_life_step(enum pl_state state, enum pl_need need, enum pl_seen seen)
{
    const struct pl_life_row *r = __real_pl_life_step(state, need, seen);
    life[r - pl_life_table]++;
    return r;
}

const struct pl_member_row *__wrap_pl_member_step(const struct pl_member_in *in)
{
    const struct pl_member_row *r = __real_pl_member_step(in);
    member[r - pl_member_table]++;
    return r;
}

const struct pl_keep_row *__wrap_pl_keep_step(const struct pl_keep_in *in)
{
    const struct pl_keep_row *r = __real_pl_keep_step(in);
    keep[r - pl_keep_table]++;
    return r;
}

const struct pl_name_row *__wrap_pl_name_step(enum pl_name_seen seen, bool fought)
{
    const struct pl_name_row *r = __real_pl_name_step(seen, fought);
    name[r - pl_name_table]++;
    return r;
}

void cover_fault(enum fault f)
{
    faults[f]++;
}

bool cover_print(void)
{
    bool all = true;
    for (size_t i = 0; i < pl_life_rows; i++) {
        printf("life   row %3d %10lu  %s\n", pl_life_table[i].id, life[i], pl_life_table[i].sentence);
        all &= life[i] > 0;
    }
    for (size_t i = 0; i < pl_member_rows; i++) {
        printf("member row %3d %10lu  %s\n", pl_member_table[i].id, member[i], pl_member_table[i].sentence);
        all &= member[i] > 0;
    }
    for (size_t i = 0; i < pl_keep_rows; i++) {
        printf("keep   row %3d %10lu  %s\n", pl_keep_table[i].id, keep[i], pl_keep_table[i].sentence);
        all &= keep[i] > 0;
    }
    for (size_t i = 0; i < pl_name_rows; i++) {
        printf("name   row %3d %10lu  %s\n", pl_name_table[i].id, name[i], pl_name_table[i].sentence);
        all &= name[i] > 0;
    }
    for (int f = 0; f < N_FAULTS; f++) {
        printf("fault          %10lu  %s\n", faults[f], fault_names[f]);
        all &= faults[f] > 0;
    }
    if (!all)
        printf("a row or a fault was never reached\n");
    return all;
}
