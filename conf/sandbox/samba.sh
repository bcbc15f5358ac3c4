# A domain controller of Active Directory, by Samba, in $AT and on a loopback address of its own. As root only, because
# Samba is so. Sourced by servers.sh; the functions are slapd.sh's.

samba_names() {
    DIALECT=ad RDN=cn MARK_ATTRIBUTE=uSNChanged REFUSED=49 TELLS=yes CA=$AT/ca.pem
    SAMBA_IP=$(cat "$AT/address" 2>/dev/null) || SAMBA_IP=
    URI=ldaps://$SAMBA_IP
    ROOT_DN=cn=Administrator,cn=Users,$BASE
    REALM=$(printf '%s.test' "$D" | tr 'a-z' 'A-Z')
}

samba_apart() {
    tell "On Active Directory whoever has a first password chooses another at the first log-on: here kinit asks for it."
    tell "A log-on is a bind and a Kerberos ticket, and both have to be refused to a leaver."
    tell "There is no posixGroup: the file server's group has its members by DN, like all others."
}

# Programs that get this read no configuration of the host; nothing here has to outlive a power cut.
samba_env() {
    env SMB_CONF_PATH="$AT/smb.conf" KRB5_CONFIG="$AT/krb5.conf" KRB5CCNAME="FILE:$AT/ticket" HOME="$AT" TDB_NO_FSYNC=1 \
        LC_ALL=C.UTF-8 "$@"
}

# The ports of a domain controller are what they are. An address for each keeps sandboxes apart; a server that has one
# of the ports at every address does not.
samba_address() {
    if grep -qE ': 0{8}(0{24})?:(0058|0185|01D0|027C|0CC4|0CC5) .* 0A ' /proc/net/tcp /proc/net/tcp6; then
        die "A server of this host listens on port 88, 389, 464, 636, 3268 or 3269 at every address: Samba has no place."
    fi
    # shellcheck disable=SC2046 # two numbers
    set -- $(od -An -N2 -tu1 /dev/urandom)
    echo "127.88.$(($1 % 254 + 1)).$(($2 % 254 + 1))"
}

samba_make() {
    mkdir -m 755 "$AT" # the daemon, who is somebody else, reads the CA
    samba_address >"$AT/address"
    samba_names
    printf '[global]\n' >"$AT/smb.conf"
    # Administrator gets a password from the program that nobody sees among the processes' arguments.
    ( umask 077
      samba_env samba-tool domain provision --realm="$REALM" --domain="${REALM%%.*}" --server-role=dc --dns-backend=NONE \
          --targetdir="$AT" --host-name=dc1 --host-ip=127.0.0.1 --option="interfaces=lo" \
          --option="bind interfaces only=yes" >"$DIR/log/provision.log" 2>&1 ) ||
        die "The domain could not be made; see $DIR/log/provision.log."
    samba_password=$(sed -n 's/.*Admin password: *//p' "$DIR/log/provision.log")
    [ -n "$samba_password" ] || die "samba-tool does not say Administrator's password; see $DIR/log/provision.log."
    secret_file "$ROOT_FILE" "$samba_password"
    for folder in run run/ncalrpc cache bind-dns; do [ -d "$AT/$folder" ] || mkdir -m 755 "$AT/$folder"; done
    make_certificate "$AT" "dc1.$D.test" "DNS:dc1.$D.test,IP:$SAMBA_IP"
    fill "$SANDBOX/smb.conf.in" "AT=$AT" "IP=$SAMBA_IP" "REALM=$REALM" "WORKGROUP=${REALM%%.*}" >"$AT/smb.conf"
    fill "$SANDBOX/krb5.conf.in" "IP=$SAMBA_IP" "REALM=$REALM" >"$AT/krb5.conf"
}

samba_run() {
    samba_new=no
    [ -e "$AT/ran" ] || samba_new=yes
    # shellcheck disable=SC2016 # the inner shell expands them
    ( exec >>"$DIR/log/$D.log" 2>&1 </dev/null
      samba_env setsid sh -c 'echo $$ >"$1/samba.pid"; exec samba -i -s "$1/smb.conf" --debug-stdout' sh "$AT" ) &
    until_true 120 samba_answers || die "Samba did not start; see $DIR/log/$D.log."
    [ "$samba_new" = no ] || samba_tree
    : >"$AT/ran"
}

samba_answers() {
    ldap_as_root ldapsearch -s base -b "$BASE" 1.1 && samba_ticket Administrator "$(cat "$ROOT_FILE")"
}

