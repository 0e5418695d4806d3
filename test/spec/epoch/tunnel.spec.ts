// SPDX-License-Identifier: GPL-2.0-only
// A client's tunnel while the network does what it should, or nearly.

import { rekeyAtMs } from "../../../src/epoch/parameters";
import { type Order, Tunnel } from "../../../src/epoch/tunnel";
import { CLIENT, TunnelRun } from "./tunnel-run";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function toldStates(run: TunnelRun): string {
  return run.events.map(({ order }) => (order.kind === "tell" ? `${order.state} ` : "")).join("");
}

describe("the first epoch of a client", () => {
  it("is pinged at once and its data held until the answer", () => {
    const run = new TunnelRun();
    run.roundTripMs = 300;
    const spi = run.appear();
    assert.equal<number | "hold">("hold", run.data());
    assert.equal(spi, run.placement().ping!.outSpi);
    assert.equal(1, run.count("ping"));
    run.wait(200);
    assert.equal<number | "hold">("hold", run.data());
    run.wait(100);
    assert.equal<number | "hold">(spi, run.data());
    assert.is_nil(run.placement().ping);
    assert.equal("confirming up ", toldStates(run));
  });

  it("is answered by any packet on its incoming SA", () => {
    const run = new TunnelRun();
    run.answers = () => false;
    const spi = run.appear();
    run.wait(300);
    run.hear(spi);
    assert.equal<number | "hold">(spi, run.data());
    run.wait(5 * SECOND);
    assert.equal(1, run.count("ping"));
  });

  it("is told once, however often the kernel shows it", () => {
    const run = new TunnelRun();
    run.appear();
    assert.same<Order[]>([], run.tunnel.epochAppeared(1, 1000001, run.nowMs));
    assert.equal(1, run.tunnel.epochs().length);
  });

  it("is not confirmed by packets on SAs that nobody knows", () => {
    const run = new TunnelRun();
    run.answers = () => false;
    run.appear();
    run.hear(77);
    assert.equal<number | "hold">("hold", run.data());
  });

  it("is pinged again after doubled waits", () => {
    const run = new TunnelRun();
    run.answers = () => false;
    run.appear();
    const startMs = run.nowMs;
    run.wait(16 * SECOND);
    assert.same(
      [0, 1000, 3000, 7000, 11000, 15000],
      run.pingTimes().map((timeMs) => timeMs - startMs),
    );
  });

  it("survives the loss of all pings but the last", () => {
    const run = new TunnelRun();
    run.answers = () => run.count("ping") === CLIENT.pingTries;
    const spi = run.appear();
    run.wait(25 * SECOND);
    assert.equal<number | "hold">(spi, run.data());
    assert.equal("", run.actionNames());
  });
});

describe("the round-trip time of a tunnel", () => {
  it("is that of a ping which was sent once", () => {
    const run = new TunnelRun();
    run.roundTripMs = 300;
    run.bringUp();
    assert.equal(300, run.tunnel.roundTripMs()!);
  });

  it("that is longer than the first wait is known all the same", () => {
    const run = new TunnelRun();
    run.roundTripMs = 1200;
    run.appear();
    run.wait(5 * SECOND);
    assert.equal("up", run.tunnel.state);
    assert.equal(1200, run.tunnel.roundTripMs()!);
  });

  it("is not taken from the end of an outage", () => {
    const run = new TunnelRun();
    run.bringUp();
    const before = run.tunnel.roundTripMs();
    run.answers = () => false;
    run.daemonMs = undefined;
    run.wait(40 * SECOND);
    run.answers = () => true;
    run.wait(5 * SECOND);
    assert.equal("up", run.tunnel.state);
    assert.equal(before, run.tunnel.roundTripMs());
  });

  it("is not taken from packets that answer no ping", () => {
    const run = new TunnelRun();
    const spi = run.bringUp();
    const before = run.tunnel.roundTripMs();
    run.wait(5 * SECOND);
    run.hear(spi);
    assert.equal(before, run.tunnel.roundTripMs());
  });

  it("lengthens the wait for the next answer", () => {
    const run = new TunnelRun({ pingTimeMinMs: 100 });
    run.roundTripMs = 90;
    run.bringUp();
    run.roundTripMs = 5000;
    const startMs = run.nowMs;
    run.appear();
    run.wait(SECOND);
    const [first, second] = run.pingTimes(startMs);
    // Three times the one measurement of 100 ms: the run's clock ticks so.
    assert.near(300, second - first, 100);
  });
});

