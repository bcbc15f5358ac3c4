# The sandbox's servers: a private PostgreSQL, a private slapd and paaslad, all inside $DIR. Sourced after lib.sh.
# Every server is stopped by the process id it wrote down; nothing else on the host is touched.

PG_BIN=/usr/lib/postgresql/15/bin
DB_NAME=paasla
LDAPI="ldapi://$(printf '%s' "$DIR/run/ldapi" | sed 's|/|%2f|g')"
ROOT_DN="cn=haldur,$BASE"
SERVICE_DN="cn=paaslad,ou=teenused,$BASE"

psql_super() { psql -X -q -v ON_ERROR_STOP=1 -h "$DIR/run" -U postgres -d "$DB_NAME" "$@"; }

start_postgres() {
    as_user "$PG_BIN/initdb" -D "$DIR/pg" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
        >"$DIR/log/initdb.log" 2>&1 || die "PostgreSQL could not make its data folder; see $DIR/log/initdb.log."
    cat >>"$DIR/pg/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$DIR/run'
unix_socket_permissions = 0700
shared_buffers = 32MB
max_connections = 60
log_min_messages = warning
CONF
    as_user setsid "$PG_BIN/pg_ctl" -s -w -D "$DIR/pg" -l "$DIR/log/postgresql.log" start >/dev/null 2>&1 ||
        die "PostgreSQL did not start; see $DIR/log/postgresql.log."
    createdb -h "$DIR/run" -U postgres -T template0 -E UTF8 "$DB_NAME"
}

stop_postgres() {
    [ -r "$DIR/pg/postmaster.pid" ] && stop_pid "$(head -n 1 "$DIR/pg/postmaster.pid")" 20 INT
    :
}

# Debian's AppArmor profile ties /usr/sbin/slapd to /var/lib/ldap. It goes by path, so a copy may live in $DIR.
slapd_program() {
    SLAPD=/usr/sbin/slapd
    if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
        as_user cp /usr/sbin/slapd "$DIR/ldap/slapd"
        SLAPD=$DIR/ldap/slapd
    fi
}

start_slapd() {
    slapd_program
    root_password=$(secret)
    service_password=$(secret)
    secret_file "$DIR/secrets/haldur" "$root_password"
    secret_file "$DIR/secrets/paaslad" "$service_password"
    slapd_tls
    ( umask 077
      fill "$SANDBOX/slapd.conf.in" "DIR=$DIR" "BASE=$BASE" "ROOTPW=$root_password" "TLS=$SLAPD_TLS" \
          "UID=$(id -u "$(sandbox_user)")" "GID=$(id -g "$(sandbox_user)")" >"$DIR/ldap/slapd.conf"
      fill "$SANDBOX/town.ldif" "BASE=$BASE" "DC=${BASE_DC}" "SERVICEPW=$service_password" >"$DIR/ldap/town.ldif" )
    hand_over "$DIR/secrets" "$DIR/ldap"
    as_user "$SLAPD" -T add -q -f "$DIR/ldap/slapd.conf" -l "$DIR/ldap/town.ldif" >"$DIR/log/slapadd.log" 2>&1 ||
        die "slapd's tree could not be loaded; see $DIR/log/slapadd.log."
    run_slapd
}

run_slapd() { # also used to start it again
    ( exec >"$DIR/log/slapd.log" 2>&1 </dev/null
      exec_as_user setsid "$SLAPD" -f "$DIR/ldap/slapd.conf" -h "$LDAPI $SLAPD_URLS" -d 0 ) &
    until_true 20 ldap_as_root ldapsearch -s base -b "$BASE" 1.1 || die "slapd did not start; see $DIR/log/slapd.log."
}

stop_slapd() {
    [ -r "$DIR/ldap/slapd.pid" ] && stop_pid "$(cat "$DIR/ldap/slapd.pid")" 20
    :
}

