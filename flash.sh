#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Puts vpnmasq on a board, real or emulated: ./flash.sh --help

set -eu
sh "$(dirname "$0")/src/host/setup.sh" board
exec node "$(dirname "$0")/build/host/src/host/flash/main.js" "$@"
