// SPDX-License-Identifier: GPL-2.0-only
// Every source file that is no TypeScript names its licence too (ESLint sees to the others).

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";

const LICENCE = "SPDX-License-Identifier: GPL-2.0-only";
const SOURCES = /\.(sh|lua|mjs|js|css|txt)$|^\.ci\/run$|\/rpcd\/vpnmasq$/;
/** Lines that programs are given as they are. */
const INPUTS = /^test\/fuzz\/corpus\//;

function sources(): string[] {
  const files = ["src", "test", "firmware", ".eslint", ".ci"].flatMap((folder) =>
    fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => path.join(folder, file)),
  );
  return files.filter((file) => SOURCES.test(file) && !INPUTS.test(file));
}

describe("a source file", () => {
  it("names its licence in one of its first two lines", () => {
    const files = sources();
    assert.ok(files.includes("src/host/setup.sh"));
    const unnamed = files.filter(
      (file) =>
        !fs
          .readFileSync(file, "utf8")
          .split("\n", 2)
          .some((line) => line.includes(LICENCE)),
    );
    assert.deepEqual(unnamed, []);
  });
});
