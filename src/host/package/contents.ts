// SPDX-License-Identifier: GPL-2.0-only
// The files of a package: those of firmware/openwrt/files that its definition names, and what the build makes.

import fs from "node:fs";
import path from "node:path";
import { byBytes, type PackageFile } from "./package-file.js";
import type { PackageDefinition } from "./definition.js";

const TREE = "firmware/openwrt/files";

/** Git keeps of the mode whether a file can be run; nothing else may make a difference between two checkouts. */
function modeOf(file: string): number {
  return (fs.statSync(file).mode & 0o100) === 0 ? 0o644 : 0o755;
}

function fileFrom(source: string, target: string): PackageFile {
  if (!fs.existsSync(source)) throw new Error(`${source} is missing, which firmware/openwrt/packages.json names`);
  return { path: target, mode: modeOf(source), content: fs.readFileSync(source) };
}

/** What lies at a place of the tree, or below it. */
function filesBelow(name: string): PackageFile[] {
  const source = path.join(TREE, name);
  if (fs.existsSync(source) && fs.statSync(source).isDirectory())
    return fs.readdirSync(source).flatMap((inner) => filesBelow(`${name}/${inner}`));
  return [fileFrom(source, name)];
}

/** The package's files in the order of their names. */
export function contentsOf({ tree, built }: PackageDefinition): PackageFile[] {
  const files = [
    ...tree.flatMap((name) => filesBelow(name)),
    ...Object.entries(built).map(([source, target]) => fileFrom(source, target)),
  ];
  return files.sort((one, other) => byBytes(one.path, other.path));
}

/** Every file of the tree, to find those that no package has. */
export function wholeTree(): string[] {
  return fs.readdirSync(TREE).flatMap((name) => filesBelow(name).map((file) => file.path));
}
