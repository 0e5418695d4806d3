#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Makes a fresh Debian machine ready for one of the project's commands: checks it, installs what is missing, builds.
#
# Usage: sh src/host/setup.sh GROUP, where GROUP is test, lab, bench or board (debian-packages.txt says what each needs).
# Silent when there is nothing to do, so every command can start with it. Two at once wait for one another.

set -eu
cd "$(dirname "$0")/../.."

readonly NODE_MINIMUM=20.19
readonly FREE_MEBIBYTES=2048 # node_modules 0.2 GB, the lab's kernel and guest root 1 GB, room to work in
readonly APT_LOCK_SECONDS=300
readonly LOG=build/setup.log
readonly PACKAGES=src/host/debian-packages.txt

say() {
  printf '%s\n' "$*" | fold -s -w 80
}

# refuse WHAT... : ends set-up with the reason; each argument is a paragraph.
refuse() {
  for paragraph in "$@"; do say "$paragraph" >&2; done
  exit 1
}

# logged WHAT COMMAND... : runs the command with its output in the log, which is shown only when it fails.
logged() {
  what=$1
  shift
  "$@" >"$LOG" 2>&1 && return 0
  tail -n 30 "$LOG" >&2
  refuse "Set-up: $what failed. Its output is above, the whole of it in $LOG."
}

check_system() {
  [ "$(uname -s)" = Linux ] || refuse "This needs Linux (it uses Linux packet sockets); here is $(uname -s)."
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    refuse "This needs Debian (made for Debian 12): there is no apt-get here to install packages with." \
      "On another system, run it in a Debian 12 virtual machine or privileged container."
  fi
  [ "$(id -u)" = 0 ] || refuse "This needs root: it makes network namespaces and installs Debian packages." \
    "Run it again as root, for example with sudo."
  command -v node >/dev/null && command -v npm >/dev/null ||
    refuse "This needs Node.js $NODE_MINIMUM or newer with npm; there is none in PATH."
  check_node_version
  free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1024) }')
  [ "$free" -ge "$FREE_MEBIBYTES" ] ||
    refuse "This needs $FREE_MEBIBYTES MiB of free disk space; here are $free MiB ($(pwd))."
}

check_node_version() {
  found=$(node --version | tr -d v)
  oldest=$(printf '%s\n%s\n' "$NODE_MINIMUM" "$found" | sort -V | head -n 1)
  [ "$oldest" = "$NODE_MINIMUM" ] || refuse "This needs Node.js $NODE_MINIMUM or newer; here is $found."
}

# missing_packages GROUP: the names of the group's packages that are not installed.
missing_packages() {
  awk -v group="$1" '/^[a-z0-9]/ && ("," $2 ",") ~ ("," group ",") { print $1 }' "$PACKAGES" |
    while read -r name; do
      dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || printf ' %s' "$name"
    done
}

update_package_lists() {
  apt-get -q update || { sleep 5 && apt-get -q update; }
}

install_packages() {
  missing=$(missing_packages "$1")
  [ -n "$missing" ] || return 0
  say "Set-up: installing Debian packages:$missing"
  logged "apt-get update" update_package_lists
  # shellcheck disable=SC2086 # the list is words
  logged "apt-get install" env DEBIAN_FRONTEND=noninteractive apt-get -qy -o "DPkg::Lock::Timeout=$APT_LOCK_SECONDS" \
    install --no-install-recommends $missing
}

install_node_modules() {
  stamp=node_modules/.installed-from
  wanted="$(sha256sum <package-lock.json) $(node --version)"
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return 0
  say "Set-up: installing npm packages (npm ci)"
  logged "npm ci" npm ci
  printf '%s\n' "$wanted" >"$stamp"
}

# A folder's time changes when a file in it is added or removed, so this sees deletions too.
is_built() {
  [ -f build/built ] && [ -f build/host/src/host/build.js ] && [ -d build/lua ] &&
    [ -z "$(find src test package.json package-lock.json tsconfig.json -newer build/built -print -quit)" ]
}

build() {
  is_built && return 0
  say "Set-up: building"
  touch build/build-started
  logged "the build" npm run --silent build
  mv build/build-started build/built
}

group=${1:-}
case $group in
test | lab | bench | board) ;;
*) refuse "Usage: sh src/host/setup.sh test|lab|bench|board" ;;
esac
check_system
mkdir -p build
exec 9>build/setup.lock
flock 9
install_packages "$group"
install_node_modules
build
