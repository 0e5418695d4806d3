#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What OpenWrt's feed runs on each package it built: test.sh PACKAGE VERSION.

case "$1" in
vpnmasq)
	vpnmasq --version 2>&1 | grep -F "$2"
	;;
esac
