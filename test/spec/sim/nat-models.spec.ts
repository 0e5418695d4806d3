// SPDX-License-Identifier: GPL-2.0-only
// The NATs that ours is compared with do what is published or was measured of them, failings and all: a comparison with
// something weaker than the real one would prove nothing.

import { ConntrackNat } from "../../sim/nat/conntrack";
import { DropOldestNat } from "../../sim/nat/drop-oldest";
import { HARDIN_IDLE_MS, HARDIN_OUTSTANDING_MS, HARDIN_OUTSTANDING_SENDS, HardinNat } from "../../sim/nat/hardin";
import type { Nat, Sides } from "../../sim/nat/nat";
import { NatBench } from "./nat-bench";

const [ALICE, BOB, CAROL] = [0, 1, 2];
const MINUTE = 60_000;
let bench: NatBench;

function place(make: (this: void, sides: Sides, wan: number) => Nat): void {
  before_each(() => {
    bench = new NatBench(make);
  });
}

describe("VPN Masquerade as published", () => {
  place((sides, wan) => new HardinNat(sides, wan));

  it("takes an unknown SPI of the server for the answer to the outstanding item", () => {
    assert.is_true(bench.sends(ALICE, 0x1001));
    assert.same([ALICE], bench.answers(0x2001));
    assert.is_true(bench.sends(BOB, 0x1002));
    assert.same([BOB], bench.answers(0x2002));
    assert.same([ALICE], bench.answers(0x2001));
  });

  it("drops first packets of others while an item is outstanding, until it is answered", () => {
    bench.sends(ALICE, 0x1001);
    assert.is_false(bench.sends(BOB, 0x1002));
    bench.answers(0x2001);
    assert.is_true(bench.sends(BOB, 0x1002));
  });

  it("has an outstanding item for each server", () => {
    bench.sends(ALICE, 0x1001, 0);
    assert.is_true(bench.sends(BOB, 0x1002, 1));
  });

  it("lets an item that has kept others out send a few more packets only", () => {
    bench.sends(ALICE, 0x1001);
    for (const _ of $range(1, 20)) assert.is_true(bench.sends(ALICE, 0x1001));
    bench.sends(BOB, 0x1002);
    let passed = 0;
    for (const _ of $range(1, 20)) if (bench.sends(ALICE, 0x1001)) passed += 1;
    assert.equal(HARDIN_OUTSTANDING_SENDS, passed);
  });

  it("forgets an item that is not answered within Tout, and one that is idle for longer than Tei", () => {
    bench.sends(ALICE, 0x1001);
    bench.wait(HARDIN_OUTSTANDING_MS - 1);
    assert.is_false(bench.sends(BOB, 0x1002));
    bench.wait(1);
    assert.is_true(bench.sends(BOB, 0x1002));
    bench.answers(0x2002);
    bench.wait(HARDIN_IDLE_MS - 1);
    assert.same([BOB], bench.answers(0x2002));
    bench.wait(HARDIN_IDLE_MS);
    assert.same([], bench.answers(0x2002));
  });

  it("copies an SPI that answers nothing to all who spoke IKE lately, and makes no item of it", () => {
    bench.speaksIke(ALICE, 1);
    bench.speaksIke(BOB, 2);
    assert.same([ALICE, BOB], bench.answers(0x2001));
    assert.is_true(bench.sends(CAROL, 0x1003));
    assert.same([CAROL], bench.answers(0x2001));
    bench.answers(0x2003);
    bench.wait(5 * MINUTE + 1);
    assert.same([], bench.answers(0x2003));
  });

  it("copies to five clients at most", () => {
    for (const client of $range(0, 7)) bench.speaksIke(client, client + 1);
    assert.equal(5, bench.answers(0x2001).length);
  });

  it("fails as the draft says: an answer that comes out of turn is another's for good (race 2)", () => {
    bench.sends(ALICE, 0x1001);
    bench.sends(BOB, 0x1002);
    assert.same([ALICE], bench.answers(0x2002));
    bench.sends(BOB, 0x1002);
    assert.same([BOB], bench.answers(0x2001));
    assert.same([ALICE], bench.answers(0x2002));
  });

  it("tells IKE by the initiator's cookie, and leaves the ports alone", () => {
    assert.equal(500, bench.speaksIke(ALICE, 1)!);
    assert.equal(500, bench.speaksIke(BOB, 2)!);
    assert.same([BOB], bench.answersIke(2));
    assert.same([ALICE], bench.answersIke(1));
    assert.same([], bench.answersIke(3));
  });

  it("loses all when it stops", () => {
    bench.speaksIke(ALICE, 1);
    bench.sends(ALICE, 0x1001);
    bench.answers(0x2001);
    bench.nat.crash("journal");
    assert.is_false(bench.sends(ALICE, 0x1001));
    bench.nat.start();
    assert.same([], bench.answers(0x2001));
    assert.same([], bench.answersIke(1));
  });
});

