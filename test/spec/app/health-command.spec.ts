// SPDX-License-Identifier: GPL-2.0-only
// What a person reads of `vpnmasq health`: the router's present health, and why the board was started last.

import { healthLines, readBoardStart } from "../../../src/app/health-command";
import { displayWidth } from "../../../src/app/text/layout";

const WELL = { health: "ok", reason: "forwarding", meaning: "what comes is forwarded" } as const;

function fileWith(text: string): string {
  const name = os.tmpname();
  const [file] = io.open(name, "w");
  file!.write(text);
  file!.close();
  return name;
}

describe("`vpnmasq health`", () => {
  it("is one line where no firmware tells why the board was started", () => {
    assert.is_nil(readBoardStart("/nowhere/board/start"));
    assert.same(["ok: forwarding: what comes is forwarded"], healthLines(WELL, undefined));
  });

  it("tells why the board was started, behind the health and in 80 columns", () => {
    const cause =
      "watchdog: the router was wedged: no-answer: it does not answer within 2000 ms (kernel panic: expired)";
    const file = fileWith(`started slot-a after: ${cause}\n`);
    const start = readBoardStart(file);
    os.remove(file);
    const [first, ...others] = healthLines(WELL, start);
    assert.equal("ok: forwarding: what comes is forwarded", first);
    assert.equal(`board: started slot-a after: ${cause}`, others.join(" "));
    for (const line of others) assert.is_true(displayWidth(line) <= 80, line);
  });

  it("takes no more than the first line, and nothing that would move a terminal's cursor", () => {
    const file = fileWith("started slot-a\x1b[2J after\nmore\n");
    const start = readBoardStart(file);
    os.remove(file);
    assert.equal("started slot-a", start);
  });
});
