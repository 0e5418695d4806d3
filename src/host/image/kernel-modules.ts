// SPDX-License-Identifier: GPL-2.0-only
// The kernel's modules that a tree needs: the named ones with all that they depend on, and the lists for modprobe.

import fs from "node:fs";
import path from "node:path";
import { Refusal } from "../refusal.js";
import { runProgram } from "../run-program.js";

/** Of a tree of packages with one kernel: its version. */
export function kernelVersion(tree: string): string {
  const [version, ...others] = fs.readdirSync(path.join(tree, "lib/modules"));
  if (version === undefined || others.length > 0) throw new Error(`${tree} does not hold exactly one kernel`);
  return version;
}

/** Every module of the kernel by its name, with its file and the files it needs, from modules.dep. */
async function readDependencies(tree: string, version: string): Promise<Map<string, string[]>> {
  const lines = await runProgram("depmod", ["--basedir", tree, "--dry-run", version]);
  const modules = new Map<string, string[]>();
  for (const [, file, needed] of lines.matchAll(/^(\S+\.ko): ?(.*)$/gm)) {
    const name = path.basename(file, ".ko").replaceAll("-", "_");
    modules.set(name, [file, ...needed.split(" ").filter((word) => word !== "")]);
  }
  return modules;
}

/** Copies the named modules, and what they need, from one tree to another, with the lists for modprobe. */
export async function copyModules(from: string, to: string, names: readonly string[]): Promise<void> {
  const version = kernelVersion(from);
  const modules = await readDependencies(from, version);
  for (const name of names) {
    const files = modules.get(name);
    if (files === undefined)
      throw new Refusal(`Linux ${version} has no module ${name}: firmware/image/kernel-modules.txt`);
    for (const file of files) {
      const place = path.join("lib/modules", version, file);
      fs.cpSync(path.join(from, place), path.join(to, place));
    }
  }
  for (const list of ["modules.builtin", "modules.builtin.modinfo", "modules.order"]) {
    const place = path.join("lib/modules", version, list);
    fs.cpSync(path.join(from, place), path.join(to, place));
  }
  await runProgram("depmod", ["--basedir", to, version]);
}
