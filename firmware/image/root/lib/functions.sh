# SPDX-License-Identifier: GPL-2.0-only
# What the scripts in OpenWrt's packages call of /lib/functions.sh: the services that a package brings are started and
# stopped. There is no UCI on this board, so what a package wants to set up in it at first (uci-defaults) is left alone.

# services_of SCRIPT : the init scripts of the package whose script this is
services_of() {
  grep '^/etc/init\.d/' "${1%.*}.list"
}

default_postinst() {
  for service in $(services_of "$1"); do "$service" start; done
}

default_prerm() {
  for service in $(services_of "$1"); do "$service" stop; done
}
