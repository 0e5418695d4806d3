#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A board with a running router and a shell on its console.
#
# Usage, on a terminal, whose end ends all: unshare --net --mount-proc --pid --kill-child -- sh support-board.sh PROJECT FOLDER

set -eu
project=$1
folder=$2
mount -t tmpfs board /run
mkdir /run/vpnmasq
ip link set lo up
ip link add wan type veth peer name provider
ip link add lan type veth peer name client
for link in wan provider lan client; do ip link set "$link" up; done
ip address add 203.0.113.2/24 dev wan
ip address add 192.168.1.1/24 dev lan
ip route add default via 203.0.113.1
printf '{"lan": "lan", "wan": "wan"}\n' >"$folder/vpnmasq.json"
PATH=$project/build:$PATH
vpnmasq router --config "$folder/vpnmasq.json" >"$folder/router.log" 2>&1 &
router=$!
trap 'kill $router' EXIT
until vpnmasq health >/dev/null 2>&1; do
  kill -0 $router || exit 1
  sleep 0.1
done
PS1='root@OpenWrt:/# ' sh -i
