/* From when on kinit is refused: logs on to a KDC once, as kinit does, and then sends the message that got the ticket over
 * and over, until it gets none. The message is good for five minutes, and costs us nothing to make: one question is as dear
 * for an account that is closed fast as for one that is closed slowly.
 *
 * usage: refused KDC-ADDRESS     (KRB5_CONFIG names the realm)
 * A line of standard input is a log-in and its password. It is answered with "open" when there was a ticket, and at the end
 * with the moment of the refusal and how long before that the last message was sent that still got one. */
#define PROGRAM "refused"
#include "bench.h"

#include <arpa/inet.h>
#include <krb5.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, PAUSE_US = 5000, SAYS_ERROR = 0x7e, GIVES_TICKET = 0x6b };
enum { DISABLED = 18, WRONG_PASSWORD = 24 }; /* RFC 4120, 7.5.9 */

static krb5_context krb;
static struct sockaddr_in address = {.sin_family = AF_INET};
static int kdc = -1;

static void connect_kdc(void)
{
    if (kdc >= 0)
        close(kdc);
    kdc = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (kdc < 0 || connect(kdc, (struct sockaddr *)&address, sizeof address) != 0)
        die("the KDC cannot be reached");
}

static bool read_all(char *to, size_t want)
{
    for (size_t have = 0; have < want;) {
        struct pollfd p = {.fd = kdc, .events = POLLIN};
        ssize_t n = poll(&p, 1, PATIENCE_MS) == 1 ? recv(kdc, to + have, want - have, 0) : -1;
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return true;
}

/* One message and its answer by TCP (RFC 4120, 7.2.2). Length and message leave together: apart, the second would wait for
 * the first one's delayed acknowledgement, 40 ms. */
static bool exchange(const krb5_data *q, krb5_data *answer)
{
    static char room[65536];
    uint32_t size = htonl(q->length);
    struct iovec parts[] = {{&size, sizeof size}, {q->data, q->length}};
    struct msghdr whole = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(kdc, &whole, MSG_NOSIGNAL) != (ssize_t)(sizeof size + q->length) ||
        !read_all((char *)&size, sizeof size) || ntohl(size) < 1 || ntohl(size) > sizeof room ||
        !read_all(room, ntohl(size)))
        return false;
    *answer = (krb5_data){.data = room, .length = ntohl(size)};
    return true;
}

/* A server may close a connection that it has answered on. */
static krb5_data ask(const krb5_data *q)
{
    krb5_data answer = {0};
    if (!exchange(q, &answer)) {
        connect_kdc();
        if (!exchange(q, &answer))
            die("the KDC does not answer");
    }
    return answer;
}

/* The message to which a ticket is the answer. */
static krb5_data log_on(const char *login, const char *password)
{
    krb5_principal who = NULL;
    krb5_init_creds_context c = NULL;
    krb5_data in = {0}, out = {0}, sent = {0}, realm = {0};
    unsigned int flags = 0;
    if (krb5_parse_name(krb, login, &who) != 0 || krb5_init_creds_init(krb, who, NULL, NULL, 0, NULL, &c) != 0 ||
        krb5_init_creds_set_password(krb, c, password) != 0)
        die("no log-on can be begun");
    for (;;) {
        if (krb5_init_creds_step(krb, c, &in, &out, &realm, &flags) != 0)
            die("this account cannot log on");
        krb5_free_data_contents(krb, &realm);
        if (!(flags & KRB5_INIT_CREDS_STEP_FLAG_CONTINUE))
            break;
        krb5_free_data_contents(krb, &sent);
        sent = out;
        out = (krb5_data){0};
        in = ask(&sent);
    }
    krb5_init_creds_free(krb, c);
    krb5_free_principal(krb, who);
    return sent;
}

static bool gets_ticket(const krb5_data *q)
{
    krb5_data answer = ask(q);
    krb5_error *said = NULL;
    if (answer.data[0] == GIVES_TICKET)
        return true;
    if (answer.data[0] != SAYS_ERROR || krb5_rd_error(krb, &answer, &said) != 0)
        die("an answer of another kind");
    if (said->error != DISABLED && said->error != WRONG_PASSWORD)
        die("the KDC refuses for another reason");
    krb5_free_error(krb, said);
    return false;
}

static void watch(const char *login, const char *password)
{
    krb5_data q = log_on(login, password);
    struct timespec pause = {.tv_nsec = PAUSE_US * 1000L};
    double last = now_s(), asked = last;
    if (!gets_ticket(&q))
        die("the message is good for one time only");
    puts("open");
    fflush(stdout);
    while (asked = now_s(), gets_ticket(&q)) {
        last = asked;
        nanosleep(&pause, NULL);
    }
    double at = now_s();
    printf("%.6f %.6f\n", at, at - last);
    fflush(stdout);
    krb5_free_data_contents(krb, &q);
}

int main(int argc, char **argv)
{
    char line[256];
    address.sin_port = htons(88);
    if (argc != 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
        die("usage: refused KDC-ADDRESS");
    if (krb5_init_context(&krb) != 0)
        die("no configuration of Kerberos");
    connect_kdc();
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *password = strchr(line, ' ');
        if (!password)
            die("a line of another form");
        *password++ = '\0';
        watch(line, password);
    }
    close(kdc);
    krb5_free_context(krb);
    return 0;
}
