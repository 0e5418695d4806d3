// SPDX-License-Identifier: GPL-2.0-only
// What the host discarded while data was held, and not before or after.

import { HoldLoss, outDiscardsOf, readOutDiscards } from "../../../src/watchdog/hold-loss";

const SNMP = `Ip: Forwarding DefaultTTL InReceives OutRequests OutDiscards OutNoRoutes
Ip: 1 64 900 800 17 3
Icmp: InMsgs OutDiscards
Icmp: 1 2
`;

describe("the host's discarded packets", () => {
  it("are read by the counter's name", () => {
    assert.equal(17, outDiscardsOf(SNMP)!);
    assert.is_nil(outDiscardsOf("Ip: Forwarding\nIp: 1\n"));
    assert.is_nil(outDiscardsOf("nothing of the kind"));
  });

  it("are a number on this kernel", () => {
    assert.is_true(readOutDiscards()! >= 0);
  });

  it("count from the beginning of a hold to its end", () => {
    let counter = 5;
    const loss = new HoldLoss(() => counter);
    const pass = (discarded: number, isHolding: boolean): void => {
      counter += discarded;
      loss.tick(isHolding);
    };
    pass(1, false);
    pass(2, true);
    pass(10, true);
    pass(20, false);
    pass(40, false);
    pass(80, true);
    pass(3, false);
    assert.equal(33, loss.discarded);
  });

  it("are not guessed when they cannot be read", () => {
    const loss = new HoldLoss(() => undefined);
    loss.tick(true);
    loss.tick(false);
    assert.equal(0, loss.discarded);
  });
});
