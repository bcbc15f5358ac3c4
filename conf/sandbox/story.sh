# The story: what happens in a town, told in the commands its people type. Every step looks at what really happened, in
# PostgreSQL and in the directory, and ends the run with a sentence when it did not come true. Sourced by run.sh.

# ---- telling ----
step() { say "" "== $*"; }
tell() { say "   $*"; }

# A statement as somebody types it, and its result: sql ROLE STATEMENT
sql() {
    say "   $1=> $2;"
    sql_status=0
    PGUSER=$1 psql -X -q -v ON_ERROR_STOP=1 -P footer=off -c "$2" >"$DIR/run/said" 2>&1 || sql_status=$?
    sed '/^$/d; s/^/      /' "$DIR/run/said"
    [ "$sql_status" -eq 0 ] || untold "PostgreSQL refuses the statement"
}
typed() {
    for word in "$@"; do
        case $word in *[!A-Za-z0-9_./:=+-]*) printf "'%s' " "$word" ;; *) printf '%s ' "$word" ;; esac
    done | sed 's/ $//'
}
# A command as somebody types it: as ROLE COMMAND...
as() {
    as_role=$1; shift
    say "   $as_role\$ $(typed "$@")"
    as_status=0
    PGUSER=$as_role "$@" >"$DIR/run/said" 2>&1 || as_status=$?
    sed 's/^/      /' "$DIR/run/said"
    case "$as_status $2" in # 1 from those that look round says: something needs a person
        "0 "*|"1 why"|"1 status"|"1 findings") ;;
        *) untold "$* ended with $as_status" ;;
    esac
}

# ---- looking ----
untold() { die "the story does not come true: $*"; }
must() { # must SENTENCE COMMAND...
    must_sentence=$1; shift
    "$@" || untold "$must_sentence"
}
soon() { # soon SECONDS SENTENCE COMMAND...
    soon_seconds=$1 soon_sentence=$2; shift 2
    until_true "$soon_seconds" "$@" || untold "$soon_sentence"
}
ask() { psql_super -At -c "$1"; } # one value, as the superuser sees it
true_sql() { [ "$(ask "SELECT ($1)::text")" = true ]; }

# People and groups in the directory that `use` named.
login_of() { # login_of EMPLOYEE_NO [PURPOSE]
    ask "SELECT a.login FROM paasla.account a WHERE a.directory = '$D' AND a.purpose = '${2:-personal}' AND a.person_id =
         (SELECT max(s.person_id) FROM paasla.staff s WHERE s.employee_no = '$1')"
}
dn_of() { echo "$RDN=$1,$PEOPLE_BASE"; }
first_password() { # the newest one, as the operator finds it: first_password LOGIN
    head -n 1 "$(ls "$DIR/first/$D/$1"-2* | tail -n 1)"
}
password_of() { # what the person types: the first password, or the one chosen since: password_of LOGIN
    cat "$DIR/run/password.$D.$1" 2>/dev/null || first_password "$1"
}
bind() { ldapsearch -x -H "$URI" -D "$(dn_of "$1")" -w "$2" -s base -b "" 1.1 >/dev/null 2>&1; }
binds() { bind "$1" "$2" && on admits "$1" "$2"; } # binds LOGIN PASSWORD
logs_in() { # logs_in LOGIN
    [ -e "$DIR/run/password.$D.$1" ] || on first_log_on "$1" || return 1
    binds "$1" "$(password_of "$1")"
}
refused() { # an answer that says no, not a server that is away: refused LOGIN PASSWORD
    refused_status=0
    bind "$1" "$2" || refused_status=$?
    case " $REFUSED " in *" $refused_status "*) on keeps_out "$1" "$2" ;; *) return 1 ;; esac
}
groups_seen() { # what the directory says: groups_seen LOGIN
    groups_found=$(ldap_as_root ldapsearch -b "$GROUP_BASE" "(|(member=$(dn_of "$1"))(memberUid=$1))" cn) || return 1
    say "$groups_found" | sed -n 's/^cn: //p' | LC_ALL=C sort
}
groups_due() { # what the grants say: groups_due LOGIN
    ask "SELECT substring(e.group_dn FROM '^cn=([^,]+),') FROM paasla.entitlement e
         JOIN paasla.account a USING (person_id, directory, purpose) WHERE a.login = '$1' AND a.directory = '$D' AND e.mode = 'enforce'" |
        LC_ALL=C sort
}
has_its_groups() { [ "$(groups_seen "$1")" = "$(groups_due "$1")" ]; }
in_group() { groups_seen "$1" | grep -qx "$2"; }
# A search that failed says nothing about who is not there.
out_of_group() { groups=$(groups_seen "$1") && ! say "$groups" | grep -qx "$2"; }
in_no_group() { groups=$(groups_seen "$1") && [ -z "$groups" ]; }
state_is() { true_sql "(SELECT state FROM paasla.account WHERE login = '$1' AND directory = '$D') = '$2'"; } # state_is LOGIN STATE
one_line() { tr '\n' ' ' | sed 's/ $//'; }

