/* Filters: whatever the value, "(attr=value)" keeps its shape, and the value can be had back from it. */
#include "fuzz.h"
#include "lib/directory/filter.h"

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_buf out = {0};
    struct pl_str in = fuzz_str(data, size);
    size_t at = 5;

    pl_filter_equal(&out, "uid", in);
    RULE(out.len >= 6 && memcmp(out.s, "(uid=", 5) == 0 && out.s[out.len - 1] == ')');
    for (size_t i = 0; i < in.len; i++) {
        unsigned char byte;

        RULE(at < out.len - 1);
        if (out.s[at] == '\\') {
            RULE(at + 2 < out.len - 1 && hex(out.s[at + 1]) >= 0 && hex(out.s[at + 2]) >= 0);
            byte = (unsigned char)(hex(out.s[at + 1]) * 16 + hex(out.s[at + 2]));
            at += 3;
        } else {
            byte = (unsigned char)out.s[at++];
            RULE(byte >= 0x20 && byte < 0x7f && strchr("*()\\", byte) == NULL);
        }
        RULE(byte == data[i]);
    }
    RULE(at == out.len - 1);
    RULE(out.len <= 6 + 3 * in.len);
    pl_buf_clear(&out);
    pl_buf_add_c(&out, "(|"); /* what stands there already stays */
    pl_filter_equal(&out, "uid", in);
    RULE(memcmp(out.s, "(|(uid=", 7) == 0 && out.s[out.len - 1] == ')');
    pl_buf_free(&out);
    return 0;
}
