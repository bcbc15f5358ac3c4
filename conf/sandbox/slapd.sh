# OpenLDAP's slapd in $AT, reached by a socket. Sourced by servers.sh; `on make` calls slapd_make, and so on.

slapd_names() { # what is so of a slapd, and to be known before it runs
    DIALECT=openldap RDN=uid MARK_ATTRIBUTE=entryCSN REFUSED=49 TELLS=yes CA=
    URI=$(ldapi_uri "$AT/ldapi")
    ROOT_DN=cn=haldur,$BASE
}

slapd_apart() { :; } # the story was first told here: nothing is different

# Debian's AppArmor profile ties /usr/sbin/slapd to /var/lib/ldap. It goes by path, so a copy may live in $DIR.
slapd_program() {
    SLAPD=/usr/sbin/slapd
    if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
        SLAPD=$AT/slapd
        [ -x "$SLAPD" ] || as_user cp /usr/sbin/slapd "$SLAPD"
    fi
}

slapd_make() {
    mkdir -m 700 "$AT" "$AT/data"
    slapd_tls
    ( umask 077
      fill "$SANDBOX/slapd.conf.in" "AT=$AT" "BASE=$BASE" "ROOTPW=$(cat "$ROOT_FILE")" "TLS=$SLAPD_TLS" \
          "UID=$(id -u "$(sandbox_user)")" "GID=$(id -g "$(sandbox_user)")" >"$AT/slapd.conf"
      { town_entries; slapd_entries; group_entries; } >"$AT/town.ldif" )
    hand_over "$AT"
    slapd_program
    as_user "$SLAPD" -T add -q -f "$AT/slapd.conf" -l "$AT/town.ldif" >"$DIR/log/slapadd.log" 2>&1 ||
        die "slapd's tree could not be loaded; see $DIR/log/slapadd.log."
}

slapd_run() {
    slapd_program
    ( exec >>"$DIR/log/$D.log" 2>&1 </dev/null
      exec_as_user setsid "$SLAPD" -f "$AT/slapd.conf" -h "$URI ${SLAPD_URLS:-}" -d 0 ) &
    until_true 60 ldap_as_root ldapsearch -s base -b "$BASE" 1.1 || die "slapd did not start; see $DIR/log/$D.log."
}

slapd_pid() { cat "$AT/slapd.pid" 2>/dev/null || :; }
slapd_stop() { stop_pid "$(slapd_pid)" 20; }
slapd_remains() { :; } # nothing of it is outside of $AT

# With PAASLA_SANDBOX_LDAP_PORT set, slapd also listens on 127.0.0.1 with StartTLS; the CA is $AT/ca.pem.
slapd_tls() {
    SLAPD_TLS= SLAPD_URLS=
    [ -n "${PAASLA_SANDBOX_LDAP_PORT:-}" ] || return 0
    # libldap checks "localhost" as if the machine's own name had been written
    make_certificate "$AT" localhost "DNS:localhost,DNS:$(uname -n),IP:127.0.0.1"
    SLAPD_TLS="TLSCACertificateFile $AT/ca.pem
TLSCertificateFile $AT/server.pem
TLSCertificateKeyFile $AT/server.key"
    SLAPD_URLS="ldap://127.0.0.1:$PAASLA_SANDBOX_LDAP_PORT"
}

# pwdMinAge and pwdCheckQuality make a policy as strict as a careful town's. Without pwdLockout a refused bind means the
# account's end time or a wrong password and nothing else.
slapd_entries() {
    cat <<LDIF

dn: ou=poliitikad,$BASE
objectClass: organizationalUnit
ou: poliitikad
description: Password policies

dn: cn=poliitika,ou=poliitikad,$BASE
objectClass: organizationalRole
objectClass: pwdPolicy
cn: poliitika
pwdAttribute: userPassword
pwdMinAge: 86400
pwdCheckQuality: 2
pwdMinLength: 10
pwdInHistory: 3
pwdLockout: FALSE
pwdAllowUserChange: TRUE

dn: cn=tyhi,ou=teenused,$BASE
objectClass: organizationalRole
cn: tyhi
description: Member of a groupOfNames that would be empty without it
LDIF
}

slapd_group() { # one entry: slapd_group NAME DESCRIPTION
    if [ "$1" = failiserver ]; then # the file server knows log-ins, not DNs
        set -- "$1" "$2" "objectClass: posixGroup" "gidNumber: 20000"
    else # must have a member, so the empty ones hold cn=tyhi
        set -- "$1" "$2" "objectClass: groupOfNames" "member: cn=tyhi,ou=teenused,$BASE"
    fi
    say "" "dn: cn=$1,$GROUP_BASE" "cn: $1" "description: $2" "$3" "$4"
}

slapd_conf() { # its own lines of paasla.conf
    cat <<CONF
tls = none
placeholder_dn = cn=tyhi,ou=teenused,$BASE
policy_dn = cn=poliitika,ou=poliitikad,$BASE
rdn_template = uid={login},$PEOPLE_BASE
object_classes = inetOrgPerson
attribute.cn = {name}
CONF
}

slapd_env_lines() { :; } # nothing more for DIR/env
slapd_admits() { :; } # no other way in than a bind
slapd_keeps_out() { :; }
slapd_first_log_on() { :; }
