// SPDX-License-Identifier: GPL-2.0-only
// Which SAs are taken for one epoch, told as an IKE daemon would make them.

import { EpochPairing, type SaReport } from "../../../src/watchdog/epoch-pairing";
import { address } from "../frame";
import { incoming, LOCAL, outgoing, sa } from "./fake-xfrm";

const WALL_SECONDS = 5000;

/** Reports in short: "appeared 1/2" is an epoch of outgoing SPI 1 and incoming SPI 2. */
function brief(reports: readonly SaReport[]): string {
  return reports.map(({ kind, epoch }) => `${kind} ${epoch.outSpi}/${epoch.inSpi}`).join(", ");
}

describe("SAs", () => {
  let pairing: EpochPairing;

  before_each(() => {
    pairing = new EpochPairing((each) => each === LOCAL);
  });

  it("of both directions make an epoch, whichever comes first", () => {
    assert.equal("", brief(pairing.seen(incoming(2), 0)));
    assert.equal("appeared 1/2", brief(pairing.seen(outgoing(1), 0)));
    assert.equal("", brief(pairing.seen(outgoing(3), 50)));
    assert.equal("appeared 3/4", brief(pairing.seen(incoming(4), 60)));
  });

  it("of different reqids or peers make none", () => {
    pairing.seen(outgoing(1), 0);
    assert.equal("", brief(pairing.seen(incoming(2, { reqid: 16393 }), 0)));
    assert.equal("", brief(pairing.seen(incoming(3, { source: address("198.51.100.7") }), 0)));
  });

  it("that are larval, or pass between others, or are not ESP make none", () => {
    pairing.seen(outgoing(1), 0);
    assert.equal("", brief(pairing.seen(incoming(2, { isLarval: true }), 0)));
    assert.equal("", brief(pairing.seen(incoming(2, { destination: address("203.0.113.1") }), 0)));
    assert.equal("", brief(pairing.seen(incoming(2, { protocol: 51 }), 0)));
  });

  it("make an epoch once a larval one has got its keys", () => {
    pairing.seen(outgoing(1), 0);
    pairing.seen(incoming(2, { isLarval: true }), 0);
    assert.equal("appeared 1/2", brief(pairing.seen(incoming(2), 10)));
  });

  it("that have a partner keep it when newer ones come", () => {
    pairing.seen(incoming(2), 0);
    pairing.seen(outgoing(1), 0);
    pairing.seen(incoming(4), 3600000);
    assert.equal("appeared 3/4", brief(pairing.seen(outgoing(3, { addedSeconds: 4600 }), 3600000)));
  });

  it("of which one was left over by a failed negotiation join the newest", () => {
    pairing.seen(incoming(2), 0);
    pairing.seen(incoming(4), 20000);
    assert.equal("appeared 3/4", brief(pairing.seen(outgoing(3), 20000)));
  });

  it("that were made long after another without partner do not join it", () => {
    pairing.seen(incoming(2), 0);
    assert.equal("", brief(pairing.seen(outgoing(3, { addedSeconds: 4600 }), 3600000)));
  });

  it("that came together join though the clock was set in between", () => {
    pairing.seen(incoming(2, { addedSeconds: 10 }), 0);
    assert.equal("appeared 1/2", brief(pairing.seen(outgoing(1, { addedSeconds: 1700000000 }), 100)));
  });

  it("of an epoch tell of its end once, and the other half joins no other", () => {
    pairing.seen(incoming(2), 0);
    pairing.seen(outgoing(1), 0);
    assert.equal("gone 1/2", brief(pairing.gone(outgoing(1))));
    assert.equal("", brief(pairing.seen(outgoing(3), 10)));
    assert.equal("", brief(pairing.gone(incoming(2))));
    assert.equal("", brief(pairing.gone(incoming(2))));
  });

  it("tell of packets that come in, not of those that go out", () => {
    pairing.seen(incoming(2), 0);
    pairing.seen(outgoing(1), 0);
    assert.equal("", brief(pairing.seen(outgoing(1, { packets: 9 }), 10)));
    assert.equal("used 1/2", brief(pairing.seen(incoming(2, { packets: 1 }), 20)));
    assert.equal("", brief(pairing.seen(incoming(2, { packets: 1 }), 30)));
    assert.equal("used 1/2", brief(pairing.seen(incoming(2, { packets: 5 }), 40)));
  });

  it("on which packets came in before there was a partner tell of them with it", () => {
    pairing.seen(incoming(2), 0);
    pairing.seen(incoming(2, { packets: 3 }), 5);
    assert.equal("appeared 1/2, used 1/2", brief(pairing.seen(outgoing(1), 10)));
  });

  it("of equal SPIs and different marks are different ones", () => {
    pairing.seen(incoming(2), 0);
    pairing.seen(outgoing(1, { mark: { value: 1, mask: 255 } }), 0);
    pairing.seen(incoming(4, { reqid: 7 }), 0);
    const reports = pairing.seen(outgoing(1, { reqid: 7, mark: { value: 2, mask: 255 } }), 0);
    assert.equal("appeared 1/4", brief(reports));
    assert.same({ value: 2, mask: 255 }, reports[0].epoch.mark!);
  });
});

