// SPDX-License-Identifier: GPL-2.0-only
// What the monitor tells, and when it looks, with a kernel that is a list.

import { SaMonitor } from "../../../src/watchdog/sa-monitor";
import { FakeXfrm, incoming, LOCAL, outgoing } from "./fake-xfrm";

describe("the SA monitor", () => {
  let xfrm: FakeXfrm;
  let told: string[];
  let monitor: SaMonitor;

  before_each(() => {
    xfrm = new FakeXfrm();
    told = [];
    monitor = new SaMonitor(xfrm, {
      isLocal: (address) => address === LOCAL,
      onReport: ({ kind, epoch }) => told.push(`${kind} ${epoch.outSpi}/${epoch.inSpi}`),
      awaitedIntervalMs: 50,
      allIntervalMs: 1000,
      wallClockMs: () => 2000000,
    });
  });

  function take(): string {
    const text = told.join(", ");
    told = [];
    return text;
  }

  it("finds what is there when it starts", () => {
    xfrm.states = [outgoing(1), incoming(2)];
    monitor.start(0);
    assert.equal("found 1/2", take());
  });

  it("tells of epochs that come and go by events", () => {
    monitor.start(0);
    monitor.handle({ kind: "sa", sa: incoming(2) }, 10);
    monitor.handle({ kind: "sa", sa: outgoing(1) }, 10);
    assert.equal("appeared 1/2", take());
    monitor.handle({ kind: "sa gone", id: incoming(2) }, 20);
    assert.equal("gone 1/2", take());
  });

  it("looks often at epochs whose answer is awaited, and seldom at others", () => {
    xfrm.states = [outgoing(1), incoming(2), outgoing(3, { reqid: 7 }), incoming(4, { reqid: 7 })];
    monitor.start(0);
    take();
    monitor.awaitOn([2]);
    xfrm.states = [
      outgoing(1),
      incoming(2, { packets: 1 }),
      outgoing(3, { reqid: 7 }),
      incoming(4, { reqid: 7, packets: 1 }),
    ];
    monitor.tick(49);
    assert.equal("", take());
    monitor.tick(50);
    assert.equal("used 1/2", take());
    monitor.tick(999);
    assert.equal("", take());
    monitor.tick(1000);
    assert.equal("used 3/4", take());
  });

  it("tells of packets that went out between two looks at all when none came in", () => {
    xfrm.states = [outgoing(1, { packets: 5 }), incoming(2, { packets: 5 })];
    monitor.start(0);
    take();
    xfrm.states = [outgoing(1, { packets: 6 }), incoming(2, { packets: 6 })];
    monitor.tick(1000);
    assert.equal("used 1/2", take());
    xfrm.states = [outgoing(1, { packets: 7 }), incoming(2, { packets: 6 })];
    monitor.tick(1999);
    assert.equal("", take());
    monitor.tick(2000);
    assert.equal("unanswered 1/2", take());
    monitor.tick(3000);
    assert.equal("", take());
  });

  it("does not take a ping for unanswered whose answer was seen in between", () => {
    xfrm.states = [outgoing(1), incoming(2)];
    monitor.start(0);
    take();
    monitor.awaitOn([2]);
    xfrm.states = [outgoing(1, { packets: 1 }), incoming(2, { packets: 1 })];
    monitor.tick(500);
    assert.equal("used 1/2", take());
    monitor.tick(1000);
    assert.equal("", take());
  });

  it("tells at its next look of an awaited epoch that went unnoticed", () => {
    xfrm.states = [outgoing(1), incoming(2)];
    monitor.start(0);
    monitor.awaitOn([2]);
    xfrm.states = [];
    take();
    monitor.tick(60);
    assert.equal("gone 1/2", take());
  });

  it("looks at all again when events were lost", () => {
    monitor.start(0);
    xfrm.states = [outgoing(1), incoming(2)];
    monitor.handle({ kind: "resynchronise" }, 10);
    monitor.tick(10);
    assert.equal("found 1/2", take());
  });

  it("tells of all epochs' end when SAs are flushed", () => {
    xfrm.states = [outgoing(1), incoming(2)];
    monitor.start(0);
    take();
    xfrm.states = [];
    monitor.handle({ kind: "sas flushed" }, 10);
    monitor.tick(10);
    assert.equal("gone 1/2", take());
  });

  it("keeps what it knows while the kernel does not answer, and says why", () => {
    xfrm.states = [outgoing(1), incoming(2)];
    monitor.start(0);
    take();
    xfrm.problem = "no memory";
    monitor.tick(1000);
    assert.equal("", take());
    assert.equal("no memory", monitor.problem);
    xfrm.problem = undefined;
    monitor.tick(2000);
    assert.is_nil(monitor.problem);
  });
});
