// SPDX-License-Identifier: GPL-2.0-only
// The unpacker in the installed bundle gives back what was packed, whichever kinds of blocks deflate chose.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { selfUnpacking } from "../../src/host/bundle.js";

/** A program that prints this text; what it is made of decides how it is packed. */
function printing(text: string): Buffer {
  return Buffer.from(`io.write(#${JSON.stringify(text)}, " ", ${JSON.stringify(text)})`);
}

/** Text that nothing can be made of: every letter as likely as any other. */
function noise(lengthBytes: number): string {
  let text = "";
  for (let block = 0; text.length < lengthBytes; block += 1) {
    text += crypto.createHash("sha256").update(String(block)).digest("base64").replaceAll("=", "");
  }
  return text.slice(0, lengthBytes);
}

const TEXTS: Record<string, string> = {
  "one letter (fixed codes)": "a",
  "a run, copied from within itself": "a".repeat(70_000),
  "source text (codes of its own)": fs.readFileSync("test/host/unpack.test.ts", "utf8").replaceAll(/[^ -~]/g, " "),
  "noise (several blocks)": noise(200_000),
  "a repetition as far back as deflate reaches": `match${noise(32_760)}match`,
};

describe("a packed program", () => {
  let folder = "";
  before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-unpack-"))));
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  function run(bundle: Buffer): string {
    const file = path.join(folder, "packed.lua");
    fs.writeFileSync(file, bundle);
    return execFileSync("luajit", [file], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  for (const [name, text] of Object.entries(TEXTS)) {
    it(`runs as it was written: ${name}`, async () => {
      assert.equal(run(await selfUnpacking(printing(text), "packed.lua")), `${String(text.length)} ${text}`);
    });
  }

  it("runs where deflate found nothing to pack (stored blocks)", async () => {
    const comment = Buffer.from(noise(4000), "base64").map((byte) => (byte === 10 || byte === 13 ? 32 : byte));
    const program = Buffer.concat([Buffer.from("-- ]] ]=] ~r~ "), comment, Buffer.from("\nio.write('ran')")]);
    assert.equal(run(await selfUnpacking(program, "packed.lua")), "ran");
  });
});
