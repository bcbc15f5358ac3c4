#!/bin/sh
# README's chapter Install, word for word, on a bare Debian 12 with systemd running: as root, in a folder that debootstrap
# made and that nobody needs afterwards.
# usage: debootstrap bookworm FOLDER && sh tests/install/bare.sh FOLDER
# The town's own directory server is made first, as the package slapd makes one, with TLS. Packages come from the network;
# everything else happens in namespaces of its own: processes, mounts, network, cgroup. Not a part of tests/run.sh: it needs
# the network, a kernel that lets us mount, and some minutes.
set -eu

[ "$(id -u)" -eq 0 ] && [ -x "${1:-}/bin/sh" ] || { sed -n '2,8s/^# //p' "$0" >&2; exit 2; }
ROOT=$(cd "$1" && pwd)
TREE=$(cd "$(dirname "$0")/../.." && pwd)
HERE=$TREE/tests/install
CGROUP=/sys/fs/cgroup
[ ! -d $CGROUP/unified ] || CGROUP=$CGROUP/unified
CGROUP=$CGROUP/paasla-bare-$$
INIT=

say() { printf '%s\n' "== $*"; }
inside() { env -i SYSTEMD_OFFLINE=${OFFLINE:-} PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
in_chroot() { OFFLINE=1 inside chroot "$ROOT" "$@"; }
in_machine() { inside nsenter -t "$INIT" -m -p -i -u -n -C -r -w "$@"; }

finish() {
    status=$?
    trap - EXIT
    set +e
    if [ -n "$INIT" ]; then
        [ "$status" -eq 0 ] || in_machine journalctl --no-pager -n 60
        kill -KILL "$INIT"
    fi
    wait
    umount -R "$ROOT/proc" "$ROOT/dev" 2>/dev/null
    find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null
    exit "$status"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

# ---- the host and the town's directory, before Pääsla ----
say "a bare host and the town's directory server"
rm -rf "$ROOT/srv/paasla" "$ROOT/srv/prep" && mkdir -p "$ROOT/srv/paasla" && mkdir -m 700 "$ROOT/srv/prep"
( cd "$TREE" && tar -cf - --exclude=.git . ) | tar -xf - -C "$ROOT/srv/paasla"
cp -L /etc/resolv.conf "$ROOT/etc/resolv.conf"
echo "127.0.0.1 localhost ldap.linn.test" >"$ROOT/etc/hosts"
echo 'APT::Get::Assume-Yes "true";' >"$ROOT/etc/apt/apt.conf.d/90yes"
printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d" && chmod 755 "$ROOT/usr/sbin/policy-rc.d"
mount -t proc proc "$ROOT/proc"
mount --bind /dev "$ROOT/dev"
printf 'slapd slapd/%s\n' 'domain string linn.test' 'password1 password haldur' 'password2 password haldur' \
    'no_configuration boolean false' 'organization string linn' >"$ROOT/srv/prep/answers"
in_chroot sh -eu <<'SH'
apt-get -q update >/dev/null
debconf-set-selections </srv/prep/answers
apt-get -q install --no-install-recommends systemd systemd-sysv slapd ldap-utils openssl iproute2 python3 >/dev/null
printf haldur >/srv/prep/admin.secret && chmod 600 /srv/prep/admin.secret
cd /etc/ldap
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=Linna CA' -keyout ca.key -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ldap.linn.test -keyout slapd.key -out slapd.csr
echo 'subjectAltName=DNS:ldap.linn.test' >slapd.ext
openssl x509 -req -in slapd.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile slapd.ext -out slapd.pem
chgrp openldap slapd.key && chmod 640 slapd.key
cp ca.pem /srv/paasla/ca.pem
SH

# ---- the chapter, its first part: packages, build, install ----
say "packages, build, install"
chapter() { # the steps FROM [TO] into a file: chapter FILE FROM [TO]
    { echo 'set -eux; cd /srv/paasla'; python3 "$HERE/chapter.py" script "$2" $3; } >"$1"
    sed -i 's| -W | -y /srv/prep/admin.secret |' "$1" # nobody is there to type a password
}
chapter "$ROOT/srv/prep/install.sh" 0 1
in_chroot sh /srv/prep/install.sh >"$ROOT/srv/prep/install.log" 2>&1 || { tail -n 40 "$ROOT/srv/prep/install.log"; exit 1; }
rm "$ROOT/usr/sbin/policy-rc.d"
umount "$ROOT/proc" "$ROOT/dev"

# ---- systemd ----
say "systemd starts"
mkdir "$CGROUP"
cat >"$ROOT/srv/prep/boot.sh" <<'SH'
# What systemd finds when it starts as the first process of its own namespaces.
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t proc -o nosuid,nodev,noexec proc "$1/proc"
mount -t tmpfs -o mode=755 tmpfs "$1/run"
mount -t tmpfs -o mode=755 tmpfs "$1/dev"
for node in null zero full random urandom tty; do : >"$1/dev/$node"; mount --bind "/dev/$node" "$1/dev/$node"; done
mkdir "$1/dev/shm" "$1/dev/mqueue" "$1/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$1/dev/pts"
ln -s pts/ptmx "$1/dev/ptmx"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
ip link set lo up
cd "$1"
pivot_root . mnt
umount -l /mnt
mount --make-rshared / # as systemd wants it of who starts it in a container: credentials are mounts
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=paasla SYSTEMD_PROC_CMDLINE='systemd.unified_cgroup_hierarchy=1' \
    setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-sys_boot,-syslog,-mknod /lib/systemd/systemd --unit=multi-user.target
SH
( echo 0 >"$CGROUP/cgroup.procs"
  exec unshare --mount --pid --fork --uts --ipc --net --cgroup --kill-child sh "$ROOT/srv/prep/boot.sh" "$ROOT" ) \
    </dev/null >"$ROOT/srv/prep/boot.log" 2>&1 &
OUTER=$!
i=0
until INIT=$(pgrep -P "$OUTER") && in_machine systemctl is-system-running --wait 2>/dev/null | grep -Eq 'running|degraded'; do
    i=$((i + 1)); [ "$i" -lt 60 ] || { cat "$ROOT/srv/prep/boot.log"; exit 1; }
    sleep 1
done
in_machine systemctl --no-pager --failed

# ---- the town's directory: TLS, and the two folders that exist ----
in_machine sh -eu <<'SH'
cd /etc/ldap
ldapmodify -Q -Y EXTERNAL -H ldapi:/// <<'LDIF'
dn: cn=config
changetype: modify
add: olcTLSCACertificateFile
olcTLSCACertificateFile: /etc/ldap/ca.pem
-
add: olcTLSCertificateFile
olcTLSCertificateFile: /etc/ldap/slapd.pem
-
add: olcTLSCertificateKeyFile
olcTLSCertificateKeyFile: /etc/ldap/slapd.key
LDIF
ldapadd -x -D cn=admin,dc=linn,dc=test -y /srv/prep/admin.secret -H ldapi:/// <<'LDIF'
dn: ou=inimesed,dc=linn,dc=test
objectClass: organizationalUnit
ou: inimesed

dn: ou=ryhmad,dc=linn,dc=test
objectClass: organizationalUnit
ou: ryhmad
LDIF
SH

# ---- the rest of the chapter ----
say "the chapter"
chapter "$ROOT/srv/prep/chapter.sh" 1 ""
in_machine sh /srv/prep/chapter.sh

# ---- what it came to ----
say "what it came to"
in_machine sh -eu "/srv/paasla/tests/install/bare_check.sh"
say "README's chapter leads from a bare host to a running daemon."