describe("a rekey at a client", () => {
  it("leaves data on the old epoch until the new one is answered; only the ping uses the new", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    run.roundTripMs = 500;
    const young = run.appear();
    run.wait(400);
    assert.equal<number | "hold">(old, run.data());
    assert.equal(young, run.placement().ping!.outSpi);
    run.wait(100);
    assert.equal<number | "hold">(young, run.data());
    assert.equal("confirming up confirming up ", toldStates(run));
  });

  it("holds data when the old epoch is about to go and the new one is not answered", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.appear();
    run.wait(CLIENT.oldEpochMs);
    assert.equal<number | "hold">("hold", run.data());
  });

  it("holds data at once when the old epoch goes earlier than is its habit", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    run.answers = () => false;
    run.appear();
    run.wait(200);
    run.vanish(old);
    assert.equal<number | "hold">("hold", run.data());
    assert.equal("confirming", run.tunnel.state);
  });

  it("keeps data on an old epoch that the daemon lets live until it expires", () => {
    const run = new TunnelRun({ oldEpochMs: HOUR });
    const old = run.bringUp();
    run.answers = (epoch) => epoch.outSpi === old;
    run.daemonMs = undefined;
    run.appear();
    run.wait(MINUTE);
    assert.equal<number | "hold">(old, run.data());
  });

  it("counts the old epoch's end from its first successor, not from the latest", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    run.answers = () => false;
    run.appear();
    run.wait(800);
    assert.equal<number | "hold">(old, run.data());
    run.appear();
    run.wait(200);
    assert.equal<number | "hold">("hold", run.data());
  });

  it("leads data back to the old epoch when the new one is withdrawn", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    run.answers = (epoch) => epoch.outSpi === old;
    const young = run.appear();
    run.wait(2 * SECOND);
    assert.equal<number | "hold">("hold", run.data());
    run.vanish(young);
    assert.equal<number | "hold">(old, run.data());
    run.wait(SECOND);
    assert.equal("up", run.tunnel.state);
  });

  it("moves data to an epoch between that is answered while the newest is not", () => {
    const run = new TunnelRun();
    run.answers = () => false;
    const between = run.appear();
    run.wait(100);
    run.appear();
    run.hear(between);
    assert.equal<number | "hold">(between, run.data());
    assert.equal("confirming", run.tunnel.state);
  });

  it("does not move data back when the old epoch still carries packets in", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    const young = run.appear();
    run.wait(500);
    run.hear(old);
    assert.equal<number | "hold">(young, run.data());
  });

  it("is asked for by the client itself, within its interval and once", () => {
    const run = new TunnelRun({ keylifeMs: 40 * MINUTE, maxIdleMs: MINUTE });
    run.bringUp();
    const { keylifeMs } = run.tunnel.parameters;
    const bornMs = 1000;
    const earliestMs = rekeyAtMs(run.tunnel.parameters, bornMs, 1);
    const latestMs = rekeyAtMs(run.tunnel.parameters, bornMs, 0);
    run.wait(earliestMs - run.nowMs - SECOND);
    assert.equal("", run.actionNames());
    run.wait(latestMs - run.nowMs + SECOND);
    assert.equal("rekey", run.actionNames());
    assert.equal("the epoch is old", (run.actions()[0].order as { because: string }).because);
    run.wait(bornMs + keylifeMs - run.nowMs);
    assert.equal("rekey", run.actionNames());
    assert.equal("up", run.tunnel.state);
    assert.equal(0, run.tunnel.outages.recoveries);
  });

  it("that the daemon does not carry out is asked for again while the old epoch works, and is no outage", () => {
    const run = new TunnelRun({ keylifeMs: 40 * MINUTE, maxIdleMs: MINUTE });
    run.daemonMs = undefined;
    run.bringUp();
    run.wait(39 * MINUTE);
    const times = run.actions().map(({ atMs }) => atMs);
    assert.is_true(times.length >= 3 && times.length <= 20, `${times.length} orders: ${times.join(" ")}`);
    for (const at of $range(1, times.length - 1))
      assert.is_true(times[at] - times[at - 1] >= 45 * SECOND, times.join(" "));
    assert.equal("up", run.tunnel.state);
    assert.is_nil(run.tunnel.outages.sinceMs);
    assert.equal(run.actions().length, run.count("rekey"));
  });
});

describe("a rekey that the server starts", () => {
  it("is followed as any other: pinged, and data moved at the answer", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    const young = run.appear();
    assert.equal<number | "hold">(old, run.data());
    run.wait(SECOND);
    assert.equal<number | "hold">(young, run.data());
  });

  describe("when the client does not follow it", () => {
    const IGNORING = { ignoresServerRekey: true, maxIdleMs: MINUTE };

    it("is neither pinged nor used, and the client asks for an epoch of its own", () => {
      const run = new TunnelRun(IGNORING);
      const old = run.bringUp();
      run.wait(2 * MINUTE);
      const pings = run.count("ping");
      run.oldEpochMs = MINUTE;
      run.appear();
      assert.equal<number | "hold">(old, run.data());
      assert.equal(pings, run.count("ping"));
      run.wait(100);
      assert.equal("rekey", run.actionNames());
      run.wait(SECOND);
      assert.equal<number | "hold">(3, run.data());
    });

    it("is followed when the server sends on it", () => {
      const run = new TunnelRun(IGNORING);
      run.bringUp();
      run.wait(2 * MINUTE);
      const theirs = run.appear();
      run.hear(theirs);
      assert.equal<number | "hold">(theirs, run.data());
      run.wait(MINUTE);
      assert.equal("", run.actionNames());
    });

    it("is pinged and then used when the old epoch goes", () => {
      const run = new TunnelRun(IGNORING);
      run.daemonMs = undefined;
      const old = run.bringUp();
      run.wait(2 * MINUTE);
      const theirs = run.appear();
      run.wait(100);
      run.vanish(old);
      assert.equal<number | "hold">("hold", run.data());
      assert.equal(theirs, run.placement().ping!.outSpi);
      run.wait(SECOND);
      assert.equal<number | "hold">(theirs, run.data());
    });

    it("does not concern the first epoch, nor those that the client asked for", () => {
      const run = new TunnelRun({ ...IGNORING, keylifeMs: 40 * MINUTE });
      run.bringUp();
      run.wait(39 * MINUTE);
      assert.equal("rekey", run.actionNames());
      assert.equal<number | "hold">(2, run.data());
    });
  });
});

