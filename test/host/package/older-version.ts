// SPDX-License-Identifier: GPL-2.0-only
// The packages as an older version would have been: the same code with another number, and other comments in the file that
// people change. Tests of upgrades begin with it.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import type { Definition, PackageDefinition } from "../../../src/host/package/definition.js";

export const OLD_VERSION = "0.0.9";
const PROGRAM = "vpnmasq.lua";
/** A program that is not packed takes only parts that are not. */
const PARTS = ["vpnmasq-offload.lua", "vpnmasq-rest.lua"];
const INSTALLED = "usr/lib/vpnmasq";
const SETTINGS = "etc/config/vpnmasq";

/** The program's files with the older number, by where they are installed: only what is not packed has it in the clear. */
export function oldProgram({ version }: Definition): Map<string, Buffer> {
  const read = (name: string): string => fs.readFileSync(path.join("build/unpacked", name), "latin1");
  const pieces = read(PROGRAM).split(`"${version}"`);
  assert.equal(pieces.length, 2, "the version stands in the program once");
  const texts = [
    [PROGRAM, pieces.join(`"${OLD_VERSION}"`)] as const,
    ...PARTS.map((name) => [name, read(name)] as const),
  ];
  return new Map(texts.map(([name, text]) => [path.join(INSTALLED, name), Buffer.from(text, "latin1")]));
}

function older(definition: Definition, one: PackageDefinition, folder: string): PackageDefinition {
  const files = new Map(oldProgram(definition));
  files.set(
    SETTINGS,
    Buffer.from(`# As it was before.\n${fs.readFileSync(`firmware/openwrt/files/${SETTINGS}`, "utf8")}`),
  );
  const built = new Map(Object.entries(one.built).filter(([, target]) => !files.has(target)));
  for (const [target, bytes] of files) {
    const source = path.join(folder, `older-${path.basename(target)}`);
    fs.writeFileSync(source, bytes, { mode: 0o644 });
    built.set(source, target);
  }
  return { ...one, tree: one.tree.filter((name) => name !== path.dirname(SETTINGS)), built: Object.fromEntries(built) };
}

/** @param folder where the older files may be written; they are read when the packages are made */
export function olderDefinition(definition: Definition, folder: string): Definition {
  const packages = definition.packages.map((one) => (one.name === "vpnmasq" ? older(definition, one, folder) : one));
  return { ...definition, version: OLD_VERSION, packages };
}
