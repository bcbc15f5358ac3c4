/* The commands, in the order in which --help lists them. */
#include "ctl.h"

#include <string.h>

const struct ctl_command ctl_commands[] = {
    {"status", "status", "does anything need you, and how are things", NULL,
     "  paaslactl status\n  paaslactl --json status", cmd_status},
    {"db", "db migrate [--dry-run] | db status", "make or update the schema of the database",
     "  --dry-run  say what would be applied, and exit with 1 if anything would",
     "  paaslactl --dsn 'dbname=paasla user=postgres' db migrate\n  paaslactl db status", cmd_db},
    {"hire", "hire NUMBER GIVEN FAMILY --institution I [options]", "enter a person who begins to work",
     "  --institution I   where\n"
     "  --from DATE       from that day or moment; without it from now on\n"
     "  --unit U          department\n"
     "  --position P      what they work as\n"
     "  --kind K          official, employee (without the option), external, trainee or elected\n"
     "  --it-admin        is an IT administrator: has a second account for that\n"
     "  --code ISIKUKOOD  the personal code\n"
     "  --manager NO      employee number of the manager",
     "  paaslactl hire 1042 Õie Mägi-Tamm --institution linn --from 2025-12-01 --unit Rahandus\n"
     "  paaslactl hire 2003 Uku Kask --institution kool --kind trainee --manager 1007",
     cmd_hire},
    {"depart", "depart NUMBER --ref R [options]", "end a person's work and lock the accounts",
     "  --ref R           the document it rests on\n"
     "  --last-day DATE   the last working day; without it the work ends now\n"
     "  --institution I   where two institutions use the number\n"
     "  --wait [SECONDS]  wait until all accounts are out (60 s if not said); exit 5 if they are not by then.\n"
     "                    For each directory: no account, out, stays open, locked, not proven, still open",
     "  paaslactl depart 1042 --ref 'KK 2025/17' --wait\n  paaslactl depart 1042 --ref 'KK 2025/18' --last-day "
     "2025-12-31",
     cmd_depart},
    {"undo-depart", "undo-depart NUMBER --ref R [--institution I]", "take back a departure that was entered by mistake",
     "  --ref R           the document it rests on\n"
     "  --institution I   where two institutions use the number\n\n"
     "The same employment goes on, and the rights that ended with it hold again. Accounts that were closed are\n"
     "opened again; their old passwords are gone. Refused where the person was hired again since then.",
     "  paaslactl undo-depart 1042 --ref 'KK 2025/18'\n  paaslactl undo-depart 1042 --ref 'KK 2025/18' --institution "
     "linn",
     cmd_undo_depart},
    {"grant", "grant NUMBER REGISTER ROLE --ref R [options]", "give a person a role in a register",
     "  --ref R           the request it rests on, filed before\n"
     "  --reason TEXT     why\n"
     "  --from DATE       from that day or moment on; without it at once\n"
     "  --until DATE      until then, a day is its beginning; without it until the person leaves\n"
     "  --institution I   where two institutions use the number",
     "  paaslactl request file 'T-2025/88' --by 1007\n"
     "  paaslactl grant 1042 STAR vaataja --ref 'T-2025/88' --until 2026-06-30",
     cmd_grant},
    {"revoke", "revoke NUMBER REGISTER ROLE [--ref R] [--institution I]", "end a person's role in a register",
     "  --ref R           the document it rests on; kept with the end of the grant, filed as a request or not\n"
     "  --institution I   where two institutions use the number",
     "  paaslactl revoke 1042 STAR vaataja --ref 'T-2025/91'\n"
     "  paaslactl revoke 1042 STAR vaataja --institution linn",
     cmd_revoke},
    {"request", "request file REF --by NO [--sha256 HEX] | request approve REF",
     "file or approve what a grant rests on",
     "  --by NO        employee number of the person who asks\n"
     "  --sha256 HEX   of the document",
     "  paaslactl request file 'T-2025/88' --by 1007\n  paaslactl request approve 'T-2025/88'", cmd_request},
    {"work", "work list [--all] | work done ID [--note TEXT] | work cancel ID --note TEXT",
     "what people have to do by hand",
     "  --all          closed ones too\n  --note TEXT    what was done, or why it need not be",
     "  paaslactl work list\n  paaslactl work done 17 --note 'removed in STAR'", cmd_work},
    {"plan", "plan [DIRECTORY] [--timeout S] | plan list | plan show DIGEST | plan approve DIGEST [--for INTERVAL]",
     "what would be done now; plans that wait for somebody",
     "  --timeout S      how long to wait for the daemon (30 s); exit 5 if it does not answer\n"
     "  --for INTERVAL   how long an approval stands: '30 minutes', 2h (1 hour if not said; at most a day)\n\n"
     "Without a verb nothing is written; exit 1 if anything would be done.",
     "  paaslactl plan\n  paaslactl plan list\n  paaslactl plan approve 3f9a01c2 --for '30 minutes'", cmd_plan},
    {"sync", "sync [DIRECTORY] [--timeout S]", "compare everything now and wait until it is done",
     "  --timeout S   how long to wait for the daemon (120 s); exit 5 if it is not done by then\n\n"
     "Tells of each directory what was found. Exit 1 when one could not be compared whole, a plan is held, or "
     "something\n"
     "is to be tried again.",
     "  paaslactl sync\n  paaslactl sync main --timeout 600", cmd_sync},
    {"preflight", "preflight [DIRECTORY] [--config FILE] [--snippets FILE] [--protected-accounts] [--selftest OU]",
     "what stands in the way, before anything is switched on",
     "  --config FILE     the daemon's configuration (/etc/paasla/paasla.conf)\n"
     "  --snippets FILE   write what puts things right, with what takes it back, into FILE; - prints only that\n"
     "  --protected-accounts  Active Directory: with --snippets (or --json) also what lets the daemon lock accounts "
     "that\n"
     "                    AdminSDHolder protects. It is as mighty as an administrator of the domain then; without it "
     "such a\n"
     "                    departure is a work order for a person\n"
     "  --selftest OU     see how the server behaves, by writing in this empty OU and nowhere else\n\n"
     "It logs on to the directories as paaslad does and reads; nothing is written, in PostgreSQL or in a directory.\n"
     "Run it as the daemon's user with the secrets of the daemon's unit (CREDENTIALS_DIRECTORY), as README's chapter\n"
     "Install does. Exit 1 when something needs a person; what is only a note or cannot be known needs nobody.\n\n"
     "With --selftest PostgreSQL is not asked, and DIRECTORY is needed where several are configured. Accounts and a\n"
     "group called paasla-selftest-... are made strictly below OU, locked, opened, renamed, closed and removed, also\n"
     "after an interruption; what a run that was killed left there, the next one removes. Exit 1 when the server\n"
     "behaves otherwise than the daemon needs or something is left, 2 when OU is not there or not empty (nothing is\n"
     "written then), 4 when the directory cannot be reached. With --snippets it only writes how OU is made and given\n"
     "to our account.",
     "  paaslactl preflight\n  paaslactl preflight linn --snippets -\n"
     "  paaslactl preflight linn --selftest 'ou=paasla-selftest,dc=linn,dc=ee'",
     cmd_preflight},
    {"why", "why PERSON [REGISTER]", "who somebody is, what every right rests on, and what may still live",
     "  PERSON is an employee number, INSTITUTION/number, a log-in or part of a name. With a REGISTER its ended "
     "grants\n"
     "  are told too. Exit 1 when somebody has left and is not yet out: while an account, a group, a grant, a work "
     "order,\n"
     "  a finding or a held plan is open, something waits for the daemon, a directory could not be compared whole.",
     "  paaslactl why 1042\n  paaslactl why 'Mari Tamm' STAR", cmd_why},
    {"person", "person [PERSON]", "people and their accounts", NULL, "  paaslactl person\n  paaslactl person linn/1042",
     cmd_person},
    {"letter", "letter PERSON [--lang et|en] [--html] [--out FILE] [--password-file FILE] [--conf FILE]",
     "one page for a joiner: log-ins, registers, duties, whom to ask",
     "  --lang L              et (Estonian, without the option) or en (English)\n"
     "  --html                a page to print from a browser; without it text of 60 lines by 80 columns\n"
     "  --out FILE            into a file that only its owner reads; without it, or with -, to standard output\n"
     "  --password-file FILE  put the first password into the letter that paaslad left in FILE (LOGIN-TIME, mode "
     "0600)\n"
     "  --conf FILE           the daemon's configuration, to say how first passwords are given\n\n"
     "The letter holds no password without --password-file.",
     "  paaslactl letter 1042\n  paaslactl letter linn/1042 --lang en --html --out letter.html\n"
     "  paaslactl letter 1042 --password-file /var/lib/paasla/first/oie.magi-tamm-20260302T060000Z | lp",
     cmd_letter},
    {"register", "register [REGISTER]", "registers, or the roles of one", NULL,
     "  paaslactl register\n  paaslactl register STAR", cmd_register},
    {"matrix", "matrix [--register R] [--person P] [--institution I] [--csv [FILE] | --html [FILE]]",
     "who may do what now",
     "  --register R      only this register\n"
     "  --person P        only this person\n"
     "  --institution I   only people of this institution\n"
     "  --csv [FILE]      people by registers, for Excel in Estonia: UTF-8, semicolons\n"
     "  --html [FILE]     the same as one page to look at, search and print\n\n"
     "Without FILE, or with -, a document goes to standard output; a file is only its owner's to read.",
     "  paaslactl matrix\n  paaslactl matrix --html maatriks.html\n  paaslactl matrix --csv star.csv --register STAR",
     cmd_matrix},
    {"findings", "findings [--all] [--severity S]", "what was found and should not be so",
     "  --all          resolved ones too\n"
     "  --severity S   only info, warning or critical\n\n"
     "Exit 1 when a critical one is open.",
     "  paaslactl findings\n  paaslactl findings --severity critical", cmd_findings},
    {"log", "log [--person P] [--register R] [--since T] [--until T] [--action A] [--limit N] [--follow]",
     "who did what, and when",
     "  --person P     only about this person\n"
     "  --register R   only about this register\n"
     "  --since T      from then on: 2026-03-01, 2026-03-01T08:00:00+02:00, today, -2h, -30m\n"
     "  --until T      before that moment; a day is its beginning\n"
     "  --action A     only this action, or all that begin with it: grant, grant.given\n"
     "  --limit N      so many of the newest (200; 20 with --follow)\n"
     "  --follow       go on with what is added; what stands beside a long open transaction comes when that ends\n\n"
     "Times are Tallinn's; with --json they are UTC, and --follow prints one object a line.",
     "  paaslactl log --person 1042 --since -2h\n  paaslactl log --follow", cmd_log},
    {0},
};

const struct ctl_command *ctl_find_command(const char *name)
{
    for (const struct ctl_command *k = ctl_commands; k->name; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}