describe("an idle tunnel", () => {
  it("is probed after maxidle, and its data stays where it is", () => {
    const run = new TunnelRun();
    run.roundTripMs = 300;
    const spi = run.bringUp();
    const heardMs = run.tunnel.lastInMs()!;
    run.wait(heardMs + CLIENT.maxIdleMs - run.nowMs - 100);
    assert.equal(1, run.count("ping"));
    run.wait(100);
    assert.equal(2, run.count("ping"));
    assert.equal("probing", run.tunnel.state);
    assert.equal<number | "hold">(spi, run.data());
    run.wait(SECOND);
    assert.equal("up", run.tunnel.state);
  });

  it("is pinged at least once in every maxidle and a round trip, so that no NAT forgets it", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.wait(HOUR);
    const times = run.pingTimes();
    for (const at of $range(1, times.length - 1)) {
      assert.is_true(times[at] - times[at - 1] <= CLIENT.maxIdleMs + 200);
    }
    assert.equal("", run.actionNames());
  });

  it("is not probed while packets come in", () => {
    const run = new TunnelRun();
    const spi = run.bringUp();
    for (const _ of $range(1, 60)) {
      run.wait(SECOND);
      run.hear(spi);
    }
    assert.equal(1, run.count("ping"));
  });

  it("raises no false alarm in ten minutes of 5 % loss each way and 100 ms", () => {
    for (const seed of $range(1, 20)) {
      const run = new TunnelRun({}, seed);
      run.roundTripMs = 100;
      run.lossShare = 0.0975;
      run.appear();
      run.wait(10 * MINUTE);
      assert.equal("", run.actionNames());
    }
  });
});

describe("a restarted watchdog", () => {
  const FOUND = { outSpi: 1, inSpi: 1000001, sinceMs: -HOUR, isAnswered: true };

  it("leaves data on an answered epoch that it finds, and probes it at once", () => {
    const run = new TunnelRun();
    const orders = run.tunnel.adopt(FOUND, run.nowMs);
    assert.same(
      ["tell", "ping"],
      orders.map((order) => order.kind),
    );
    assert.equal<number | "hold">(1, run.data());
    run.hear(1);
    assert.equal("up", run.tunnel.state);
  });

  it("leaves data on the older of two when only that was answered", () => {
    const run = new TunnelRun();
    run.tunnel.adopt(FOUND, run.nowMs);
    run.tunnel.adopt({ outSpi: 2, inSpi: 1000002, sinceMs: run.nowMs - 100, isAnswered: false }, run.nowMs);
    assert.equal<number | "hold">(1, run.data());
    assert.equal(2, run.placement().ping!.outSpi);
  });

  it("asks for the successor at the time that the epoch's own age demands", () => {
    const run = new TunnelRun({ maxIdleMs: 20 * MINUTE });
    run.tunnel.adopt({ ...FOUND, sinceMs: run.nowMs - CLIENT.keylifeMs + 21 * MINUTE }, run.nowMs);
    run.hear(1);
    run.wait(2 * MINUTE);
    assert.equal("rekey", run.actionNames());
  });

  it("adopts an epoch once", () => {
    const run = new TunnelRun();
    run.tunnel.adopt(FOUND, run.nowMs);
    assert.same<Order[]>([], run.tunnel.adopt(FOUND, run.nowMs));
  });
});

describe("a tunnel with many epochs", () => {
  it("forgets the oldest ones, but never the one in use", () => {
    const tunnel = new Tunnel("office", { ...CLIENT, oldEpochMs: HOUR }, () => 0.5);
    tunnel.epochAppeared(1, 101, 0);
    tunnel.inboundSeen(101, 10);
    for (const spi of $range(2, 30)) tunnel.epochAppeared(spi, 100 + spi, 10 * spi);
    assert.equal(8, tunnel.epochs().length);
    const { data } = tunnel.placement(1000);
    assert.is_true(data !== "hold" && data.outSpi === 1);
  });
});
