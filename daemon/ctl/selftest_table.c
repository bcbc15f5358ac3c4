/* The checks. What another answer would mean stands beside each: an administrator reads it before the first departure, not
 * after it. */
#include "selftest.h"

#define LDAP (PF_OPENLDAP | PF_389DS)

/* What several rows say. */
#define NO_RIGHT "Give our account its rights in the OU (--snippets -), or look into the server's log."
#define BEWARE   "Do not switch the directory on before this is understood."

static const char lock_holds_not[] =
    "A leaver would go on logging on: the lock is written, and the server does not enforce it.";
static const char lock_holds_do[] =
    "OpenLDAP: load the overlay ppolicy on this database with a default policy that exists, and name it in policy_dn "
    "(`paaslactl preflight` has the texts). Others: look for what overrides the lock. " BEWARE;
static const char fence_means[] = "A write of the daemon that was lost on the way and comes late could undo what "
                                  "somebody else, or the daemon itself, "
                                  "has written since.";

const struct st_check st_checks[] = {
    /* ---- accounts ---- */
    {"place", PF_ALL, 0, ST_PLACE, ST_CODE, 0, "an entry is made in the OU and removed", st_place_usable,
     "Our account may not make and remove entries in this OU, so nothing can be tried.", NO_RIGHT},
    {"create", PF_ALL, ST_PLACE, ST_ACCOUNT, ST_CODE, 0, "an account is made as for a joiner, and shows its id",
     st_born, "The daemon could not make the accounts of joiners as the configuration has them.",
     "Correct object_classes, attribute.* and login_attribute, or the rights: the code says which."},
    {"create_locked", PF_ALL, ST_ACCOUNT, 0, ST_CODE, 0, "locked from its first moment, and that can be proven",
     st_born_proven, "A joiner's account would be open before the daemon opens it, or its lock could not be proven.",
     lock_holds_do},
    {"password", PF_ALL, ST_ACCOUNT, ST_PASSWORD, ST_CODE, 0, "it takes a first password while it is locked",
     st_password_locked, "The daemon could give nobody a first password.",
     "Give our account the right to set passwords. 19 or 53: a password policy refuses 16 letters and digits, or the "
     "connection is not encrypted."},
    {"log_on_locked", PF_OPENLDAP, ST_PASSWORD, 0, ST_REFUSED, 49, "log-on with that password, while it is locked",
     st_log_on_one, lock_holds_not, lock_holds_do},
    {"log_on_locked", PF_389DS, ST_PASSWORD, 0, ST_REFUSED, 53, "log-on with that password, while it is locked",
     st_log_on_one, lock_holds_not, lock_holds_do},
    {"log_on_locked", PF_AD, ST_PASSWORD, 0, ST_REFUSED, 49, "log-on with that password, while it is locked",
     st_log_on_one, lock_holds_not, lock_holds_do},
    {"open", PF_ALL, ST_PASSWORD, ST_OPEN, ST_CODE, 0, "the lock is taken away", st_open,
     "The daemon could open nobody's account.", NO_RIGHT},
    {"log_on", PF_ALL, ST_OPEN, ST_LETS_IN, ST_CODE, 0, "log-on with that password, when it is open", st_log_on_one,
     "An opened account cannot log on, and a refused log-on proves no lock.",
     "See what else stops log-ons of this OU: policies, hours, computers, or rights to log on by LDAP."},

    /* ---- groups ---- */
    {"group", PF_ALL, ST_ACCOUNT, ST_GROUP, ST_CODE, 0, "a group is made and known for one", st_group_create,
     "Groups of this kind cannot be tried.", NO_RIGHT},
    {"group_add", PF_OPENLDAP, ST_GROUP, ST_MEMBER, ST_CODE, 0, "a member is put in, the placeholder taken out",
     st_group_add, "The daemon could give nobody a group.", NO_RIGHT},
    {"group_add", PF_389DS | PF_AD, ST_GROUP, ST_MEMBER, ST_CODE, 0, "a member is put in", st_group_add,
     "The daemon could give nobody a group.", NO_RIGHT},
    {"second", PF_ALL, ST_MEMBER, ST_SECOND, ST_CODE, 0, "a second account is made", st_second,
     "Checks with two accounts cannot be made.", NO_RIGHT},
    {"group_twice", LDAP, ST_MEMBER, 0, ST_ADDED, 20, "a member is put in that is there", st_group_twice,
     "The daemon takes this answer for trouble and reports a grant as not done that is.", BEWARE},
    {"group_twice", PF_AD, ST_MEMBER, 0, ST_ADDED, 68, "a member is put in that is there", st_group_twice,
     "The daemon takes this answer for trouble and reports a grant as not done that is.", BEWARE},
    {"group_twice_among", LDAP, ST_SECOND, 0, ST_ADDED, 20, "the same beside a new one: all refused, nothing written",
     st_group_twice_among, "Of a list that is given a group at once, some may be in it and others not.", BEWARE},
    {"group_twice_among", PF_AD, ST_SECOND, 0, ST_ADDED, 68, "the same beside a new one: all refused, nothing written",
     st_group_twice_among, "Of a list that is given a group at once, some may be in it and others not.", BEWARE},
    {"group_absent", LDAP, ST_SECOND, 0, ST_REMOVED, 16, "one is taken out that is not in", st_group_absent,
     "The daemon takes this answer for trouble and reports a right as not ended that is.", BEWARE},
    {"group_absent", PF_AD, ST_SECOND, 0, ST_REMOVED, 53, "one is taken out that is not in", st_group_absent,
     "The daemon takes this answer for trouble and reports a right as not ended that is.", BEWARE},
    {"group_absent_among", LDAP, ST_SECOND, 0, ST_REMOVED, 16, "the same beside a member: all refused, nothing written",
     st_group_absent_among, "Of a list of leavers, some may stay in a group that the daemon believes them out of.",
     BEWARE},
    {"group_absent_among", PF_AD, ST_SECOND, 0, ST_REMOVED, 53,
     "the same beside a member: all refused, nothing written", st_group_absent_among,
     "Of a list of leavers, some may stay in a group that the daemon believes them out of.", BEWARE},
    {"ranged", PF_AD, ST_SECOND, 0, ST_CODE, 0, "members are read in parts, as those of a large group", st_ranged,
     "Groups with more members than the server gives at once could not be read whole.", BEWARE},
    {"group_last", PF_OPENLDAP, ST_MEMBER, 0, ST_REMOVED, 65, "the last member is refused to go", st_group_last,
     "The daemon does not know this answer, and would put in no placeholder.", BEWARE},
    {"group_last", PF_389DS | PF_AD, ST_MEMBER, 0, ST_CODE, 0, "the last member goes", st_group_last,
     "The last member would not get out of a group: the daemon needs a placeholder, and uses none here.",
     "Configure placeholder_dn; a plugin or the schema may want a member."},
    {"group_placeholder", PF_OPENLDAP, ST_MEMBER, 0, ST_CODE, 0, "it goes when a placeholder comes in",
     st_group_placeholder, "The last member would not get out of a group.",
     "See what the server checks in its groups."},

    /* ---- somebody else's hand ---- */
    {"fence_other", PF_AD, ST_OPEN, 0, ST_CODE, 16, "disabled by flags that somebody else has changed since",
     st_fence_other, fence_means, BEWARE},
    {"fence_late", PF_AD, ST_OPEN, 0, ST_CODE, 16, "an old disabling, when it was disabled and enabled since",
     st_fence_late, fence_means, "Let our account read and write fence_attribute. " BEWARE},

    /* ---- locked ---- */
    {"lock", PF_ALL, ST_ACCOUNT, ST_LOCKED, ST_CODE, 0, "the account is locked", st_lock,
     "The daemon could lock nobody.", NO_RIGHT},
    {"log_on_after_lock", PF_OPENLDAP | PF_AD, ST_LOCKED | ST_LETS_IN, 0, ST_REFUSED, 49,
     "log-on with the right password, after the lock", st_log_on_one, lock_holds_not, lock_holds_do},
    {"log_on_after_lock", PF_389DS, ST_LOCKED | ST_LETS_IN, 0, ST_REFUSED, 53,
     "log-on with the right password, after the lock", st_log_on_one, lock_holds_not, lock_holds_do},
    {"lock_proven", PF_ALL, ST_LOCKED, 0, ST_CODE, 0, "the lock is seen, and that it holds", st_lock_proven,
     "No departure would be told as done: the daemon sees a lock that it cannot prove.", lock_holds_do},
    {"open_other", PF_OPENLDAP, ST_LOCKED, 0, ST_CODE, 16, "opened by what was read before somebody locked it anew",
     st_open_other, fence_means, BEWARE},
    {"first_password", PF_ALL, ST_LOCKED, ST_OPEN, ST_CODE, 0, "opened with a first password, as for a joiner",
     st_first, "The daemon could open no joiner's account.",
     "19 or 53: a password policy refuses it. Otherwise: " NO_RIGHT},
    {"log_on_first", PF_ALL, ST_OPEN, ST_FIRST, ST_CODE, 0,
     "log-on with the first password; 49 where it has to be changed", st_log_on_first,
     "Joiners could not log on with what they are handed.", "See what else stops log-ons of this OU."},
    {"close", PF_ALL, ST_ACCOUNT, ST_CLOSED, ST_CODE, 0, "closed as a leaver's: locked, the password made useless",
     st_close, "A departure would not be done whole.",
     "Where the lock is there and the password stays: let our account write the password, whatever a policy says of "
     "it."},
    {"log_on_closed", PF_OPENLDAP | PF_AD, ST_CLOSED | ST_FIRST, 0, ST_REFUSED, 49,
     "log-on with the old password, after that", st_log_on_one, lock_holds_not, lock_holds_do},
    {"log_on_closed", PF_389DS, ST_CLOSED | ST_FIRST, 0, ST_REFUSED, 53, "log-on with the old password, after that",
     st_log_on_one, lock_holds_not, lock_holds_do},
    {"old_password", PF_ALL, ST_CLOSED | ST_FIRST, 0, ST_REFUSED, 49,
     "log-on with it when somebody opens the account by hand", st_by_hand,
     "A leaver's old password comes back with an account that is opened by hand.",
     "Let our account write the password, whatever a policy says of it."},

    /* ---- names ---- */
    {"name", PF_ALL, ST_ACCOUNT, ST_NAMED, ST_CODE, 0, "an account with every letter of ours and a comma", st_named,
     "People with such names could get no account.",
     "See the code; another form of names in rdn_template may be taken."},
    {"name_found", PF_ALL, ST_NAMED, 0, ST_CODE, 0, "found by that name, and its DN is the one that was written",
     st_round_trip, "The daemon could lose sight of people with such names.", BEWARE},
    {"rename", PF_ALL, ST_NAMED, 0, ST_CODE, 0, "somebody renames it and moves it into an OU", st_rename,
     "Renaming and moving cannot be tried.", NO_RIGHT},
    {"found_by_id", PF_ALL, ST_NAMED, 0, ST_CODE, 0, "found by its id, under its name of now", st_by_id,
     "An account that is renamed or moved would be taken for one that is gone.", BEWARE},
    {"alike", PF_ALL, ST_ACCOUNT, 0, ST_INFORMS, 0, "log-ins that differ by the mark of one letter (jaan.oun)",
     st_alike, "", ""},

    /* ---- what else is relied on ---- */
    {"assertion", PF_ALL, ST_ACCOUNT, 0, ST_CODE, 122, "a write whose assertion does not hold", st_assertion,
     "The server offers the assertion control and does not heed it: a write could meet another state than was read.",
     BEWARE},
    {"post_read", PF_ALL, ST_ACCOUNT, 0, ST_CODE, 0, "a write is answered with the entry as it is then", st_post_read,
     "The daemon could not tell its own writes from those of others; each would be looked at once more.",
     "Let our account read what its own writes show."},
    {"paged", PF_ALL, ST_SECOND, 0, ST_CODE, 0, "all entries of the OU, two in a page", st_paged,
     "The full compare could not read everybody.", "Raise the limits of our account."},
    {0},
};
