// SPDX-License-Identifier: GPL-2.0-only
// From UCI to the JSON document: one text file a case in test/spec/app/uci/cases, as firewall4 has its tests.
//
// A case holds what it is given in sections (`-- uci`, or `-- uci file` of the project, `-- network`, `-- role`) and what is to come of it: `-- expect
// json`, `-- expect errors`, `-- expect waiting` or `-- expect off`. What stands before the first section says what it shows.

import { writeJson } from "../../../../src/app/json";
import { readInterfaceDump } from "../../../../src/app/uci/logical-interface";
import { readRole, type UciResult, type UciRole } from "../../../../src/app/uci/uci-document";
import { readUciFile } from "../../../../src/app/uci/uci-file";
import { readFile } from "../../../../src/system/files";

/** Specs run in build/lua; the cases are not compiled. */
const ROOT = "../..";
const FOLDER = `${ROOT}/test/spec/app/uci/cases`;
const CASE_BYTES_MAX = 65536;
/** Where nothing is said of the network: a router as it comes from the shop. */
const STOCK_NETWORK = `{"interface": [
  {"interface": "loopback", "up": true, "l3_device": "lo", "proto": "static", "device": "lo"},
  {"interface": "lan", "up": true, "l3_device": "br-lan", "proto": "static", "device": "br-lan"},
  {"interface": "wan", "up": true, "l3_device": "eth1", "proto": "dhcp", "device": "eth1"}
]}`;

interface Case {
  readonly title: string;
  readonly sections: LuaMap<string, string>;
}

function read(path: string): string {
  const [text, problem] = readFile(path, CASE_BYTES_MAX);
  return text ?? error(problem);
}

function readCase(path: string): Case {
  const [title, rest] = string.match(`${read(path)}\n-- `, "^(.-)(\n%-%- .*)$");
  const sections = new LuaMap<string, string>();
  for (const [name, content] of string.gmatch(string.gsub(rest, "\n%-%- ", "\x00%0")[0], "\n%-%- ([%l ]+)\n([^%z]*)")) {
    sections.set(name, string.match(content, "^(.-)%s*$")[0]);
  }
  return { title, sections };
}

/** The file's own errors are told as `vpnmasq uci` tells them. */
function resultOf({ sections }: Case): UciResult {
  const [parsed, problem] = readUciFile(sections.get("uci") ?? read(`${ROOT}/${sections.get("uci file")}`));
  if (parsed === undefined) return { kind: "wrong", problems: [problem] };
  const role = (sections.get("role") ?? "router") as UciRole;
  return readRole(role, parsed, readInterfaceDump(sections.get("network") ?? STOCK_NETWORK));
}

/** The document with a key a line, so that a case can be read. */
function linesOf(document: object): string {
  const lines: string[] = [];
  for (const name of Object.keys(document).sort((one, other) => (one < other ? -1 : 1))) {
    lines.push(`${name} ${writeJson((document as Record<string, unknown>)[name])}`);
  }
  return lines.join("\n");
}

function outcomeOf(result: UciResult): [string, string] {
  if (result.kind === "good") return ["expect json", linesOf(result.document)];
  if (result.kind === "wrong") return ["expect errors", result.problems.join("\n")];
  if (result.kind === "waiting") return ["expect waiting", result.reason];
  return ["expect off", ""];
}

function caseFiles(): string[] {
  const [listing] = io.popen(`ls ${FOLDER}`);
  const names: string[] = [];
  for (const [name] of listing!.lines()) names.push(name);
  listing!.close();
  return names;
}

describe("from UCI to the document:", () => {
  const files = caseFiles();
  assert.is_true(files.length > 10);
  for (const file of files) {
    const given = readCase(`${FOLDER}/${file}`);
    it(given.title, () => {
      const [kind, text] = outcomeOf(resultOf(given));
      assert.same({ [kind]: text }, { [kind]: given.sections.get(kind) });
    });
  }
});
