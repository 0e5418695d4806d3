// SPDX-License-Identifier: GPL-2.0-only
// The heartbeat's line: what is written is read again, and what is wrong has a name.

import { sealed } from "../../../src/heartbeat/checked-line";
import { type Heartbeat, heartbeatText, readHeartbeat } from "../../../src/heartbeat/heartbeat";

const BEAT: Heartbeat = {
  sequence: 1042,
  health: "degraded",
  reason: "wan-down",
  numbers: [
    { name: "up", value: 3725 },
    { name: "esp", value: 0 },
  ],
};

describe("a heartbeat", () => {
  it("reads like this", () => {
    assert.equal("VM1 1042 degraded wan-down up=3725 esp=0*d04a", sealed(heartbeatText(BEAT)));
  });

  it("is read as it was written", () => {
    assert.same(BEAT, readHeartbeat(heartbeatText(BEAT)));
  });

  it("may have no numbers", () => {
    assert.same({ sequence: 1, health: "ok", reason: "none", numbers: [] }, readHeartbeat("VM1 1 ok none"));
  });

  it("names what is wrong with it", () => {
    const faults = {
      "no-heartbeat": ["VM2 1 ok none", "VM1 1", ""],
      "bad-sequence": ["VM1 x ok none", "VM1 -1 ok none", "VM1  ok none"],
      "unknown-health": ["VM1 1 fine none", "VM1 1 OK none"],
      "no-reason": ["VM1 1 ok", "VM1 1 ok "],
      "bad-number": ["VM1 1 ok none up", "VM1 1 ok none up=", "VM1 1 ok none up=-1", "VM1 1 ok none up=1=2"],
    };
    for (const [fault, texts] of pairs(faults)) {
      for (const text of texts) assert.equal(fault, readHeartbeat(text));
    }
  });
});