# What is there before Pääsla comes. In a domain of this kind nobody reads accounts merely because of having one.
samba_tree() {
    ( umask 077; { fill "$SANDBOX/samba.ldif.in" "BASE=$BASE" "DOMAIN=$D.test" \
          "SERVICEPW=$(samba_quoted "$(cat "$SERVICE_FILE")")" "CANARYPW=$(samba_quoted "$(secret)")" \
          "TRAINEEPW=$(samba_quoted "Praktikant-2019")"
      group_entries; } >"$AT/town.ldif" )
    ldap_as_root ldapadd -f "$AT/town.ldif" >"$DIR/log/ldapadd.log" 2>&1 ||
        die "The domain's tree could not be loaded; see $DIR/log/ldapadd.log."
    ldap_as_root ldapmodify >>"$DIR/log/ldapadd.log" 2>&1 <<LDIF || die "The domain could not be closed; see $DIR/log/ldapadd.log."
dn: CN=Pre-Windows 2000 Compatible Access,CN=Builtin,$BASE
changetype: modify
delete: member
member: CN=S-1-5-11,CN=ForeignSecurityPrincipals,$BASE
LDIF
    samba_rights >"$DIR/log/rights.log" 2>&1 || die "The daemon could not be given its rights; see $DIR/log/rights.log."
}

# What the daemon may do, and no more: conf/active-directory.md says what each is for.
samba_rights() {
    sid=$(samba_env samba-tool user show paaslad --attributes=objectSid -s "$AT/smb.conf" | sed -n 's/^objectSid: //p')
    user=bf967aba-0de6-11d0-a285-00aa003049e2 group=bf967a9c-0de6-11d0-a285-00aa003049e2
    aces="(A;CI;LCRPLORC;;;$sid)"
    for attribute in bf967a68 bf967919 bf967a0a bf967915; do
        aces="$aces(OA;CIIO;WP;$attribute-0de6-11d0-a285-00aa003049e2;$user;$sid)"
    done
    aces="$aces(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;$user;$sid)(OA;CI;CC;$user;;$sid)"
    samba_env samba-tool dsacl set -s "$AT/smb.conf" --objectdn="$PEOPLE_BASE" --sddl="$aces" &&
        samba_env samba-tool dsacl set -s "$AT/smb.conf" --objectdn="$GROUP_BASE" \
            --sddl="(A;CI;LCRPLORC;;;$sid)(OA;CIIO;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;$group;$sid)"
}

samba_quoted() { printf '"%s"' "$1" | iconv -t UTF-16LE | base64 -w 0; } # as unicodePwd wants it

# Samba is several processes; they have a process group of their own.
samba_pid() { sed 's/^/-/' "$AT/samba.pid" 2>/dev/null || :; }
samba_stop() {
    samba_group_id=$(cat "$AT/samba.pid" 2>/dev/null) || return 0
    kill -s CONT -- "-$samba_group_id" 2>/dev/null || :
    stop_pid "$samba_group_id" 20
    kill -s KILL -- "-$samba_group_id" 2>/dev/null || :
    until_true 60 samba_gone || :
    rm -f "$AT/samba.pid"
}
samba_gone() { not_one=$(ps -eo pgid=,stat= | awk -v id="$samba_group_id" '$1 == id && $2 !~ /^Z/'); [ -z "$not_one" ]; }
samba_remains() { :; }

samba_group() {
    say "" "dn: cn=$1,$GROUP_BASE" "objectClass: group" "sAMAccountName: $1" "description: $2"
}

samba_conf() {
    cat <<CONF
ca_file = $CA
rdn_template = CN={login},$PEOPLE_BASE
attribute.userPrincipalName = {login}@$D.test
CONF
}

samba_env_lines() { say "export KRB5_CONFIG='$AT/krb5.conf'"; }

# ---- logging on ----

samba_ticket() { # samba_ticket LOGIN LINE...
    ticket_for=$1; shift
    ALSO_SAID=$(printf '%s\n' "$@" | samba_env kinit -c "FILE:$AT/ticket.$ticket_for" "$ticket_for@$REALM" 2>&1 >/dev/null)
}
samba_admits() { samba_ticket "$1" "$2"; }
samba_keeps_out() { # by a refusal, not by a controller that is away
    if samba_ticket "$1" "$2"; then return 1; fi
    case $ALSO_SAID in *revoked*|*incorrect*|*"reauthentication failed"*) return 0 ;; esac
    return 1
}
samba_first_log_on() { # and from then on the password of one's own
    own="Uus-$(secret)"
    samba_ticket "$1" "$(first_password "$1")" "$own" "$own" && secret_file "$DIR/run/password.$D.$1" "$own"
}
