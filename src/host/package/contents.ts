// SPDX-License-Identifier: GPL-2.0-only
// The files of a package: those of firmware/openwrt/files that its definition names, and the program as it was built.

import fs from "node:fs";
import path from "node:path";
import { byBytes, type PackageFile } from "./package-file.js";
import type { PackageDefinition } from "./definition.js";

const TREE = "firmware/openwrt/files";

/** In place of a path in a definition: what `npm run build` makes. */
const PROGRAM = "program";
const PROGRAM_FILES: readonly (readonly [source: string, target: string, mode: number])[] = [
  ["build/vpnmasq", "usr/bin/vpnmasq", 0o755],
  ["build/vpnmasq.lua", "usr/lib/vpnmasq/vpnmasq.lua", 0o644],
];

/** Git keeps of the mode whether a file can be run; nothing else may make a difference between two checkouts. */
function modeOf(file: string): number {
  return (fs.statSync(file).mode & 0o100) === 0 ? 0o644 : 0o755;
}

function filesBelow(name: string): PackageFile[] {
  const source = path.join(TREE, name);
  if (!fs.existsSync(source)) throw new Error(`${source} is missing, which firmware/openwrt/packages.json names`);
  if (fs.statSync(source).isDirectory())
    return fs.readdirSync(source).flatMap((inner) => filesBelow(`${name}/${inner}`));
  return [{ path: name, mode: modeOf(source), content: fs.readFileSync(source) }];
}

function programFiles(): PackageFile[] {
  return PROGRAM_FILES.map(([source, target, mode]) => ({ path: target, mode, content: fs.readFileSync(source) }));
}

/** The package's files in the order of their names. */
export function contentsOf({ contents }: PackageDefinition): PackageFile[] {
  const files = contents.flatMap((name) => (name === PROGRAM ? programFiles() : filesBelow(name)));
  return files.sort((one, other) => byBytes(one.path, other.path));
}

/** Every file of the tree, to find those that no package has. */
export function wholeTree(): string[] {
  return fs.readdirSync(TREE).flatMap((name) => filesBelow(name).map((file) => file.path));
}
