// SPDX-License-Identifier: GPL-2.0-only
// Which external port a client's port becomes: the same if it can be, otherwise one like it, never another client's.

import { DEFAULT_PORTS, ICMP_IDENTIFIERS, NO_PORT, Ports } from "../../../src/masquerade/ports";
import { address } from "../frame";

const ALICE = address("192.168.1.2");
const BOB = address("192.168.1.3");
const SEED = 4711;

function isBetween(first: number, last: number, port: number): boolean {
  return port >= first && port <= last;
}

describe("External ports", () => {
  it("a client keeps its port where that is free", () => {
    const ports = new Ports(DEFAULT_PORTS, SEED);
    assert.equal(40000, ports.take(ALICE, 40000));
    assert.is_false(ports.isFree(40000));
  });

  it("a second client's equal port becomes another, never the same (RFC 4787 REQ-3, RFC 5382 REQ-7)", () => {
    const ports = new Ports(DEFAULT_PORTS, SEED);
    ports.take(ALICE, 40000);
    const substitute = ports.take(BOB, 40000);
    assert.not_equal(40000, substitute);
    assert.is_true(isBetween(1024, 60999, substitute));
  });

  it("a port from 1024 never becomes one below, nor the other way round (RFC 4787 REQ-3a)", () => {
    const ports = new Ports({ wellKnown: { first: 600, last: 603 }, others: { first: 2000, last: 2003 } }, SEED);
    for (const _ of $range(1, 4)) assert.is_true(isBetween(600, 603, ports.take(ALICE, 123)));
    for (const _ of $range(1, 4)) assert.is_true(isBetween(2000, 2003, ports.take(ALICE, 5000)));
    assert.equal(NO_PORT, ports.take(ALICE, 123));
    assert.equal(NO_PORT, ports.take(ALICE, 5000));
  });

  it("an even port becomes an even one and an odd port an odd one (RFC 4787 REQ-4)", () => {
    const ports = new Ports(DEFAULT_PORTS, SEED);
    for (const clientPort of $range(40000, 40199)) ports.take(ALICE, clientPort);
    for (const clientPort of $range(40000, 40199, 2)) assert.equal(0, ports.take(BOB, clientPort) & 1);
    for (const clientPort of $range(40001, 40199, 2)) assert.equal(1, ports.take(BOB, clientPort) & 1);
  });

  it("the other parity is better than no port", () => {
    const ports = new Ports({ wellKnown: { first: 600, last: 601 }, others: { first: 2000, last: 2003 } }, SEED);
    const taken = [2000, 2002].map((port) => ports.take(ALICE, port));
    assert.same([2000, 2002], taken);
    assert.equal(1, ports.take(BOB, 2000) & 1);
  });

  it("every port of a range is given once before there is none", () => {
    const ports = new Ports({ wellKnown: { first: 600, last: 600 }, others: { first: 1030, last: 1400 } }, SEED);
    const given = new LuaTable<number, boolean>();
    for (const _ of $range(1030, 1400)) {
      const port = ports.take(BOB, 50000);
      assert.is_true(isBetween(1030, 1400, port));
      assert.is_nil(given.get(port));
      given.set(port, true);
    }
    assert.equal(NO_PORT, ports.take(BOB, 50000));
    ports.release(1200);
    assert.equal(1200, ports.take(BOB, 50001));
  });

  it("ports outside the ranges stay the router's, even when a client has one", () => {
    const ports = new Ports(DEFAULT_PORTS, SEED);
    assert.is_false(ports.isFree(22));
    assert.is_true(isBetween(600, 1023, ports.take(ALICE, 22)));
    assert.is_true(isBetween(1024, 60999, ports.take(ALICE, 61000)));
  });

  it("a reserved port is not given until everything is forgotten", () => {
    const ports = new Ports(DEFAULT_PORTS, SEED);
    ports.reserve(4500);
    assert.not_equal(4500, ports.take(ALICE, 4500));
    ports.clear();
    assert.equal(4500, ports.take(ALICE, 4500));
  });

  it("identifier 0 stays 0 or is refused, and no other becomes 0: a verdict's 0 means unchanged", () => {
    const ports = new Ports({ wellKnown: { first: 0, last: 3 }, others: { first: 1024, last: 1024 } }, SEED);
    assert.equal(0, ports.take(ALICE, 0));
    assert.equal(NO_PORT, ports.take(BOB, 0));
    ports.release(0);
    for (const _ of $range(1, 3)) assert.is_true(isBetween(1, 3, ports.take(BOB, 7)));
    assert.equal(NO_PORT, ports.take(BOB, 7));
    assert.is_true(ports.isFree(0));
  });

  it("every ICMP identifier can be kept", () => {
    const ports = new Ports(ICMP_IDENTIFIERS, SEED);
    for (const identifier of [0, 1, 1023, 1024, 65535]) assert.equal(identifier, ports.take(ALICE, identifier));
  });

  it("clients' substitutes begin at different places, and at others after a start with another seed", () => {
    const starts = new LuaTable<number, boolean>();
    let distinct = 0;
    for (const host of $range(1, 50)) {
      const ports = new Ports(DEFAULT_PORTS, (host & 1) === 0 ? SEED : ~(SEED << 8));
      ports.reserve(40000);
      const substitute = ports.take(ALICE + (host >> 1), 40000);
      if (!starts.has(substitute)) distinct += 1;
      starts.set(substitute, true);
    }
    assert.is_true(distinct > 40);
  });
});
