# The sandbox's servers: a private PostgreSQL, private directories and paaslad, all inside $DIR. Sourced after lib.sh.
# Every server is stopped by the process id it wrote down; nothing else on the host is touched.

PG_BIN=/usr/lib/postgresql/15/bin
DB_NAME=paasla

# ---- directories: what a kind of server has of its own stands in a file of its own, as functions of the same names ----
# TOWN and KINDERGARTEN are each NAME:KIND, of one directory or of two.

DIRECTORIES=$TOWN
[ "$KINDERGARTEN" = "$TOWN" ] || DIRECTORIES="$TOWN $KINDERGARTEN"
for directory in $DIRECTORIES; do . "$SANDBOX/${directory#*:}.sh"; done

on() { on_verb=$1; shift; "${KIND}_$on_verb" "$@"; }

# What follows is about this directory: use NAME:KIND
use() {
    D=${1%%:*} KIND=${1#*:}
    AT=$DIR/$D BASE=dc=$D,dc=test
    PEOPLE_BASE=ou=inimesed,$BASE GROUP_BASE=ou=ryhmad,$BASE SERVICE_DN=cn=paaslad,ou=teenused,$BASE
    SERVICE_FILE=$DIR/secrets/$D ROOT_FILE=$DIR/secrets/$D.haldur
    on names
    ALSO_SAID=
    if [ -n "$CA" ]; then export LDAPTLS_CACERT="$CA"; else unset LDAPTLS_CACERT; fi
}

each_directory() { # each_directory COMMAND...
    for directory in $DIRECTORIES; do use "$directory"; "$@"; done
    use "$TOWN"
}

start_directory() {
    secret_file "$ROOT_FILE" "$(secret)"
    secret_file "$SERVICE_FILE" "$(secret)"
    mkdir -m 700 "$DIR/first/$D"
    hand_over "$DIR/secrets" "$DIR/first"
    on make
    on run
}

stop_directory() { on stop; on remains; }

ldapi_uri() { echo "ldapi://$(printf '%s' "$1" | sed 's|/|%2f|g')"; }

ldap_as_root() { # ldap_as_root PROGRAM ARGUMENT...
    ldap_program=$1; shift
    [ "$ldap_program" != ldapsearch ] || set -- -LLL "$@"
    "$ldap_program" -o ldif-wrap=no -H "$URI" -x -D "$ROOT_DN" -y "$ROOT_FILE" "$@"
}

town_entries() { fill "$SANDBOX/town.ldif" "BASE=$BASE" "DC=$D" "SERVICEPW=$(cat "$SERVICE_FILE")"; }

group_entries() { # of those institutions that use the directory
    grep -v '^#' "$SANDBOX/town.groups" | while IFS='|' read -r group_name group_of group_text; do
        for institution in $group_of; do
            if uses_it "$institution"; then on group "$group_name" "$group_text"; break; fi
        done
    done
}
uses_it() { case $1 in LV) [ "${TOWN%%:*}" = "$D" ] ;; LA) [ "${KINDERGARTEN%%:*}" = "$D" ] ;; esac; }

# A CA and a server's certificate from it: make_certificate FOLDER NAME ALTERNATIVE-NAMES
make_certificate() {
    ( umask 077; cd "$1" || exit 1
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=Paju CA" \
          -keyout ca.key -out ca.pem
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout server.key -out server.csr
      printf 'subjectAltName=%s\n' "$3" >server.ext
      openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext \
          -out server.pem
      chmod 644 ca.pem
    ) >"$DIR/log/openssl.log" 2>&1 || die "The TLS certificate could not be made; see $DIR/log/openssl.log."
}

# ---- PostgreSQL ----

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

# The frame of the town and its people know which institution's accounts are where.
load_sql() { # load_sql FILE
    set -- -f "$1"
    use "$KINDERGARTEN"; set -- "$@" -v "la=$D" -v "la_dialect=$DIALECT" -v "la_groups=$GROUP_BASE"
    use "$TOWN"; set -- "$@" -v "lv=$D" -v "lv_dialect=$DIALECT" -v "lv_groups=$GROUP_BASE"
    psql_super "$@" >/dev/null
}

# ---- paaslad ----

directory_conf() {
    fill "$SANDBOX/directory.conf.in" "NAME=$D" "URI=$URI" "SERVICE_DN=$SERVICE_DN" "SERVICE_FILE=$SERVICE_FILE" \
        "PEOPLE=$PEOPLE_BASE" "GROUPS=$GROUP_BASE" "CANARY=$RDN=kanaarilind,$PEOPLE_BASE" "FIRST=$DIR/first/$D" \
        "DIALECT=$DIALECT" "OWN=$(on conf)"
}

write_conf() {
    { fill "$SANDBOX/paasla.conf.in" "DIR=$DIR"; each_directory directory_conf; } >"$DIR/paasla.conf"
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
    until_true 60 test -s "$DIR/run/paaslad.pid" || die "paaslad did not start; see $DIR/log/paaslad.log."
    PAASLAD_PID=$(cat "$DIR/run/paaslad.pid")
    until_true 120 compared || die "paaslad has not read the directory whole; see $DIR/log/paaslad.log."
}

compared() {
    [ "$(psql_super -Atc 'SELECT bool_and(last_compare_complete) FROM paasla.directory')" = t ]
}

stop_paaslad() {
    [ -r "$DIR/run/paaslad.pid" ] && stop_pid "$(cat "$DIR/run/paaslad.pid")" 15
    :
}

stop_all() { stop_paaslad; each_directory stop_directory; stop_postgres; }

# Files that root made for the servers' user.
hand_over() {
    [ "$(id -u)" -ne 0 ] || chown -R "$(sandbox_user)": "$@"
}

# The first of two directories has the plain names.
write_env() {
    cat >"$DIR/env" <<ENV
export PGHOST='$DIR/run' PGPORT=5432 PGDATABASE='$DB_NAME' PGUSER=postgres
export PAASLA_CONF='$DIR/paasla.conf' PAASLAD_PID='$PAASLAD_PID'
export PATH='$BUILD/daemon:$BUILD/daemon/ctl':"\$PATH"
ENV
    use "$KINDERGARTEN"; [ "$KINDERGARTEN" = "$TOWN" ] || directory_env LA_ >>"$DIR/env"
    use "$TOWN"; directory_env "" >>"$DIR/env"
}
directory_env() { # directory_env PREFIX
    say "export ${1}LDAPURI='$URI' ${1}LDAP_BASE='$BASE'" \
        "export ${1}LDAP_BIND_DN='$ROOT_DN' ${1}LDAP_PASSWORD_FILE='$ROOT_FILE'"
    [ -z "$CA" ] || say "export LDAPTLS_CACERT='$CA'"
    on env_lines
}
