#!/bin/sh
# The sample becomes the configuration where there is none; one that is there is never written over. Run by `meson
# install`: install_sample.sh SAMPLE CONFIGURATION
set -eu
to=${DESTDIR:-}$2
if [ -e "$to" ] || [ -L "$to" ]; then exit 0; fi
mkdir -p "$(dirname "$to")"
( set -C && umask 022 && cat "$1" >"$to" ) # -C: fails on a file that somebody made meanwhile