describe("a list of SAs", () => {
  it("is found with the age of epochs and whether they were answered, oldest first", () => {
    const pairing = new EpochPairing((each) => each === LOCAL);
    const list = [
      outgoing(3, { addedSeconds: 4990 }),
      incoming(4, { addedSeconds: 4990 }),
      outgoing(1),
      incoming(2, { packets: 7 }),
    ];
    const reports = pairing.synchronise(list, WALL_SECONDS);
    assert.equal("found 1/2, found 3/4", brief(reports));
    const [old, fresh] = reports;
    assert.same(["found", 4000000, true], old.kind === "found" ? [old.kind, old.ageMs, old.isAnswered] : []);
    assert.same(["found", 10000, false], fresh.kind === "found" ? [fresh.kind, fresh.ageMs, fresh.isAnswered] : []);
  });

  it("joins SAs by when they were made where a partner is missing", () => {
    const pairing = new EpochPairing((each) => each === LOCAL);
    // A responder has made the new incoming SA, and awaits the last message to make the outgoing one.
    const list = [incoming(4, { addedSeconds: 4990 }), outgoing(1), incoming(2)];
    assert.equal("found 1/2", brief(pairing.synchronise(list, WALL_SECONDS)));
    assert.equal("appeared 3/4", brief(pairing.seen(outgoing(3, { addedSeconds: 4991 }), 0)));
  });

  it("tells what events failed to tell, new epochs first", () => {
    const pairing = new EpochPairing((each) => each === LOCAL);
    pairing.synchronise([outgoing(1), incoming(2)], WALL_SECONDS);
    const reports = pairing.synchronise([outgoing(3), incoming(4)], WALL_SECONDS);
    assert.equal("found 3/4, gone 1/2", brief(reports));
    assert.equal("", brief(pairing.synchronise([outgoing(3), incoming(4)], WALL_SECONDS)));
    assert.equal("used 3/4", brief(pairing.synchronise([outgoing(3), incoming(4, { packets: 1 })], WALL_SECONDS)));
  });

  it("knows no epoch of the future", () => {
    const pairing = new EpochPairing((each) => each === LOCAL);
    const [report] = pairing.synchronise([outgoing(1), incoming(2)], 10);
    assert.equal(0, report.kind === "found" ? report.ageMs : -1);
  });

  it("has the incoming SAs of SPIs that are asked for", () => {
    const pairing = new EpochPairing((each) => each === LOCAL);
    pairing.synchronise([outgoing(1), incoming(2), sa({ spi: 2 })], WALL_SECONDS);
    const spis = new LuaSet<number>();
    spis.add(2);
    assert.same(
      [LOCAL],
      pairing.incoming(spis).map((each) => each.destination),
    );
  });
});
