// SPDX-License-Identifier: GPL-2.0-only
// What stands in two places is the same in both: keys and documentation, version and package.

import { CONFIGURATION_KEYS } from "../../../src/app/configuration-keys";
import { ENDPOINT_KEYS, TUNNEL_KEYS } from "../../../src/app/endpoint-keys";
import { readJson } from "../../../src/app/json";
import { VERSION } from "../../../src/app/version";
import { readFile } from "../../../src/system/files";

/** Specs run in build/lua. */
const ROOT = "../..";
const FILE_BYTES_MAX = 1_000_000;

function read(path: string): string {
  const [text, problem] = readFile(`${ROOT}/${path}`, FILE_BYTES_MAX);
  return text ?? error(problem);
}

/** The cells of each row whose first cell is a key, joined by " | ". */
function documentedRows(): string[] {
  const rows: string[] = [];
  for (const [row] of string.gmatch(read("docs/configuration.md"), "\n| (`[^\n]*) |")) {
    rows.push(string.gsub(row, "%s*|%s*", " | ")[0]);
  }
  return rows.map((row) => string.gsub(row, "%s+$", "")[0]);
}

describe("docs/configuration.md", () => {
  it("has a row for each key, as the program knows it", () => {
    const expected = [...CONFIGURATION_KEYS, ...ENDPOINT_KEYS, ...TUNNEL_KEYS].map(
      ({ key, accepted, standardText, explanation, isLive }) =>
        `\`${key}\` | ${accepted} | ${standardText} | ${isLive ? "reload" : "restart"} | ${explanation}`,
    );
    assert.same(expected, documentedRows());
  });
});

describe("the version", () => {
  it("is the package's", () => {
    const [document] = readJson(read("package.json"));
    assert.equal((document as { version: string }).version, VERSION);
  });
});