describe("the pass-through of SoC kernels", () => {
  place((sides, wan) => new DropOldestNat(sides, wan));

  it("gives an unknown SPI to the first entry of the server that has none", () => {
    bench.sends(ALICE, 0x1001);
    bench.sends(BOB, 0x1002);
    assert.same([ALICE], bench.answers(0x2002));
    assert.same([BOB], bench.answers(0x2001));
  });

  it("puts a client's new epoch in the place of its old one, which hears nothing more", () => {
    bench.sends(ALICE, 0x1001);
    bench.answers(0x2001);
    bench.sends(ALICE, 0x1003);
    assert.same([ALICE], bench.answers(0x2003));
    assert.same([], bench.answers(0x2001));
  });

  it("has eight entries: a ninth client takes the oldest one's", () => {
    for (const client of $range(0, 7)) {
      bench.sends(client, 0x1000 + client);
      bench.answers(0x2000 + client);
    }
    assert.same([ALICE], bench.answers(0x2000));
    bench.sends(8, 0x1008);
    assert.same([8], bench.answers(0x2008));
    assert.same([], bench.answers(0x2000));
    assert.same([BOB], bench.answers(0x2001));
  });

  it("holds nobody up: every client's packet passes at once", () => {
    for (const client of $range(0, 7)) assert.is_true(bench.sends(client, 0x1000 + client));
  });
});

describe("Linux' masquerade", () => {
  place((sides, wan) => new ConntrackNat(sides, wan));

  it("knows ESP by addresses alone: one client of a server works, whatever the SPI", () => {
    assert.is_true(bench.sends(ALICE, 0x1001));
    assert.is_false(bench.sends(BOB, 0x1002));
    assert.same([ALICE], bench.answers(0x2002));
    assert.is_true(bench.sends(BOB, 0x1002, 1));
  });

  it("keeps a second client out until the first was silent for ten minutes", () => {
    bench.sends(ALICE, 0x1001);
    bench.wait(10 * MINUTE - 1);
    assert.is_false(bench.sends(BOB, 0x1002));
    bench.wait(1);
    assert.is_true(bench.sends(BOB, 0x1002));
  });

  it("takes a server's packet that it knows nothing of for its own, and keeps every client out", () => {
    assert.same([], bench.answers(0x2001));
    assert.is_false(bench.sends(ALICE, 0x1001));
    bench.wait(5 * MINUTE);
    bench.answers(0x2001);
    bench.wait(9 * MINUTE);
    assert.is_false(bench.sends(ALICE, 0x1001));
    bench.wait(MINUTE);
    assert.is_true(bench.sends(ALICE, 0x1001));
  });

  it("gives a second client another source port for IKE, below 512, and answers find both", () => {
    assert.equal(500, bench.speaksIke(ALICE, 1)!);
    const port = bench.speaksIke(BOB, 2)!;
    assert.is_true(port !== 500 && port < 512);
    assert.same([ALICE], bench.answersIke(1));
    assert.same([BOB], bench.answersIke(2, port));
  });

  it("forgets IKE that was silent for two minutes", () => {
    bench.speaksIke(ALICE, 1);
    bench.wait(2 * MINUTE);
    assert.same([], bench.answersIke(1));
  });
});