# ---- the steps ----
in_step() {
    true_sql "NOT EXISTS (SELECT FROM paasla.wanted_account w LEFT JOIN paasla.account a USING (person_id, directory, purpose)
            WHERE w.cause = 'employed' AND a.state IS DISTINCT FROM 'open'
               OR w.cause = 'arriving' AND a.state IS DISTINCT FROM 'ready')
        AND NOT EXISTS (SELECT FROM paasla.entitlement e LEFT JOIN paasla.account a USING (person_id, directory, purpose)
            LEFT JOIN paasla.membership m ON m.account_id = a.account_id AND m.role_group_id = e.role_group_id
            WHERE e.mode = 'enforce' AND a.state = 'open' AND m.present IS NOT TRUE)"
}
not_ours() { # the entries that Pääsla must never touch, with the mark of their last change
    for entry in "$(dn_of vana.praktikant)" "cn=matkaklubi,$GROUP_BASE" "$(dn_of kanaarilind)"; do
        ldap_as_root ldapsearch -s base -b "$entry" "$MARK_ATTRIBUTE" | grep -i "^$MARK_ATTRIBUTE: " || return 1
    done
}

story_in_step() {
    soon 120 "the town does not come in step; paaslactl status says more" in_step
    said_in_step="$(ask "SELECT count(*) || ' accounts created, ' || count(*) FILTER (WHERE state = 'open') || ' of them open, '
        || (SELECT count(*) FROM paasla.membership WHERE present) || ' memberships' FROM paasla.account WHERE state <> 'none'")"
    say "The town is in step after $(( ($(date +%s%N) - began) / 1000000 )) ms: $said_in_step."
}

story_play() {
    untouched=$(not_ours) || untold "the entries that are not ours are not there"
    story_town
    story_joiner
    story_grant
    story_leaver
    story_drift
    story_list
    story_around
    step "8. What was never ours was never written"
    must "the account without an employment is not reported" true_sql "EXISTS (SELECT FROM paasla.finding
        WHERE kind = 'orphan_account' AND text LIKE '%vana.praktikant%')"
    must "an entry that Pääsla does not manage was changed" [ "$untouched" = "$(not_ours)" ]
    tell "vana.praktikant (no employment), the group matkaklubi and the canary are as they were."
    say "" "The story came true."
}

story_town() {
    step "1. The town is in step"
    on apart
    tell "$said_in_step."
    for same in "Katrin Saar" "Jüri Õun" "Juri Oun" "Fiona O’Connor" "Kevin O'Connor" "Anu Kuusemäe-Žuravljova" "Jaan Tamm"; do
        tell "$same: $(ask "SELECT string_agg(a.login || ' (' || a.purpose || ', ' || a.state || ')', ', ' ORDER BY a.account_id)
            FROM paasla.account a JOIN paasla.person p USING (person_id)
            WHERE p.given_name || ' ' || p.family_name = '$(printf '%s' "$same" | sed "s/'/''/g")'")"
    done
    must "two people of one name do not have two log-ins" true_sql "(SELECT count(DISTINCT a.login) = 2 FROM paasla.account a
        JOIN paasla.person p USING (person_id) WHERE p.given_name = 'Katrin' AND p.family_name = 'Saar')"
    must "the administrator does not have two accounts" true_sql "(SELECT count(*) = 2 FROM paasla.account a
        JOIN paasla.person p USING (person_id) WHERE p.given_name = 'Jaan' AND p.family_name = 'Tamm')"
    must "Tiiu Rebane, employed twice, does not have one account" true_sql "(SELECT count(*) = 1 FROM paasla.account a
        JOIN paasla.person p USING (person_id) WHERE p.family_name = 'Rebane')"
    must "the account of somebody who starts next week does not wait" state_is "$(login_of 1052)" ready
    must "somebody who has been away for months got an account" [ -z "$(login_of 1049)" ]
    for number in 1006 1042 2004; do
        login=$(login_of "$number")
        must "$login does not have exactly the groups of the grants" has_its_groups "$login"
    done
    login=$(login_of 1006 admin)
    must "$login does not have exactly the groups of the grants" has_its_groups "$login"
}

