// SPDX-License-Identifier: GPL-2.0-only
// The scripts that a package manager runs around a package, as OpenWrt's own packages have them: /lib/functions.sh enables,
// starts and stops the services of the package, and runs its uci-defaults.

import type { PackageDefinition } from "./definition.js";

const BEGIN = [
  "#!/bin/sh",
  '[ -s "${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0',
  '. "${IPKG_INSTROOT}/lib/functions.sh"',
];
/** An image builder installs into a folder, without running anything. */
const UNLESS_UNWANTED = '[ "${IPKG_NO_SCRIPT}" = "1" ] && exit 0';

function script(...lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

/** Not in an image that is being built, and not when the next version follows. */
function afterRemoval({ afterRemoval: lines }: PackageDefinition): string | undefined {
  if (lines.length === 0) return undefined;
  return script("#!/bin/sh", '[ -z "${IPKG_INSTROOT}" ] && [ "${PKG_UPGRADE}" != "1" ] || exit 0', ...lines);
}

/** By their names in an .ipk. */
export function opkgScripts(definition: PackageDefinition): Record<string, string> {
  const [first = "", ...others] = BEGIN;
  const removed = afterRemoval(definition);
  return {
    postinst: script(first, UNLESS_UNWANTED, ...others, 'default_postinst "$0" "$@"'),
    prerm: script(...BEGIN, 'default_prerm "$0" "$@"'),
    ...(removed === undefined ? {} : { postrm: removed }),
  };
}

/** By their names in apk; it does not tell a script its package's name. */
export function apkScripts(definition: PackageDefinition): Record<string, string> {
  const [first = "", ...others] = BEGIN;
  const names = ['export root="${IPKG_INSTROOT}"', `export pkgname="${definition.name}"`];
  const installed = [UNLESS_UNWANTED, ...others, ...names, "add_group_and_user", "default_postinst"];
  const removed = afterRemoval(definition);
  return {
    "post-install": script(first, ...installed),
    "pre-deinstall": script(...BEGIN, ...names, "default_prerm"),
    ...(removed === undefined ? {} : { "post-deinstall": removed }),
    "post-upgrade": script(first, "export PKG_UPGRADE=1", ...installed),
  };
}
