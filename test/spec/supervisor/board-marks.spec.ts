// SPDX-License-Identifier: GPL-2.0-only
// The lines by which the board's upgrade script keeps a supervisor off are those that the supervisor reads.

import { readConsoleLine } from "../../../src/supervisor/console-line";

const SCRIPT = "../../firmware/image/root/usr/sbin/board-upgrade";

describe("board-upgrade", () => {
  it("asks the supervisor for ten minutes, and tells it when it gave up", () => {
    const [file] = io.open(SCRIPT, "r");
    const script = file!.read("*a")!;
    file!.close();
    const leases: number[] = [];
    for (const [line] of string.gmatch(script, "'(VM1F[^']*)'")) {
      const news = readConsoleLine(line);
      leases.push(news.kind === "flashing" ? news.leaseSeconds : -1);
    }
    assert.same([600, 0], leases);
  });
});
