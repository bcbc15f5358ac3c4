# The story of two institutions with a directory each under one daemon: the town's domain and its kindergarten's slapd.
# Sourced by run.sh after story.sh, whose words it uses.

in_town() { use "$TOWN"; "$@"; }
in_kindergarten() { use "$KINDERGARTEN"; "$@"; }
in_both() { in_town "$@" && in_kindergarten "$@"; }

due_and_open() { [ "$(login_of "$1")" ] && state_is "$(login_of "$1")" open && has_its_groups "$(login_of "$1")"; }
works() { due_and_open "$1" && logs_in "$(login_of "$1")"; } # works EMPLOYEE_NO
gone() { # gone EMPLOYEE_NO: no log-on, no group, and said to be out
    refused "$(login_of "$1")" "$(password_of "$(login_of "$1")")" && in_no_group "$(login_of "$1")" &&
        state_is "$(login_of "$1")" out
}
waits() { # waits EMPLOYEE_NO: what has to be done there has not been done, and nobody says that it was
    true_sql "EXISTS (SELECT FROM paasla.account a JOIN paasla.staff s USING (person_id) WHERE s.employee_no = '$1'
        AND a.directory = '$D' AND a.state <> 'out' AND a.locked_at IS NULL)"
}
leaves() { # leaves EMPLOYEE_NO... as HR types it
    numbers=$(printf ", '%s'" "$@")
    sql hr_mari "UPDATE paasla.staff SET departed_at = now(), departure_ref = 'KK-2026-131' WHERE employee_no IN (${numbers#, })"
    left=$(date +%s%N)
}
since_then() { echo "$(( ($(date +%s%N) - left) / 1000000 )) ms"; }

story_two_play() {
    untouched=$(in_both not_ours) || untold "the entries that are not ours are not there"
    story_two_towns
    story_two_joiner
    story_two_one
    story_two_all
    story_two_away
    story_two_silent
    step "7. What was never ours was never written"
    must "an entry that Pääsla does not manage was changed" [ "$untouched" = "$(in_both not_ours)" ]
    tell "vana.praktikant, the group matkaklubi and the canary are as they were, in both directories."
    say "" "The story came true."
}

story_two_towns() {
    step "1. The town has its domain, the kindergarten its OpenLDAP, and one daemon keeps both"
    in_both on apart
    tell "$said_in_step."
    as it_jaan paaslactl status
    must "somebody has an account in a directory of an institution that does not employ him" true_sql "NOT EXISTS (
        SELECT FROM paasla.account a WHERE a.state <> 'none' AND NOT EXISTS (SELECT FROM paasla.staff s
        JOIN paasla.institution_directory i USING (institution) WHERE s.person_id = a.person_id AND i.directory = a.directory))"
    must "Tiiu Rebane does not work in the town's domain" in_town works 1013
    must "Tiiu Rebane does not work in the kindergarten's directory" in_kindergarten works 2002
    tell "Tiiu Rebane works in both: the same person has an account in each, and logs in to each."
    must "a teacher does not work in the kindergarten's directory" in_kindergarten works 2004
    must "a teacher has an account in the town's domain" in_town [ -z "$(in_town login_of 2004)" ]
}

