#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vpnmasq: starts the program under whichever LuaJIT the system has.
#
# OpenWrt's luajit2 installs /usr/bin/luajit2 and luajit installs /usr/bin/luajit, so no fixed #! line serves both.

self=$0
while [ -h "$self" ]; do
  target=$(readlink "$self")
  case $target in
  /*) self=$target ;;
  *) self=$(dirname "$self")/$target ;;
  esac
done
here=$(cd "$(dirname "$self")" && pwd -P)

for program in "$here/vpnmasq.lua" "$here/../lib/vpnmasq/vpnmasq.lua" /usr/lib/vpnmasq/vpnmasq.lua; do
  if [ -f "$program" ]; then break; fi
done
if [ ! -f "$program" ]; then
  echo "vpnmasq: vpnmasq.lua is missing: neither in $here nor in /usr/lib/vpnmasq." >&2
  echo "Install the package again." >&2
  exit 127
fi
for interpreter in luajit luajit2; do
  if command -v "$interpreter" >/dev/null 2>&1; then exec "$interpreter" "$program" "$@"; fi
done
echo "vpnmasq: there is no LuaJIT in PATH. Install one: opkg install luajit2 (OpenWrt)" >&2
echo "or apt-get install luajit (Debian)." >&2
exit 127
