# 389 Directory Server in $AT, reached by a socket and by no network. Sourced by servers.sh; the functions are slapd.sh's.

ds389_names() {
    DIALECT=389ds RDN=uid MARK_ATTRIBUTE=entryusn TELLS=yes CA=
    REFUSED='49 53' # 53: the password was right, but the account is inactivated
    URI=$(ldapi_uri "$AT/ldapi")
    ROOT_DN='cn=Directory Manager'
    DS389_NAME=p$(printf '%s' "$AT" | cksum | cut -d' ' -f1) # a semaphore of the machine bears the name
    DS389_CONFIG=$AT/etc/dirsrv/slapd-$DS389_NAME
}

ds389_apart() {
    tell "On 389 Directory Server the lock is nsAccountLock; no password policy has a part in it."
}

# dscreate takes every path from defaults.inf, which it looks for below PREFIX: so nothing lies outside of $AT.
ds389_defaults() {
    ds389_user=$(sandbox_user)
    sed -e "s|^with_systemd = .*|with_systemd = 0|; s|^user = .*|user = $ds389_user|" \
        -e "s|^group = .*|group = $(id -gn "$ds389_user")|; s|= /etc|= $AT/etc|" \
        -e "s|= /var/log/dirsrv/slapd-{instance_name}|= $AT/log|; s|= /var/lib/dirsrv/slapd-{instance_name}|= $AT|" \
        -e "s|^local_state_dir = .*|local_state_dir = $AT/var|; s|^tmp_dir = .*|tmp_dir = $AT/run|" \
        -e "s|^run_dir = .*|run_dir = $AT/run|; s|^lock_dir = .*|lock_dir = $AT/run/lock|" \
        -e "s|^pid_file = .*|pid_file = $AT/run/pid|; s|^ldapi = .*|ldapi = $AT/ldapi|" \
        -e "s|^inst_dir = .*|inst_dir = $AT/inst|; s|^db_home_dir = .*|db_home_dir = $AT/db|" \
        /usr/share/dirsrv/inf/defaults.inf
}

ds389_make() {
    mkdir -m 700 "$AT"
    mkdir -p "$AT/share/dirsrv/inf" "$AT/etc/dirsrv" "$AT/run"
    cp -R /etc/dirsrv/config /etc/dirsrv/schema "$AT/etc/dirsrv"
    ds389_defaults >"$AT/share/dirsrv/inf/defaults.inf"
    ( umask 077
      cat >"$AT/setup.inf" <<INF
[general]
start = False
strict_host_checking = False
full_machine_name = ds.$D.test
selinux = False
[slapd]
instance_name = $DS389_NAME
port = 0
root_password = $(cat "$ROOT_FILE")
self_sign_cert = False
[backend-userroot]
suffix = $BASE
INF
      { town_entries; group_entries; } >"$AT/town.ldif" )
    hand_over "$AT"
    as_user env LOGNAME="$(sandbox_user)" HOME="$AT" PREFIX="$AT" dscreate -v from-file "$AT/setup.inf" \
        >"$DIR/log/dscreate.log" 2>&1 || die "dscreate could not make the directory; see $DIR/log/dscreate.log."
    # Numbers for every change, which an instance has only when it is asked to.
    as_user sed -i '/^dn: cn=USN,cn=plugins,cn=config$/,/^$/s/^\(nsslapd-pluginEnabled\): off/\1: on/' "$DS389_CONFIG/dse.ldif"
    as_user ns-slapd ldif2db -D "$DS389_CONFIG" -n userroot -i "$AT/town.ldif" >"$DIR/log/ldif2db.log" 2>&1 ||
        die "389 Directory Server's tree could not be loaded; see $DIR/log/ldif2db.log."
}

ds389_run() {
    ds389_new=no
    [ -e "$AT/ran" ] || ds389_new=yes
    as_user rm -f "$AT/ldapi"
    ( exec >>"$DIR/log/$D.log" 2>&1 </dev/null
      exec_as_user setsid ns-slapd -D "$DS389_CONFIG" -i "$AT/run/pid" -d 0 ) &
    until_true 90 ldap_as_root ldapsearch -s base -b "$BASE" 1.1 ||
        die "389 Directory Server did not start; see $DIR/log/$D.log and $AT/log/errors."
    [ "$ds389_new" = no ] || ds389_rights
    : >"$AT/ran"
}

# What the daemon may do, and no more: it reads everything but passwords, adds people and deletes nobody, writes two
# attributes of a person and the member list of a group.
ds389_rights() {
    ldap_as_root ldapmodify >"$DIR/log/rights.log" 2>&1 <<LDIF || die "The daemon could not be given its rights; see $DIR/log/rights.log."
dn: $SERVICE_DN
changetype: modify
add: nsSizeLimit
nsSizeLimit: -1
-
add: nsTimeLimit
nsTimeLimit: -1
-
add: nsLookThroughLimit
nsLookThroughLimit: -1
-
add: nsIdleTimeout
nsIdleTimeout: -1

dn: $PEOPLE_BASE
changetype: modify
add: aci
aci: (targetattr!="userPassword")
 (version 3.0; acl "paaslad reads people"; allow (read,search,compare) userdn="ldap:///$SERVICE_DN";)
aci: (targetattr="nsAccountLock || userPassword")(targetfilter="(objectClass=person)")
 (version 3.0; acl "paaslad locks"; allow (write) userdn="ldap:///$SERVICE_DN";)
aci: (target="ldap:///uid=*,$PEOPLE_BASE")(targetattr="*")
 (version 3.0; acl "paaslad creates people"; allow (add) userdn="ldap:///$SERVICE_DN";)

dn: $GROUP_BASE
changetype: modify
add: aci
aci: (targetattr!="userPassword")
 (version 3.0; acl "paaslad reads groups"; allow (read,search,compare) userdn="ldap:///$SERVICE_DN";)
aci: (targetattr="member || memberUid")(targetfilter="(|(objectClass=groupOfNames)(objectClass=posixGroup))")
 (version 3.0; acl "paaslad manages members"; allow (write) userdn="ldap:///$SERVICE_DN";)
LDIF
}

ds389_pid() { cat "$AT/run/pid" 2>/dev/null || :; }
ds389_stop() { stop_pid "$(ds389_pid)" 30; }
ds389_remains() { rm -f "/dev/shm/sem.slapd-$DS389_NAME".*; }

ds389_group() { # unlike slapd's, a groupOfNames may be empty here
    if [ "$1" = failiserver ]; then
        say "" "dn: cn=$1,$GROUP_BASE" "cn: $1" "description: $2" "objectClass: posixGroup" "gidNumber: 20000"
    else
        say "" "dn: cn=$1,$GROUP_BASE" "cn: $1" "description: $2" "objectClass: groupOfNames"
    fi
}

ds389_conf() {
    cat <<CONF
tls = none
rdn_template = uid={login},$PEOPLE_BASE
object_classes = inetOrgPerson
attribute.cn = {name}
CONF
}

ds389_env_lines() { :; }
ds389_admits() { :; }
ds389_keeps_out() { :; }
ds389_first_log_on() { :; }
