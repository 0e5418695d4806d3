// SPDX-License-Identifier: GPL-2.0-only
// The Makefile with which OpenWrt's own build makes the packages, from the definition that our writers use.
//
// There is nothing to compile in OpenWrt's SDK: the program is Lua, the same for every board, and bundled by npm. So the
// feed's folder holds the files as they are installed, as many small packages of OpenWrt's feed do.

import type { Definition, PackageDefinition } from "./definition.js";

const HEAD = `# SPDX-License-Identifier: GPL-2.0-only
# Made from firmware/openwrt/packages.json by \`npm run package\`; a test compares. files/ is filled there, too.

include $(TOPDIR)/rules.mk
`;

function define(name: string, ...lines: readonly string[]): string {
  return `define ${name}\n${lines.map((line) => `${line}\n`).join("")}endef\n`;
}

function packageOf(one: PackageDefinition): string {
  const { name } = one;
  const metadata = [
    `SECTION:=${one.section}`,
    `CATEGORY:=${one.category}`,
    ...(one.submenu === undefined ? [] : [`SUBMENU:=${one.submenu}`]),
    `TITLE:=${one.title}`,
    `DEPENDS:=${one.depends.map((other) => `+${other}`).join(" ")}`,
    "PKGARCH:=all",
  ];
  const parts = [
    define(`Package/${name}`, ...metadata.map((line) => `  ${line}`)),
    define(`Package/${name}/description`, ...one.description.map((line) => `  ${line}`)),
    ...(one.conffiles.length === 0 ? [] : [define(`Package/${name}/conffiles`, ...one.conffiles)]),
    ...(one.afterRemoval.length === 0
      ? []
      : [
          define(
            `Package/${name}/postrm`,
            "#!/bin/sh",
            '[ -z "$${IPKG_INSTROOT}" ] && [ "$${PKG_UPGRADE}" != "1" ] || exit 0',
            ...one.afterRemoval.map((line) => line.replaceAll("$", "$$$$")),
          ),
        ]),
    define(`Package/${name}/install`, `\t$(CP) ./files/${name}/. $(1)/`),
  ];
  return parts.join("\n");
}

export function feedMakefile(definition: Definition): string {
  const { version, release, licence, maintainer, packages } = definition;
  const settings = [
    "PKG_NAME:=vpnmasq",
    `PKG_VERSION:=${version}`,
    `PKG_RELEASE:=${String(release)}`,
    "",
    `PKG_MAINTAINER:=${maintainer}`,
    `PKG_LICENSE:=${licence}`,
    "",
    "include $(INCLUDE_DIR)/package.mk",
  ];
  return [
    HEAD,
    `${settings.join("\n")}\n`,
    ...packages.map((one) => packageOf(one)),
    define("Build/Compile"),
    packages.map(({ name }) => `$(eval $(call BuildPackage,${name}))\n`).join(""),
  ].join("\n");
}
