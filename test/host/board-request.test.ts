// SPDX-License-Identifier: GPL-2.0-only
// What `npm run board --` takes, and what it says to a mistake.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Refusal } from "../../src/host/refusal.js";
import { boardRequest, usage } from "../board/host/request.js";

const GROUPS = ["flashing", "routing"];

function refusalOf(...words: readonly string[]): string {
  try {
    boardRequest(words, GROUPS);
  } catch (problem) {
    assert.ok(problem instanceof Refusal, String(problem));
    return problem.message;
  }
  return assert.fail("it was taken");
}

describe("npm run board", () => {
  it("runs all checks when nothing is said", () => {
    assert.deepEqual(boardRequest([], GROUPS), { groups: [], powerCuts: undefined, isJson: false });
  });

  it("takes groups, and power cuts of a seed from one on", () => {
    assert.deepEqual(boardRequest(["--only", "routing,flashing", "--json"], GROUPS)?.groups, ["routing", "flashing"]);
    const cuts = boardRequest(["--power-cuts", "10", "--seed", "7", "--from", "21"], GROUPS)?.powerCuts;
    assert.deepEqual(cuts, { count: 10, seed: 7, from: 21 });
    assert.equal(boardRequest(["--power-cuts", "10"], GROUPS)?.powerCuts?.from, 1);
  });

  it("has a help page of 80 columns that names every group", () => {
    assert.equal(boardRequest(["--help", "--only", "routing"], GROUPS), undefined);
    const page = usage(GROUPS);
    for (const name of GROUPS) assert.match(page, new RegExp(`\\b${name}\\b`));
    for (const line of page.split("\n")) assert.ok(line.length <= 80, line);
  });

  it("answers a mistake with what it takes, and does nothing", () => {
    assert.match(refusalOf("--only", "rooting"), /no group "rooting"\. Did you mean routing\?.*flashing, routing/s);
    assert.match(refusalOf("--onl", "routing"), /no option --onl\. Did you mean --only\?/);
    assert.match(refusalOf("routing"), /"routing" is no option; groups are named by --only/);
    assert.match(refusalOf("--seed", "4"), /--seed and --from belong to --power-cuts/);
    assert.match(refusalOf("--power-cuts", "1.5"), /--power-cuts 1\.5: a whole number of power cuts/);
    assert.match(refusalOf("--power-cuts", "ten"), /--power-cuts ten: a number of power cuts above 0/);
    assert.match(refusalOf("--power-cuts", "3", "--only", "routing"), /Either --only or --power-cuts, not both/);
    assert.match(refusalOf("--only"), /--only needs a value/);
  });
});
