# What the sandbox and the tests need from Debian 12. Sourced by conf/sandbox/run.sh and tests/run.sh.

PACKAGES_BUILD='gcc libc6-dev pkg-config meson ninja-build libutf8proc-dev libinih-dev libjansson-dev libevent-dev
    libpq-dev libldap-dev libkrb5-dev libsasl2-dev libssl-dev libsystemd-dev libcmocka-dev'
PACKAGES_RUN='postgresql-15 ldap-utils openssl util-linux procps'
# The directories: slapd, an Active Directory domain controller with what asks it for tickets, 389 Directory Server.
PACKAGES_SLAPD='slapd'
PACKAGES_SAMBA='samba samba-ad-dc samba-ad-provision samba-dsdb-modules winbind python3-markdown krb5-user
    libsasl2-modules-gssapi-mit'
# Its dsconf runs ip and does not say so.
PACKAGES_389DS='389-ds-base python3-lib389 iproute2'
PACKAGES_TEST="binutils clang libclang-rt-14-dev python3 python3-pytest python3-pytest-xdist python3-psycopg2 python3-ldap systemd mandoc
    groff-base zsh $PACKAGES_SAMBA $PACKAGES_389DS"

packages_missing() { # packages_missing NAME...
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        [ "$status" = installed ] || printf ' %s' "$package"
    done
}

# Installs what is missing. The servers' packages would make a database of their own and start it: neither happens,
# and a server that was not here before does not start at the next boot either.
packages_need() { # packages_need NAME...
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "These Debian packages are missing; a person with root's rights installs them with:" >&2
        echo "  apt-get install --no-install-recommends$missing" >&2
        return 1
    fi
    echo "Installing:$missing"
    packages_log=$(mktemp)
    packages_guard_on
    # shellcheck disable=SC2086 # the list is words
    if packages_apt update && packages_apt install --no-install-recommends $missing; then packages_ok=0; else packages_ok=1; fi
    packages_guard_off
    if [ "$packages_ok" -ne 0 ]; then
        tail -n 20 "$packages_log" >&2
        echo "apt-get could not install the packages; its last words are above, all of them in $packages_log." >&2
        return 1
    fi
    rm -f "$packages_log"
}

packages_apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" \
        >>"$packages_log" 2>&1 </dev/null
}

packages_guard_on() {
    packages_policy= packages_cluster= packages_off=
    trap 'packages_guard_off; exit 1' HUP INT TERM
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        packages_policy=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' >"$packages_policy"
        chmod 755 "$packages_policy"
    fi
    case $missing in *postgresql-15*)
        mkdir -p /etc/postgresql-common/createcluster.d
        packages_cluster=/etc/postgresql-common/createcluster.d/paasla-sandbox.conf
        echo 'create_main_cluster = false' >"$packages_cluster"
        packages_off="$packages_off postgresql" ;;
    esac
    case $missing in *slapd*)
        command -v debconf-set-selections >/dev/null &&
            echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections
        packages_off="$packages_off slapd" ;;
    esac
    case "$missing " in *' samba '*) packages_off="$packages_off smbd nmbd samba-ad-dc" ;; esac
    case "$missing " in *' winbind '*) packages_off="$packages_off winbind" ;; esac
}

packages_guard_off() {
    [ -z "$packages_policy" ] || rm -f "$packages_policy"
    [ -z "$packages_cluster" ] || rm -f "$packages_cluster"
    if [ -d /run/systemd/system ]; then
        for unit in $packages_off; do systemctl -q disable "$unit" >/dev/null 2>&1 || :; done
    fi
    packages_policy= packages_cluster= packages_off=
    trap - HUP INT TERM
}
