# Run by bare.sh on the machine, after the last step of README's chapter.
set -eu
umask 077
no() { echo "bare_check.sh: $*" >&2; exit 1; }
soon() { # soon SECONDS WHAT COMMAND...
    end=$(($(date +%s) + $1)) what=$2; shift 2
    until "$@" >/dev/null 2>&1; do [ "$(date +%s)" -lt "$end" ] || no "$what"; sleep 0.1; done
}
ask() { runuser -u postgres -- psql -XAtqc "$1" paasla; }
is() { [ "$(ask "$1")" = "$2" ]; }
main_pid() { systemctl show -P MainPID paaslad; }
pid_changed() { [ "$(main_pid)" != "$1" ] && systemctl -q is-active paaslad; }
export LDAPTLS_CACERT=/etc/paasla/ca.pem
binds() { ldapwhoami -ZZ -H ldap://ldap.linn.test -D "$1" -y "$2"; }
refused() { status=0; binds "$1" "$2" >/dev/null 2>&1 || status=$?; [ "$status" -eq 49 ]; }

# ---- how it runs ----
systemctl -q is-active paaslad || no "the unit is not active"
systemctl -q is-enabled paaslad || no "the unit is not enabled"
pid=$(main_pid)
[ "$(stat -c %U "/proc/$pid")" = paasla ] || no "the daemon is not paasla's"
grep -q '^Seccomp:.2$' "/proc/$pid/status" || no "no filter of system calls"
grep -q '^CapBnd:.0000000000000000$' "/proc/$pid/status" || no "capabilities are left"
grep -q '^NoNewPrivs:.1$' "/proc/$pid/status" || no "new privileges are possible"
[ "$(stat -c '%U %a' /var/lib/paasla/first)" = "paasla 700" ] || no "first: $(stat -c '%U %a' /var/lib/paasla/first)"
if runuser -u paasla -- cat /etc/paasla/secret/linn 2>/dev/null; then no "the daemon's user reads the secret where it lies"; fi
awk '$5 == "/" { o = "," $6 "," } END { exit !(o ~ /,ro,/ && o ~ /,noexec,/) }' "/proc/$pid/mountinfo" ||
    no "the daemon may write or run what it finds"
echo "runs as paasla, hardened; $(systemd-analyze security --no-pager paaslad | grep Overall)"
journalctl -u paaslad --no-pager | grep -q 'connected with TLS' || no "not connected with TLS"

# ---- a person comes and goes; who types is known to PostgreSQL by the socket ----
useradd mari
useradd stranger
if runuser -u stranger -- paaslactl status >/dev/null 2>&1; then no "anybody may ask"; fi
runuser -u mari -- paaslactl hire 1042 Piret Lõhmus --institution LV
soon 30 "nobody made an account" is "SELECT login || ' ' || state FROM paasla.account" "piret.lohmus open"
dn=uid=piret.lohmus,ou=inimesed,dc=linn,dc=test
head -n 1 /var/lib/paasla/first/piret.lohmus-2* | tr -d '\n' >/srv/prep/first
binds "$dn" /srv/prep/first || no "the first password does not fit"
began=$(date +%s%N)
runuser -u mari -- paaslactl depart 1042 --ref KK-1
soon 30 "the account stays open" refused "$dn" /srv/prep/first
echo "the leaver's bind was refused within $((($(date +%s%N) - began) / 1000000)) ms of typing"
soon 30 "not out" is "SELECT state FROM paasla.account" out

# ---- the service's life ----
systemctl reload paaslad || no "reload"
[ "$(main_pid)" = "$pid" ] || no "reload was a restart"
echo 'nonsense = 1' >>/etc/paasla/paasla.conf
if systemctl reload paaslad 2>/dev/null; then no "a wrong configuration was reloaded"; fi
[ "$(main_pid)" = "$pid" ] && systemctl -q is-active paaslad || no "a wrong configuration stopped the daemon"
sed -i '$d' /etc/paasla/paasla.conf
kill -KILL "$pid"
soon 30 "it is not started anew after a kill" pid_changed "$pid"
mkdir -p /etc/systemd/system/paaslad.service.d
umask 022
printf '[Service]\nWatchdogSec=3\nRestartSec=1\n' >/etc/systemd/system/paaslad.service.d/test.conf
systemctl daemon-reload
systemctl restart paaslad
pid=$(main_pid)
sleep 5
[ "$(main_pid)" = "$pid" ] || no "the watchdog is not fed"
kill -STOP "$pid"
soon 30 "a daemon that hangs is not started anew" pid_changed "$pid"
rm -r /etc/systemd/system/paaslad.service.d
systemctl daemon-reload
umask 077

# ---- PostgreSQL goes and comes ----
systemctl stop postgresql
systemctl -q is-active paaslad || no "the daemon went with PostgreSQL"
systemctl start postgresql
runuser -u mari -- paaslactl hire 1043 Mart Kõiv --institution LV
soon 60 "no account after PostgreSQL came back" is "SELECT count(*) FROM paasla.account WHERE state = 'open'" 1

# ---- the end, and a new secret ----
began=$(date +%s)
systemctl stop paaslad
[ $(($(date +%s) - began)) -le 10 ] || no "stopping took long"
[ "$(systemctl show -P Result paaslad)" = success ] || no "it ended with $(systemctl show -P Result paaslad)"
openssl rand -hex 24 | tr -d '\n' >/srv/prep/new && cat /srv/prep/new >/etc/paasla/secret/linn
ldappasswd -ZZ -H ldap://ldap.linn.test -D cn=admin,dc=linn,dc=test -y /srv/prep/admin.secret -T /srv/prep/new \
    cn=paaslad,ou=teenused,dc=linn,dc=test
sed -i 's|^#metrics = unix:|metrics = unix:|' /etc/paasla/paasla.conf # in the unit's RuntimeDirectory, for everybody here
systemctl start paaslad
runuser -u stranger -- python3 - <<'PY' || no "monitoring is not answered"
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("/run/paasla/metrics.sock")
s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
assert b" 200 " in s.recv(4096).split(b"\r\n")[0]
PY
runuser -u postgres -- paaslactl sync || no "no sync with the new secret"
