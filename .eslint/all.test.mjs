// SPDX-License-Identifier: GPL-2.0-only
// Runs every rule's test in one process: TypeScript's types are loaded once.

import fs from "node:fs";

const folder = new URL("rules/", import.meta.url);
for (const file of fs.readdirSync(folder)) if (file.endsWith(".test.mjs")) await import(new URL(file, folder));
await import("./traps.test.mjs");
