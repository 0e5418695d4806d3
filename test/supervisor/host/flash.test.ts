// SPDX-License-Identifier: GPL-2.0-only
// ./flash.sh espruino: the program is stored and read back, through EspruinoTools as it is. Where VPNMASQ_ESPRUINO names
// an interpreter for Linux, it is flashed; without one, what is refused is shown.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Duplex, PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { flashEspruino } from "../../../src/host/flash/espruino.js";
import { Refusal } from "../../../src/host/refusal.js";

const interpreter = process.env.VPNMASQ_ESPRUINO ?? "";

async function refusal(wiring: string): Promise<string> {
  const sent = new PassThrough();
  const problem = await flashEspruino({ stream: sent, wiring, say: () => undefined }).catch((cause: unknown) => cause);
  assert.ok(problem instanceof Refusal);
  assert.equal(sent.readableLength, 0);
  return problem.message;
}

describe("flashing the supervisor", () => {
  it("refuses a wiring that is none, and sends nothing", async () => {
    assert.match(await refusal("{"), /^The wiring is no JSON: .*\nNothing was sent\.$/);
    assert.match(await refusal('{"tx": "B6"}'), /^The wiring needs "baud" and "port" \(1 or 2\)/);
  });

  if (interpreter !== "") {
    it(
      "stores program and wiring on a real interpreter, which then runs and answers",
      { timeout: 240_000 },
      async () => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-flash-"));
        const board = spawn(path.resolve(interpreter), [], { cwd: folder, stdio: ["pipe", "pipe", "ignore"] });
        const stream = Duplex.from({ readable: board.stdout, writable: board.stdin });
        stream.on("error", () => undefined); // it is destroyed in the end
        const said: string[] = [];
        try {
          for (const _ of [1, 2]) {
            said.length = 0;
            const wiring = '{"baud": 115200, "port": 1, "path": "/dev/null", "resetPath": "/dev/null"}';
            await flashEspruino({ stream, wiring, say: (line) => said.push(line) });
          }
          assert.match(said[0] ?? "", /^Espruino LINUX 2v/);
          let output = "";
          stream.on("data", (bytes: Buffer) => (output += bytes.toString()));
          await new Promise((resolve) => setTimeout(resolve, 2500));
          stream.write("status\n");
          await new Promise((resolve) => setTimeout(resolve, 1000));
          assert.match(output, /board {6}starting, for 2 m 5\d s at most/);
        } finally {
          board.kill("SIGKILL");
          stream.destroy();
          fs.rmSync(folder, { recursive: true });
        }
      },
    );
  }
});
