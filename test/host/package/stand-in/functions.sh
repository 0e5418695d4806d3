#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Stands in for OpenWrt's /lib/functions.sh, whose code may not lie here: what the packages' scripts call, as far as our
# packages need it. The list of a package's files lies where opkg or apk has it.
# shellcheck disable=SC3043,SC1090

files_below() {
	cat "/usr/lib/opkg/info/$pkgname.list" "/lib/apk/packages/$pkgname.list" 2>/dev/null | grep "^$1/"
}

add_group_and_user() { :; }

default_postinst() {
	local pkgname="${pkgname:-$(basename "${1%.*}")}" file
	for file in $(files_below /etc/uci-defaults); do
		[ -f "$file" ] && (. "$file") && rm -f "$file"
	done
	for file in $(files_below /etc/init.d); do
		[ "$PKG_UPGRADE" = 1 ] || "$file" enable
		"$file" start
	done
}

default_prerm() {
	local pkgname="${pkgname:-$(basename "${1%.*}")}" file
	for file in $(files_below /etc/init.d); do
		[ "$PKG_UPGRADE" = 1 ] || "$file" disable
		"$file" stop
	done
}