story_joiner() {
    step "2. Somebody is hired, gets rights on a request, and logs in"
    sql hr_mari "INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, unit, position, manager_no) VALUES ('LV', '1060', 'Triin', 'Räästas', 'Sotsiaalosakond', 'sotsiaaltöötaja', '1020')"
    as it_jaan paaslactl request file KK-2026-110 --by 1020
    for right in "KATALOOG linnavalitsus" "EPOST kasutaja" "FAIL kasutaja" "NAS sotsiaal_rw" "WD sotsiaal" "STAR sotsiaaltootaja"; do
        as it_jaan paaslactl grant 1060 $right --ref KK-2026-110 --reason "ametikoht: sotsiaaltöötaja"
    done
    soon 90 "nobody made an account for employee 1060" true_sql "EXISTS (SELECT FROM paasla.account a JOIN paasla.staff s
        USING (person_id) WHERE s.employee_no = '1060' AND a.state = 'open')"
    joiner=$(login_of 1060)
    soon 90 "$joiner does not get exactly the groups of the grants" has_its_groups "$joiner"
    must "$joiner cannot log in with the first password" logs_in "$joiner"
    must "$joiner logs in with a wrong password" refused "$joiner" "not-the-password"
    tell "$joiner logs in. Groups: $(groups_seen "$joiner" | one_line)"
    as it_jaan paaslactl letter 1060 --out "$DIR/run/letter"
    must "the joiner's letter lacks something: $(cat "$DIR/run/said")" [ ! -s "$DIR/run/said" ]
    must "the joiner's letter does not say whom to ask" grep -q "it@paju.test" "$DIR/run/letter"
}

story_grant() {
    step "3. A right is given until a moment, and ends by itself"
    for span in 5 30 120; do # a host that needs longer than that to write it sees nothing of the right
        as it_jaan paaslactl grant 1060 NAS rahandus_ro --ref KK-2026-110 --reason "aruande koostamine" \
            --until "$(date -u -d "+$span seconds" +%Y-%m-%dT%H:%M:%SZ)"
        if until_true "$span" in_group "$joiner" NAS_rahandus_RO; then break; fi
        [ "$span" -lt 120 ] || untold "$joiner does not come into NAS_rahandus_RO"
    done
    tell "$joiner is in NAS_rahandus_RO."
    soon $(( span + 60 )) "$joiner stays in NAS_rahandus_RO after the end" out_of_group "$joiner" NAS_rahandus_RO
    must "$joiner does not have exactly the groups of the grants" has_its_groups "$joiner"
    tell "Then the moment is there, and $joiner is not in it any more; nobody did anything."
}

story_leaver() {
    step "4. HR marks a departure"
    leaver=$(login_of 1042)
    must "$leaver cannot log in before" logs_in "$leaver"
    leaver_password=$(password_of "$leaver")
    tell "$leaver logs in. Groups: $(groups_seen "$leaver" | one_line)"
    since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    sql hr_mari "UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-2026-114' WHERE employee_no = '1042'"
    returned=$(date +%s%N)
    soon 90 "$leaver still logs in" refused "$leaver" "$leaver_password"
    refused_words=$ALSO_SAID
    refused_after=$(( ($(date +%s%N) - returned) / 1000000 ))
    soon 90 "$leaver stays in groups" in_no_group "$leaver"
    soon 90 "the account of $leaver is not reported as out" state_is "$leaver" out
    must "no work order is open for STAR, SKAIS and RR" true_sql "(SELECT array_agg(DISTINCT w.register_code ORDER BY w.register_code)
        FROM paasla.work_order w JOIN paasla.staff s USING (person_id) WHERE s.employee_no = '1042' AND w.state = 'open'
        AND w.kind = 'remove') = ARRAY['RR', 'SKAIS', 'STAR']"
    must "the log does not say who did it, and on whose request" true_sql "EXISTS (SELECT FROM audit.event e
        JOIN paasla.staff s ON s.person_id = e.person_id JOIN audit.opening o ON o.event_id = e.event_id AND o.field = 'text'
        WHERE s.employee_no = '1042' AND e.action = 'employment.ended' AND e.session_role = 'hr_mari'
        AND o.value = 'KK-2026-114' AND e.acting_person = (SELECT person_id FROM paasla.db_login WHERE role_name = 'hr_mari'))"
    must "the log does not have the lock with its outcome" true_sql "EXISTS (SELECT FROM paasla.intent i
        JOIN paasla.account a USING (account_id) WHERE a.login = '$leaver' AND i.op = 'close' AND i.outcome = 'done'
        AND EXISTS (SELECT FROM audit.event e WHERE e.intent_id = i.intent_id AND e.action = 'intent.planned')
        AND EXISTS (SELECT FROM audit.event e WHERE e.intent_id = i.intent_id AND e.action = 'intent.outcome'))"
    must "the entry of $leaver is gone: nothing may be deleted" [ -n "$(ldap_as_root ldapsearch -s base -b "$(dn_of "$leaver")" 1.1)" ]
    [ -z "$refused_words" ] || tell "$refused_words"
    tell "The bind is refused (tried $refused_after ms after the statement came back), the groups are gone. Measured by the daemon:"
    sql audiitor_peep "SELECT a.login, a.state, round(extract(epoch FROM a.locked_at - a.changed_at) * 1000, 1) AS lock_ms, round(extract(epoch FROM a.out_at - a.changed_at) * 1000, 1) AS out_ms FROM paasla.account a WHERE a.login = '$leaver'"
    as it_jaan paaslactl work list
    as audiitor_peep paaslactl why 1042
    as audiitor_peep paaslactl log --person 1042 --since "$since"
}