# With PAASLA_SANDBOX_LDAP_PORT set, slapd also listens on 127.0.0.1 with StartTLS; the CA is $DIR/ldap/ca.pem.
slapd_tls() {
    SLAPD_TLS= SLAPD_URLS=
    [ -n "${PAASLA_SANDBOX_LDAP_PORT:-}" ] || return 0
    ( umask 077; cd "$DIR/ldap" || exit 1
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=Paju CA' \
          -keyout ca.key -out ca.pem
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=localhost' -keyout slapd.key -out slapd.csr
      # libldap checks "localhost" as if the machine's own name had been written
      printf 'subjectAltName=DNS:localhost,DNS:%s,IP:127.0.0.1\n' "$(uname -n)" >slapd.ext
      openssl x509 -req -in slapd.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile slapd.ext -out slapd.pem
    ) >"$DIR/log/openssl.log" 2>&1 || die "The TLS certificate could not be made; see $DIR/log/openssl.log."
    SLAPD_TLS="TLSCACertificateFile $DIR/ldap/ca.pem
TLSCertificateFile $DIR/ldap/slapd.pem
TLSCertificateKeyFile $DIR/ldap/slapd.key"
    SLAPD_URLS="ldap://127.0.0.1:$PAASLA_SANDBOX_LDAP_PORT"
}

ldap_as_root() { # ldap_as_root PROGRAM ARGUMENT...
    ldap_program=$1; shift
    [ "$ldap_program" != ldapsearch ] || set -- -LLL "$@"
    "$ldap_program" -o ldif-wrap=no -H "$LDAPI" -x -D "$ROOT_DN" -y "$DIR/secrets/haldur" "$@"
}

write_conf() {
    fill "$SANDBOX/paasla.conf.in" "DIR=$DIR" "BASE=$BASE" "LDAPI=$LDAPI" "SERVICE_DN=$SERVICE_DN" >"$DIR/paasla.conf"
    hand_over "$DIR/paasla.conf"
}

start_paaslad() {
    began=$(date +%s%N)
    as_user "$BUILD/daemon/paaslad" -t -c "$DIR/paasla.conf" >"$DIR/log/paaslad.check" 2>&1 ||
        { cat "$DIR/log/paaslad.check" >&2; die "paaslad does not accept $DIR/paasla.conf."; }
    # shellcheck disable=SC2016 # the inner shell expands them
    ( exec >"$DIR/log/paaslad.log" 2>&1 </dev/null
      exec_as_user setsid sh -c 'echo $$ >"$1/run/paaslad.pid"; exec "$2" -c "$1/paasla.conf"' sh "$DIR" \
          "$BUILD/daemon/paaslad" ) &
    until_true 5 test -s "$DIR/run/paaslad.pid" || die "paaslad did not start; see $DIR/log/paaslad.log."
    PAASLAD_PID=$(cat "$DIR/run/paaslad.pid")
    until_true 60 compared || die "paaslad has not read the directory whole; see $DIR/log/paaslad.log."
}

compared() {
    [ "$(psql_super -Atc 'SELECT bool_and(last_compare_complete) FROM paasla.directory')" = t ]
}

stop_paaslad() {
    [ -r "$DIR/run/paaslad.pid" ] && stop_pid "$(cat "$DIR/run/paaslad.pid")" 15
    :
}

stop_all() { stop_paaslad; stop_slapd; stop_postgres; }

# Files that root made for the servers' user.
hand_over() {
    [ "$(id -u)" -ne 0 ] || chown -R "$(sandbox_user)": "$@"
}

write_env() {
    cat >"$DIR/env" <<ENV
export PGHOST='$DIR/run' PGPORT=5432 PGDATABASE='$DB_NAME' PGUSER=postgres
export LDAPURI='$LDAPI' LDAP_BASE='$BASE'
export LDAP_BIND_DN='$ROOT_DN' LDAP_PASSWORD_FILE='$DIR/secrets/haldur'
export PAASLA_CONF='$DIR/paasla.conf' PAASLAD_PID='$PAASLAD_PID'
export PATH='$BUILD/daemon:$BUILD/daemon/ctl':"\$PATH"
ENV
}
