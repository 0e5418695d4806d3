// SPDX-License-Identifier: GPL-2.0-only
// The packages as an older version would have been: the same code with another number, and other comments in the file that
// people change. Tests of upgrades begin with it.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import type { Definition, PackageDefinition } from "../../../src/host/package/definition.js";

export const OLD_VERSION = "0.0.9";
const PROGRAM = "usr/lib/vpnmasq/vpnmasq.lua";
const SETTINGS = "etc/config/vpnmasq";

/** The router with the older number: only the file that is not packed has it in the clear. */
export function oldBundle({ version }: Definition): Buffer {
  const bundle = fs.readFileSync("build/unpacked/vpnmasq.lua", "latin1");
  const parts = bundle.split(`"${version}"`);
  assert.equal(parts.length, 2, "the version stands in the bundle once");
  return Buffer.from(parts.join(`"${OLD_VERSION}"`), "latin1");
}

function older(definition: Definition, one: PackageDefinition, folder: string): PackageDefinition {
  const [program, settings] = [path.join(folder, "older.lua"), path.join(folder, "older-settings")];
  fs.writeFileSync(program, oldBundle(definition), { mode: 0o644 });
  fs.writeFileSync(settings, `# As it was before.\n${fs.readFileSync(`firmware/openwrt/files/${SETTINGS}`, "utf8")}`);
  const built = Object.entries(one.built).filter(([, target]) => target !== PROGRAM);
  return {
    ...one,
    tree: one.tree.filter((name) => name !== path.dirname(SETTINGS)),
    built: { ...Object.fromEntries(built), [program]: PROGRAM, [settings]: SETTINGS },
  };
}

/** @param folder where the older files may be written; they are read when the packages are made */
export function olderDefinition(definition: Definition, folder: string): Definition {
  const packages = definition.packages.map((one) => (one.name === "vpnmasq" ? older(definition, one, folder) : one));
  return { ...definition, version: OLD_VERSION, packages };
}
