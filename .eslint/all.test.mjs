// SPDX-License-Identifier: GPL-2.0-only
// Runs every rule's test in one process: TypeScript's types are loaded once.

import fs from "node:fs";

// With CI=true, typescript-eslint reads a file once and takes its types for every later text of that name: these tests
// lint many texts under the name of one file.
process.env.TSESTREE_SINGLE_RUN = "false";

const folder = new URL("rules/", import.meta.url);
for (const file of fs.readdirSync(folder)) if (file.endsWith(".test.mjs")) await import(new URL(file, folder));
await import("./traps.test.mjs");
