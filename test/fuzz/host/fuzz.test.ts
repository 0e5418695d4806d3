// SPDX-License-Identifier: GPL-2.0-only
// The fuzzer finds a fault of each kind that was planted, and says by which byte it is brought about.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { escaped, unescaped } from "./escaped-text.js";
import { fuzz, replay } from "./fuzz-process.js";
import { minimise } from "./minimise.js";

const SECONDS = 2;
/** Without a file there: the target's own seeds alone. */
const CORPUS = "test/fuzz/corpus/planted.txt";

describe("the fuzzer", () => {
  let folder = "";

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-fuzz-"));
  });

  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  async function find(target: string) {
    const { executions, problems } = await fuzz({ target, seconds: SECONDS, seed: 1, corpus: CORPUS, folder });
    assert.ok(executions > 0, "nothing was executed");
    assert.equal(problems.length, 1);
    const [{ what, input } = { what: "", input: "" }] = problems;
    const line = minimise(target, input, folder);
    assert.equal(line, "!");
    assert.notEqual(replay(target, line, folder), undefined);
    assert.equal(replay(target, "some input that is good", folder), undefined);
    return what;
  }

  it("finds an error, and cuts its input short", async () => {
    assert.match(await find("planted-error"), /a fault was planted here/);
  });

  it("finds a look at the byte behind the input", async () => {
    assert.match(await find("planted-overrun"), /SIGSEGV/);
  });

  it("ends an execution that has no end", async () => {
    assert.match(await find("planted-hang"), /hangs/);
  });

  it("writes any bytes as one line that reads back the same", () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    assert.match(escaped(bytes), /^[ -~]+$/);
    assert.deepEqual(unescaped(escaped(bytes)), bytes);
  });
});
