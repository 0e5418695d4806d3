#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What udhcpc does with the board's lease, in the client's network namespace: the address, and the way out. It leaves
# this machine's name servers alone.

[ "$1" = bound ] || exit 0
ip address replace "$ip/$mask" dev "$interface"
ip route replace default via "${router%% *}"
