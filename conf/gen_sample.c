/* Writes the sample configuration from the option rows:
 *   meson compile -C build gen_sample && build/lib/gen_sample >conf/paasla.conf
 * tests/unit/test_conf.c proves that conf/paasla.conf is what this writes. */
#include "lib/conf/conf.h"

int main(void)
{
    pl_conf_write_sample(stdout);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 1;
}