story_two_joiner() {
    step "2. Somebody is hired by both"
    sql hr_mari "INSERT INTO paasla.staff (institution, employee_no, given_name, family_name, personal_code, unit, position) VALUES ('LV', '1061', 'Marju', 'Lõoke', '48502039905', 'Kultuuriosakond', 'muusik'), ('LA', '2019', 'Marju', 'Lõoke', '48502039905', 'Pargi maja', 'muusikaõpetaja')"
    as it_jaan paaslactl request file KK-2026-130 --by 1005
    as it_jaan paaslactl grant 1061 KATALOOG linnavalitsus --ref KK-2026-130 --reason "ametikoht: muusik"
    as it_jaan paaslactl grant 1061 NAS haridus_ro --ref KK-2026-130 --reason "ametikoht: muusik"
    as it_jaan paaslactl grant 2019 KATALOOG lasteaed --ref KK-2026-130 --reason "ametikoht: muusikaõpetaja"
    as it_jaan paaslactl grant 2019 NAS lasteaed_ro --ref KK-2026-130 --reason "ametikoht: muusikaõpetaja"
    soon 90 "Marju Lõoke has no account with the groups of the grants in the town's domain" in_town due_and_open 1061
    soon 90 "Marju Lõoke has no account with the groups of the grants in the kindergarten" in_kindergarten due_and_open 2019
    must "Marju Lõoke cannot log in to both" in_both works 1061
    tell "Groups in the town: $(in_town groups_seen "$(login_of 1061)" | one_line)"
    tell "Groups in the kindergarten: $(in_kindergarten groups_seen "$(login_of 2019)" | one_line)"
}

story_two_one() {
    step "3. A departure from one closes only that one"
    leaves 2002
    in_kindergarten soon 90 "Tiiu Rebane still works in the kindergarten's directory" gone 2002
    tell "Tiiu Rebane is out of the kindergarten (looked $(since_then) after the statement came back) ..."
    must "Tiiu Rebane does not work in the town any more" in_town works 1013
    tell "... and works in the town as before, with every group."
    as audiitor_peep paaslactl why 1013
}

story_two_all() {
    step "4. A departure from both closes both"
    leaves 1061 2019
    in_town soon 90 "Marju Lõoke still works in the town's domain" gone 1061
    in_kindergarten soon 90 "Marju Lõoke still works in the kindergarten's directory" gone 2019
    tell "Marju Lõoke is out of both, $(since_then) after the statement came back. Measured by the daemon:"
    sql audiitor_peep "SELECT a.directory, a.login, a.state, round(extract(epoch FROM a.locked_at - a.changed_at) * 1000, 1) AS lock_ms, round(extract(epoch FROM a.out_at - a.changed_at) * 1000, 1) AS out_ms FROM paasla.account a WHERE a.login = '$(login_of 1061)' ORDER BY 1"
}

story_two_away() {
    step "5. The kindergarten's directory is away, and does not hold up the town"
    must "Piret Lõhmus does not work in the town" in_town works 1042
    must "Aino Rüütel does not work in the kindergarten" in_kindergarten works 2005
    tell "Somebody stops the kindergarten's slapd. HR marks a departure in each institution."
    in_kindergarten on stop
    leaves 1042 2005
    in_town soon 90 "Piret Lõhmus still works in the town" gone 1042
    tell "Piret Lõhmus is out of the town, $(since_then) after the statement came back."
    must "Aino Rüütel is said to be out of a directory that is away" in_kindergarten waits 2005
    as audiitor_peep paaslactl why 2005
    in_kindergarten on run
    soon 90 "Aino Rüütel still works in the kindergarten" gone 2005
    tell "slapd is started again, and Aino Rüütel is out without anybody's doing."
}

story_two_silent() {
    step "6. The domain controller falls silent, and does not hold up the kindergarten"
    must "Peeter Laul does not work in the town" in_town works 1041
    must "Leida Hein does not work in the kindergarten" in_kindergarten works 2006
    tell "The domain controller's processes are stopped: it still takes connections, and never answers."
    in_town eval 'kill -s STOP -- "$(on pid)"'
    leaves 1041 2006
    in_kindergarten soon 90 "Leida Hein still works in the kindergarten" gone 2006
    tell "Leida Hein is out of the kindergarten, $(since_then) after the statement came back."
    must "Peeter Laul is said to be out of a directory that is silent" in_town waits 1041
    as it_jaan paaslactl status
    in_town eval 'kill -s CONT -- "$(on pid)"'
    soon 90 "Peeter Laul still works in the town" gone 1041
    tell "It goes on, and Peeter Laul is out."
}