story_drift() {
    step "5. Somebody adds a member to a share's group, past Pääsla"
    helper=$(login_of 1041)
    tell "haldur\$ ldapmodify: add $helper to NAS_sotsiaal_RO"
    ldap_as_root ldapmodify >/dev/null <<LDIF
dn: cn=NAS_sotsiaal_RO,$GROUP_BASE
changetype: modify
add: member
member: $(dn_of "$helper")
LDIF
    if [ "$TELLS" = no ]; then
        must "the daemon watches this directory live, and the sandbox says that it cannot" \
            [ -z "$(grep "directory=$D .*live watch" "$DIR/log/paaslad.log")" ]
        tell "This directory does not tell by itself yet what others change: a full compare finds it, every hour or when asked."
        as it_jaan paaslactl sync
    fi
    soon 90 "no finding says that somebody added $helper" true_sql "EXISTS (SELECT FROM paasla.finding f JOIN paasla.account a
        ON a.account_id = f.account_id WHERE a.login = '$helper' AND f.kind LIKE 'drift%')"
    soon 90 "$helper is not put back out of NAS_sotsiaal_RO" out_of_group "$helper" NAS_sotsiaal_RO
    must "$helper does not have exactly the groups of the grants" has_its_groups "$helper"
    if [ "$TELLS" = yes ]; then tell "Nobody asked for a compare: the directory told, and paaslad put it back."; fi
    as it_jaan paaslactl findings --all
}

locked_in_jogi() { ask "SELECT count(*) FROM paasla.account a WHERE a.state = 'out' AND a.person_id IN ($jogi)"; }
story_list() {
    step "6. A list of leavers: the kindergarten closes its house on the river"
    jogi="SELECT person_id FROM paasla.staff WHERE institution = 'LA' AND unit = 'Jõe maja'"
    sql hr_mari "UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-2026-120' WHERE institution = 'LA' AND unit = 'Jõe maja'"
    soon 90 "twelve departures in one statement are not held" true_sql "EXISTS (SELECT FROM paasla.plan WHERE state = 'held')"
    must "an account was locked before anybody approved the plan" [ "$(locked_in_jogi)" = 0 ]
    teacher=$(login_of 2007)
    must "$teacher was locked before anybody approved the plan" logs_in "$teacher"
    must "$teacher lost groups before anybody approved the plan" [ -n "$(groups_seen "$teacher")" ]
    tell "Too many at once: the plan is held whole, nothing is written. It could be a bad feed."
    as turve_liina paaslactl plan list
    digest=$(ask "SELECT digest FROM paasla.plan WHERE state = 'held' ORDER BY plan_id DESC LIMIT 1")
    tell "Liina asks HR, hears that it is true, and releases exactly this plan."
    as turve_liina paaslactl plan approve "$digest"
    soon 90 "the approved plan is not carried out" eval '[ "$(locked_in_jogi)" = 12 ]'
    must "$teacher still logs in" refused "$teacher" "$(password_of "$teacher")"
    soon 90 "$teacher stays in groups" in_no_group "$teacher"
    tell "Twelve accounts are out."
}

story_around() {
    step "7. The operator looks around"
    as it_jaan paaslactl status
    as it_jaan paaslactl person 1006
    as it_jaan paaslactl why 1060 NAS
    say "   it_jaan\$ paaslactl matrix"
    PGUSER=it_jaan paaslactl matrix >"$DIR/run/matrix" || untold "paaslactl matrix fails"
    head -n 15 "$DIR/run/matrix" | sed 's/^/      /'
    tell "... $(wc -l <"$DIR/run/matrix") lines in all"
    as it_jaan paaslactl findings
    say "   audiitor_peep\$ paaslactl log"
    PGUSER=audiitor_peep paaslactl log >"$DIR/run/log" || untold "paaslactl log fails"
    tail -n 15 "$DIR/run/log" | sed 's/^/      /'
    as it_jaan paaslactl plan # ends with 1 when something would have to be written
}
