// SPDX-License-Identifier: GPL-2.0-only
// The texts of `vpnmasq help`: cut out of the documentation as marked, plain, and no wider than a terminal.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { documentedTopics } from "../../src/host/help/help-file.js";
import { topicsOf } from "../../src/host/help/topics.js";

const COLUMNS = 80;

function vpnmasq(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync("build/vpnmasq", words, { encoding: "utf8" });
}

function linesOf(document: string): string[] {
  return topicsOf([`<!-- help one: the first -->\n\n${document}`])[0]?.lines ?? [];
}

describe("a topic", () => {
  it("is what stands between marks, in as many pieces as there are", () => {
    const document = [
      "before",
      "<!-- help one: the first -->",
      "# Heading",
      "inside",
      "<!-- help end -->",
      "between",
      "<!-- help one -->",
      "again",
    ].join("\n\n");
    assert.deepEqual(topicsOf([document]), [
      { name: "one", title: "the first", lines: ["HEADING", "  inside", "", "  again", ""] },
    ]);
  });

  it("has no marks of Markdown, and keeps addresses of the web", () => {
    const lines = linesOf("*Few* `words`, [here](docs/x.md) and [there](https://www.rfc-editor.org) &lt;.");
    assert.deepEqual(lines, ["  Few words, here and there (https://www.rfc-editor.org) <.", ""]);
  });

  it("shows lists, code and tables", () => {
    const document =
      "- one\n- two\n\n```\ncode\n```\n\n| Key | Means | Unit |\n| --- | --- | --- |\n| `a` | b | ms |\n";
    assert.deepEqual(linesOf(document), [
      "  - one",
      "  - two",
      "",
      "  code",
      "",
      "  a",
      "      b",
      "      Unit: ms",
      "",
    ]);
  });

  it("of a command has its row of the table of commands", () => {
    const table = "| Command | What it does | Exit status |\n| --- | --- | --- |\n| `vpnmasq go [X]` | goes | 1: not |";
    const topic = topicsOf([`<!-- help commands -->\n\n${table}`]).find(({ name }) => name === "go");
    assert.deepEqual(topic?.lines, ["  goes.", "  Exit status: 1: not.", ""]);
  });
});

describe("vpnmasq help", () => {
  const overview = vpnmasq("help").stdout;
  const names = [...overview.matchAll(/^ {3}([a-z]+) {2}/gm)].map(([, name = ""]) => name);

  it("lists the commands, and the topics that are none", () => {
    assert.ok(
      ["status", "table", "configuration", "snapshot"].every((name) => names.includes(name)),
      overview,
    );
  });

  it("has a text for each of them that fits the screen", () => {
    const documented = documentedTopics().map(({ name }) => name);
    for (const name of names) {
      const { status, stdout } = vpnmasq("help", name);
      assert.equal(status, 0, name);
      assert.ok(documented.includes(name), `docs/ say nothing of ${name}`);
      for (const line of stdout.split("\n")) assert.ok(line.length <= COLUMNS, `${name}: ${line}`);
    }
  });

  it("names the nearest topic when there is none of the name", () => {
    const { status, stderr } = vpnmasq("help", "tabel");
    assert.equal(status, 2);
    assert.match(stderr, /there is no topic "tabel"; did you mean "table"\?/);
  });
});
