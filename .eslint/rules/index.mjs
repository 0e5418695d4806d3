// SPDX-License-Identifier: GPL-2.0-only
// The local rules, each in the file of its name.

import fs from "node:fs";

const folder = new URL(".", import.meta.url);
const names = fs
  .readdirSync(folder)
  .filter((file) => /^[a-z-]+\.mjs$/.test(file) && file !== "index.mjs")
  .map((file) => file.replace(".mjs", ""));

export const rules = Object.fromEntries(
  await Promise.all(names.map(async (name) => [name, (await import(new URL(`${name}.mjs`, folder))).default])),
);
