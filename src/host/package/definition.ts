// SPDX-License-Identifier: GPL-2.0-only
// What the packages are: firmware/openwrt/packages.json, the one source of both formats and of the feed's Makefile.

import fs from "node:fs";

const DEFINITION = "firmware/openwrt/packages.json";

export interface PackageDefinition {
  readonly name: string;
  readonly title: string;
  readonly description: readonly string[];
  /** As OpenWrt sorts packages in its menus. */
  readonly section: string;
  readonly category: string;
  readonly submenu?: string;
  readonly depends: readonly string[];
  /** Files or folders of firmware/openwrt/files that belong to it. */
  readonly tree: readonly string[];
  /** What `npm run build` makes, and where it lies on the router. */
  readonly built: Readonly<Record<string, string>>;
  /** Absolute paths of files that people change. */
  readonly conffiles: readonly string[];
  /** Lines of shell that run once the package is gone for good. */
  readonly afterRemoval: readonly string[];
}

export interface Definition {
  /** Of the program: package.json's. */
  readonly version: string;
  /** Of the packaging; counts up when only that changes. */
  readonly release: number;
  readonly licence: string;
  readonly maintainer: string;
  readonly packages: readonly PackageDefinition[];
}

type DefinitionFile = Omit<Definition, "version" | "licence">;

export function readDefinition(): Definition {
  const { version, license } = JSON.parse(fs.readFileSync("package.json", "utf8")) as Record<string, string>;
  const file = JSON.parse(fs.readFileSync(DEFINITION, "utf8")) as DefinitionFile;
  if (version === undefined || license === undefined) throw new Error("package.json: version or license is missing");
  return { ...file, version, licence: license };
}

/** As both package managers write it: `0.1.0-r1`. */
export function fullVersion({ version, release }: Definition): string {
  return `${version}-r${String(release)}`;
}
