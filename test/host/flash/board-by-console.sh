#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A board with a real U-Boot (Debian's, in QEMU), its console a unix socket, its network cable a tap of a network of its
# own. The board starts when somebody opens the console.
#
# Usage: unshare --net -- sh board-by-console.sh FOLDER
# FOLDER/console is the console, FOLDER/disk the flash. Ends when the board is switched off.

set -eu
folder=$1
ip link set lo up
ip tuntap add cable mode tap
ip address add 192.168.1.2/24 dev cable
ip link set cable up
truncate -s 64M "$folder/disk"
exec qemu-system-aarch64 -machine virt -cpu cortex-a53 -m 256 -display none -monitor none \
  -bios /usr/lib/u-boot/qemu_arm64/u-boot.bin \
  -drive "if=none,id=flash,format=raw,file=$folder/disk" -device virtio-blk-device,drive=flash \
  -netdev tap,id=cable,ifname=cable,script=no,downscript=no -device virtio-net-device,netdev=cable \
  -serial "unix:$folder/console,server=on,wait=on"
