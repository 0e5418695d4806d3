// SPDX-License-Identifier: GPL-2.0-only
// The behaviours that RFC 4787 (UDP), RFC 5382 (TCP) and RFC 5508 (ICMP) ask for; docs/rfc-compliance.md names them.

import {
  type Filtering,
  type FlowEntry,
  type FlowLimits,
  FlowTable,
  icmpFlowLimits,
  tcpFlowLimits,
  udpFlowLimits,
} from "../../../src/masquerade/flows";
import { Session, SESSION_WORDS } from "../../../src/masquerade/flow-sessions";
import { FLOW_JOINED, FLOW_OFFLOADED_IN, FLOW_OFFLOADED_OUT, offerableFlow } from "../../../src/masquerade/flow-state";
import { NO_RECORD } from "../../../src/masquerade/key-index";
import { DEFAULT_LIMITS } from "../../../src/masquerade/limits";
import { DEFAULT_PORTS, ICMP_IDENTIFIERS } from "../../../src/masquerade/ports";
import { Action, Verdict } from "../../../src/masquerade/verdict";
import { TcpFlag } from "../../../src/wire/tcp";
import { address } from "../frame";

const ALICE = address("192.168.1.2");
const BOB = address("192.168.1.3");
const CAROL = address("192.168.1.4");
const WAN = address("203.0.113.1");
const SERVER = address("198.51.100.1");
const OTHER = address("198.51.100.2");
const STRANGER = address("198.51.100.99");

const SYN: number = TcpFlag.Syn;
const ACK: number = TcpFlag.Ack;
const SYN_ACK: number = TcpFlag.Syn | TcpFlag.Ack;
const FIN_ACK: number = TcpFlag.Fin | TcpFlag.Ack;
const RST: number = TcpFlag.Rst;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const PACKET_BYTES = 100;

/** A table, a clock, and what comes out as words: "forward 40000", "deliver 192.168.1.2 40000", "drop flow-unknown". */
class Nat {
  readonly table: FlowTable;
  readonly verdict = new Verdict(4);
  nowMs = 0;

  constructor(isTcp: boolean, limits: FlowLimits, filtering: Filtering, isIcmp: boolean) {
    const ports = isIcmp ? ICMP_IDENTIFIERS : DEFAULT_PORTS;
    this.table = new FlowTable({ isTcp, limits, ports, filtering, seed: 99 });
  }

  /** The external port of a packet from a client; fails the spec when it is dropped. */
  send(client: number, clientPort: number, remote: number, remotePort: number, flags = 0): number {
    this.table.outbound(client, clientPort, remote, remotePort, flags, PACKET_BYTES, this.nowMs, this.verdict);
    assert.equal(Action.Forward, this.verdict.action, this.verdict.reason);
    return this.verdict.port;
  }

  /** Why a packet from a client is dropped. */
  refusal(client: number, clientPort: number, remote: number, remotePort: number, flags = 0): string {
    this.table.outbound(client, clientPort, remote, remotePort, flags, PACKET_BYTES, this.nowMs, this.verdict);
    assert.equal(Action.Drop, this.verdict.action);
    return this.verdict.reason;
  }

  receive(remote: number, remotePort: number, externalPort: number, flags = 0): void {
    this.table.inbound(remote, remotePort, externalPort, flags, PACKET_BYTES, this.nowMs, this.verdict);
  }

  /** Asserts that a packet from a remote gets to a client. */
  reaches(client: number, clientPort: number, from: [number, number], externalPort: number, flags = 0): void {
    this.receive(from[0], from[1], externalPort, flags);
    assert.equal(Action.Forward, this.verdict.action, this.verdict.reason);
    assert.equal(client, this.verdict.client);
    assert.equal(clientPort, this.verdict.port);
  }

  /** Asserts that a packet from a remote is dropped, and why. */
  isDropped(reason: string, from: [number, number], externalPort: number, flags = 0): void {
    this.receive(from[0], from[1], externalPort, flags);
    assert.equal(Action.Drop, this.verdict.action);
    assert.equal(reason, this.verdict.reason);
  }

  pass(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.table.expire(this.nowMs, 1000000);
  }
}

function small(limits: FlowLimits, sessionsMax: number, sessionsPerClientMax: number): FlowLimits {
  return { ...limits, sessionsMax, sessionsPerClientMax };
}

const UDP_LIMITS = small(udpFlowLimits(DEFAULT_LIMITS), 256, 128);
const TCP_LIMITS = small(tcpFlowLimits(DEFAULT_LIMITS), 256, 128);
const ICMP_LIMITS = icmpFlowLimits(DEFAULT_LIMITS);

const udp = (filtering: Filtering = "address"): Nat => new Nat(false, UDP_LIMITS, filtering, false);
const tcp = (filtering: Filtering = "address", limits = TCP_LIMITS): Nat => new Nat(true, limits, filtering, false);
const icmp = (): Nat => new Nat(false, ICMP_LIMITS, "address", true);

/** A connection that a client has opened and the server has accepted; the external port. */
function connect(nat: Nat, client: number, clientPort: number, remote: number, remotePort: number): number {
  const port = nat.send(client, clientPort, remote, remotePort, SYN);
  nat.reaches(client, clientPort, [remote, remotePort], port, SYN_ACK);
  nat.send(client, clientPort, remote, remotePort, ACK);
  return port;
}

describe("UDP (RFC 4787)", () => {
  it("a client's port has one external port for all remotes (REQ-1)", () => {
    const nat = udp();
    nat.send(BOB, 5000, SERVER, 53);
    const port = nat.send(ALICE, 5000, SERVER, 53);
    assert.not_equal(5000, port);
    assert.equal(port, nat.send(ALICE, 5000, SERVER, 54));
    assert.equal(port, nat.send(ALICE, 5000, OTHER, 53));
    assert.not_equal(port, nat.send(ALICE, 5001, SERVER, 53));
  });

  it("no two clients have one external port, even towards different remotes (REQ-3)", () => {
    const nat = udp();
    const port = nat.send(ALICE, 5000, SERVER, 53);
    assert.not_equal(port, nat.send(BOB, 5000, OTHER, 53));
  });

  it("a free port is kept, and ports below and from 1024 stay on their sides (REQ-3a)", () => {
    const nat = udp();
    assert.equal(5000, nat.send(ALICE, 5000, SERVER, 53));
    assert.is_true(nat.send(ALICE, 123, SERVER, 123) < 1024);
    assert.is_true(nat.send(BOB, 5000, SERVER, 53) >= 1024);
  });

  it("parity is kept (REQ-4)", () => {
    const nat = udp();
    for (const port of $range(6000, 6009)) nat.send(ALICE, port, SERVER, 53);
    for (const port of $range(6000, 6009, 2)) assert.equal(0, nat.send(BOB, port, SERVER, 53) & 1);
    for (const port of $range(6001, 6009, 2)) assert.equal(1, nat.send(BOB, port, SERVER, 53) & 1);
  });

  it("a mapping lives five minutes without traffic, and then its port is free for others (REQ-5)", () => {
    const nat = udp();
    const port = nat.send(ALICE, 5000, SERVER, 53);
    nat.pass(5 * MINUTE - SECOND);
    nat.reaches(ALICE, 5000, [SERVER, 53], port);
    nat.pass(5 * MINUTE + SECOND);
    nat.isDropped("flow-unknown", [SERVER, 53], port);
    assert.equal(0, nat.table.count());
    assert.equal(port, nat.send(BOB, port, SERVER, 53));
  });

  it("what a client sends refreshes its session (REQ-6)", () => {
    const nat = udp();
    const port = nat.send(ALICE, 5000, SERVER, 53);
    for (const _ of $range(1, 5)) {
      nat.pass(4 * MINUTE);
      nat.send(ALICE, 5000, SERVER, 53);
    }
    nat.reaches(ALICE, 5000, [SERVER, 53], port);
  });

  it("what a remote sends refreshes a session, but a stranger cannot keep a port open (REQ-6a)", () => {
    const nat = udp("endpoint");
    const port = nat.send(ALICE, 5000, SERVER, 53);
    nat.pass(4 * MINUTE);
    nat.reaches(ALICE, 5000, [SERVER, 53], port);
    for (const _ of $range(1, 2)) {
      nat.pass(4 * MINUTE);
      if (nat.table.count() > 0) nat.reaches(ALICE, 5000, [STRANGER, 53], port);
    }
    nat.isDropped("flow-unknown", [SERVER, 53], port);
  });

  it("a remote may answer from any port, but only an address that the client sent to (REQ-8)", () => {
    const nat = udp();
    const port = nat.send(ALICE, 5000, SERVER, 53);
    nat.reaches(ALICE, 5000, [SERVER, 53], port);
    assert.equal("flow-known", nat.verdict.reason);
    nat.reaches(ALICE, 5000, [SERVER, 54], port);
    assert.equal("flow-accepted", nat.verdict.reason);
    nat.isDropped("flow-filtered", [STRANGER, 53], port);
    nat.isDropped("flow-unknown", [SERVER, 53], port + 1);
  });

  it("an address is let in until the last session with it has gone", () => {
    const nat = udp();
    const port = nat.send(ALICE, 5000, SERVER, 1);
    nat.send(ALICE, 5000, OTHER, 1);
    nat.pass(2 * MINUTE);
    nat.send(ALICE, 5000, SERVER, 2);
    nat.pass(2 * MINUTE);
    nat.send(ALICE, 5000, SERVER, 3);
    nat.pass(3 * MINUTE + SECOND);
    assert.equal(1, nat.table.count());
    nat.reaches(ALICE, 5000, [SERVER, 9], port);
    nat.isDropped("flow-filtered", [OTHER, 1], port);
  });

  it("with endpoint-independent filtering everyone is let in (REQ-8)", () => {
    const nat = udp("endpoint");
    const port = nat.send(ALICE, 5000, SERVER, 53);
    nat.reaches(ALICE, 5000, [STRANGER, 9], port);
    nat.isDropped("flow-unknown", [STRANGER, 9], port + 1);
  });

  it("nothing from outside opens a session", () => {
    const nat = udp("endpoint");
    const port = nat.send(ALICE, 5000, SERVER, 53);
    for (const remotePort of $range(1, 100)) nat.reaches(ALICE, 5000, [STRANGER, remotePort], port);
    assert.equal(1, nat.table.count());
  });

  it("clients reach each other through the WAN address, each seeing the other's external port (REQ-9)", () => {
    const nat = udp();
    nat.send(CAROL, 5000, SERVER, 53);
    const alicePort = nat.send(ALICE, 5000, SERVER, 53);
    const bobPort = nat.send(BOB, 5000, SERVER, 53);
    const { table, verdict } = nat;
    // Bob has not sent to the WAN address yet, so his filter holds; his own packet opens it for Alice.
    assert.equal(NO_RECORD, table.hairpin(ALICE, 5000, WAN, bobPort, 0, PACKET_BYTES, 0, verdict));
    assert.equal("flow-filtered", verdict.reason);
    assert.equal(bobPort, table.hairpin(BOB, 5000, WAN, alicePort, 0, PACKET_BYTES, 0, verdict));
    assert.equal("flow-hairpin", verdict.reason);
    assert.equal(ALICE, verdict.client);
    assert.equal(5000, verdict.port);
    assert.equal(alicePort, table.hairpin(ALICE, 5000, WAN, bobPort, 0, PACKET_BYTES, 0, verdict));
    assert.equal(BOB, verdict.client);
  });

  it("a client reaches itself through the WAN address", () => {
    const nat = udp("endpoint");
    const server = nat.send(ALICE, 5000, SERVER, 53);
    const sender = nat.table.hairpin(ALICE, 6000, WAN, server, 0, PACKET_BYTES, 0, nat.verdict);
    assert.equal(6000, sender);
    assert.equal(ALICE, nat.verdict.client);
    assert.equal(5000, nat.verdict.port);
  });

  it("translation and filter stay the same however full the table is (REQ-11)", () => {
    const nat = udp();
    const port = nat.send(ALICE, 5000, SERVER, 53);
    for (const remotePort of $range(1, 127)) nat.send(ALICE, 5000, OTHER, remotePort);
    for (const remotePort of $range(1, 127)) assert.equal(port, nat.send(ALICE, 5000, OTHER, remotePort));
    nat.isDropped("flow-filtered", [STRANGER, 53], port);
  });

  it("an ICMP error finds the client and neither refreshes nor ends its session (REQ-12)", () => {
    const nat = udp();
    nat.send(BOB, 5000, SERVER, 53);
    const port = nat.send(ALICE, 5000, SERVER, 53);
    nat.pass(4 * MINUTE);
    nat.table.errorFromWan(SERVER, 53, port, nat.verdict);
    assert.equal("icmp-error-translated", nat.verdict.reason);
    assert.equal(ALICE, nat.verdict.client);
    assert.equal(5000, nat.verdict.port);
    nat.reaches(ALICE, 5000, [SERVER, 53], port);
    nat.pass(4 * MINUTE);
    nat.table.errorFromWan(SERVER, 53, port, nat.verdict);
    nat.pass(2 * MINUTE);
    nat.table.errorFromWan(SERVER, 53, port, nat.verdict);
    assert.equal("icmp-error-unknown", nat.verdict.reason);
  });

  it("a packet with source port 0 is refused: nobody could answer it", () => {
    assert.equal("flow-no-port", udp().refusal(ALICE, 0, SERVER, 53));
  });
});

describe("TCP (RFC 5382)", () => {
  it("a client's port has one external port for all remotes (REQ-1)", () => {
    const nat = tcp();
    nat.send(BOB, 5000, SERVER, 80, SYN);
    const port = nat.send(ALICE, 5000, SERVER, 80, SYN);
    assert.not_equal(5000, port);
    assert.equal(port, nat.send(ALICE, 5000, OTHER, 80, SYN));
  });

  it("no two clients have one external port (REQ-7)", () => {
    const nat = tcp();
    const port = connect(nat, ALICE, 5000, SERVER, 80);
    assert.not_equal(port, connect(nat, BOB, 5000, OTHER, 80));
  });

  it("a connection opens by a handshake from inside (REQ-2)", () => {
    const nat = tcp();
    connect(nat, ALICE, 5000, SERVER, 80);
    assert.same(["established"], stages(nat));
  });

  it("a connection opens by a handshake from outside where the filter permits it (REQ-2)", () => {
    const nat = tcp();
    const port = connect(nat, ALICE, 5000, SERVER, 80);
    nat.reaches(ALICE, 5000, [SERVER, 4000], port, SYN);
    assert.equal(port, nat.send(ALICE, 5000, SERVER, 4000, SYN_ACK));
    nat.reaches(ALICE, 5000, [SERVER, 4000], port, ACK);
    assert.same(["established", "established"], stages(nat));
  });

  it("a connection opens by two SYNs that cross (REQ-2a)", () => {
    const nat = tcp();
    const port = nat.send(ALICE, 5000, SERVER, 4000, SYN);
    nat.reaches(ALICE, 5000, [SERVER, 4000], port, SYN);
    nat.send(ALICE, 5000, SERVER, 4000, SYN_ACK);
    assert.same(["opening"], stages(nat));
    nat.reaches(ALICE, 5000, [SERVER, 4000], port, SYN_ACK);
    assert.same(["established"], stages(nat));
  });

  it("the filter is by address, or open to all, as chosen (REQ-3)", () => {
    const byAddress = tcp();
    const port = connect(byAddress, ALICE, 5000, SERVER, 80);
    byAddress.isDropped("flow-filtered", [STRANGER, 4000], port, SYN);
    const open = tcp("endpoint");
    connect(open, ALICE, 5000, SERVER, 80);
    open.reaches(ALICE, 5000, [STRANGER, 4000], 5000, SYN);
  });

  it("a SYN that nobody asked for is dropped in silence, and the client's own SYN then opens the way (REQ-4)", () => {
    const nat = tcp();
    connect(nat, ALICE, 5000, OTHER, 80);
    nat.isDropped("flow-filtered", [SERVER, 4000], 5000, SYN);
    assert.equal(5000, nat.send(ALICE, 5000, SERVER, 4000, SYN));
    nat.reaches(ALICE, 5000, [SERVER, 4000], 5000, SYN);
  });

  it("an established connection may be silent for 2 h 4 min (REQ-5)", () => {
    const nat = tcp();
    const port = connect(nat, ALICE, 5000, SERVER, 80);
    nat.pass(2 * HOUR + 4 * MINUTE - SECOND);
    nat.reaches(ALICE, 5000, [SERVER, 80], port, ACK);
    nat.pass(2 * HOUR + 4 * MINUTE + SECOND);
    nat.isDropped("flow-unknown", [SERVER, 80], port, ACK);
  });

  it("a connection that is opening may be silent for 4 min (REQ-5)", () => {
    const nat = tcp();
    const port = nat.send(ALICE, 5000, SERVER, 80, SYN);
    nat.pass(4 * MINUTE - SECOND);
    nat.reaches(ALICE, 5000, [SERVER, 80], port, SYN_ACK);
    nat.pass(4 * MINUTE + SECOND);
    assert.equal(0, nat.table.count());
  });

  it("a connection closed by one side only lives on like an established one (REQ-5)", () => {
    const nat = tcp();
    const port = connect(nat, ALICE, 5000, SERVER, 80);
    nat.send(ALICE, 5000, SERVER, 80, FIN_ACK);
    assert.same(["half-closed"], stages(nat));
    nat.pass(2 * HOUR);
    nat.reaches(ALICE, 5000, [SERVER, 80], port, ACK);
  });

  it("a connection closed by both sides stays 4 min, so that the last segments get through (REQ-5)", () => {
    const nat = tcp();
    const port = connect(nat, ALICE, 5000, SERVER, 80);
    nat.send(ALICE, 5000, SERVER, 80, FIN_ACK);
    nat.reaches(ALICE, 5000, [SERVER, 80], port, FIN_ACK);
    assert.same(["closed"], stages(nat));
    nat.send(ALICE, 5000, SERVER, 80, ACK);
    nat.pass(4 * MINUTE - SECOND);
    assert.equal(1, nat.table.count());
    nat.pass(2 * SECOND);
    assert.equal(0, nat.table.count());
  });

  it("a SYN on a closed connection's ports opens a new one", () => {
    const nat = tcp();
    const port = connect(nat, ALICE, 5000, SERVER, 80);
    nat.send(ALICE, 5000, SERVER, 80, FIN_ACK);
    nat.reaches(ALICE, 5000, [SERVER, 80], port, FIN_ACK);
    assert.equal(port, nat.send(ALICE, 5000, SERVER, 80, SYN));
    assert.same(["opening"], stages(nat));
    nat.reaches(ALICE, 5000, [SERVER, 80], port, SYN_ACK);
    nat.send(ALICE, 5000, SERVER, 80, ACK);
    assert.same(["established"], stages(nat));
  });

  it("after an RST a connection stays 4 min, and a forged RST ends nothing (RFC 7857 §2.2)", () => {
    const nat = tcp();
    const port = connect(nat, ALICE, 5000, SERVER, 80);
    nat.reaches(ALICE, 5000, [SERVER, 80], port, RST);
    assert.same(["reset"], stages(nat));
    nat.pass(4 * MINUTE - SECOND);
    nat.send(ALICE, 5000, SERVER, 80, ACK);
    assert.same(["established"], stages(nat));
    nat.send(ALICE, 5000, SERVER, 80, RST);
    nat.pass(4 * MINUTE + SECOND);
    assert.equal(0, nat.table.count());
  });

  it("a segment in mid-course is taken up again on the same port, as after a restart", () => {
    const nat = tcp();
    assert.equal(5000, nat.send(ALICE, 5000, SERVER, 80, ACK));
    assert.same(["opening"], stages(nat));
    nat.reaches(ALICE, 5000, [SERVER, 80], 5000, ACK);
    assert.same(["established"], stages(nat));
  });

  it("a segment that opens nothing is dropped: RST, FIN, an answer to no SYN, and all but a SYN from outside", () => {
    const nat = tcp("endpoint");
    for (const flags of [RST, FIN_ACK, SYN_ACK, 0, SYN | TcpFlag.Fin]) {
      assert.equal("flow-not-opening", nat.refusal(ALICE, 5000, SERVER, 80, flags));
    }
    const port = connect(nat, ALICE, 5000, SERVER, 80);
    for (const flags of [RST, FIN_ACK, SYN_ACK, ACK, 0]) {
      nat.isDropped("flow-not-opening", [STRANGER, 4000], port, flags);
    }
  });

  it("a connection between two clients opens through the WAN address (REQ-8)", () => {
    const nat = tcp("endpoint");
    const { table, verdict } = nat;
    connect(nat, BOB, 5000, SERVER, 80);
    const alicePort = table.hairpin(ALICE, 7000, WAN, 5000, SYN, PACKET_BYTES, 0, verdict);
    assert.equal(7000, alicePort);
    assert.equal(BOB, verdict.client);
    assert.equal(5000, table.hairpin(BOB, 5000, WAN, alicePort, SYN_ACK, PACKET_BYTES, 0, verdict));
    assert.equal(ALICE, verdict.client);
    assert.equal(7000, verdict.port);
    table.hairpin(ALICE, 7000, WAN, 5000, ACK, PACKET_BYTES, 0, verdict);
    assert.same(["established", "established", "established"], stages(nat));
  });

  it("an ICMP error neither ends nor refreshes a connection (REQ-10)", () => {
    const nat = tcp();
    const port = connect(nat, ALICE, 5000, SERVER, 80);
    nat.table.errorFromWan(SERVER, 80, port, nat.verdict);
    assert.equal(ALICE, nat.verdict.client);
    assert.same(["established"], stages(nat));
    nat.pass(2 * HOUR);
    nat.table.errorFromWan(SERVER, 80, port, nat.verdict);
    nat.pass(5 * MINUTE);
    assert.equal(0, nat.table.count());
  });
});

describe("ICMP (RFC 5508)", () => {
  it("a query and its answer pass, and equal identifiers of two clients are told apart (REQ-1)", () => {
    const nat = icmp();
    const alice = nat.send(ALICE, 77, SERVER, 0);
    const bob = nat.send(BOB, 77, SERVER, 0);
    assert.not_equal(alice, bob);
    nat.reaches(ALICE, 77, [SERVER, 0], alice);
    nat.reaches(BOB, 77, [SERVER, 0], bob);
    nat.isDropped("flow-filtered", [STRANGER, 0], bob);
  });

  it("an identifier has one external identifier for all remotes (REQ-1a)", () => {
    const nat = icmp();
    nat.send(BOB, 77, SERVER, 0);
    assert.equal(nat.send(ALICE, 77, SERVER, 0), nat.send(ALICE, 77, OTHER, 0));
  });

  it("a query may be answered for 60 s (REQ-2)", () => {
    const nat = icmp();
    nat.send(ALICE, 77, SERVER, 0);
    nat.pass(59 * SECOND);
    nat.reaches(ALICE, 77, [SERVER, 0], 77);
    nat.pass(61 * SECOND);
    nat.isDropped("flow-unknown", [SERVER, 0], 77);
  });

  it("an error about nothing that we sent is dropped (REQ-4)", () => {
    const nat = icmp();
    nat.send(ALICE, 77, SERVER, 0);
    for (const [remote, identifier] of [
      [OTHER, 77],
      [SERVER, 78],
    ]) {
      nat.table.errorFromWan(remote, 0, identifier, nat.verdict);
      assert.equal(Action.Drop, nat.verdict.action);
      assert.equal("icmp-error-unknown", nat.verdict.reason);
    }
  });

  it("an error from a client leaves with the external port, and only about what was let in (REQ-5)", () => {
    const nat = udp();
    nat.send(BOB, 5000, SERVER, 53);
    const port = nat.send(ALICE, 5000, SERVER, 53);
    nat.table.errorFromLan(ALICE, 5000, SERVER, nat.verdict);
    assert.equal("icmp-error-translated", nat.verdict.reason);
    assert.equal(port, nat.verdict.port);
    nat.table.errorFromLan(ALICE, 5001, SERVER, nat.verdict);
    assert.equal("icmp-error-unknown", nat.verdict.reason);
    nat.table.errorFromLan(ALICE, 5000, STRANGER, nat.verdict);
    assert.equal("icmp-error-unknown", nat.verdict.reason);
  });

  it("an error about a query neither refreshes nor ends its session (REQ-6)", () => {
    const nat = icmp();
    nat.send(ALICE, 77, SERVER, 0);
    nat.pass(50 * SECOND);
    nat.table.errorFromWan(SERVER, 0, 77, nat.verdict);
    assert.equal(ALICE, nat.verdict.client);
    assert.equal(1, nat.table.count());
    nat.pass(11 * SECOND);
    assert.equal(0, nat.table.count());
  });

  it("an error between two clients is translated on both sides (REQ-7)", () => {
    const nat = udp("endpoint");
    const { table, verdict } = nat;
    nat.send(CAROL, 5000, SERVER, 53);
    const bobPort = nat.send(BOB, 5000, SERVER, 53);
    const alicePort = table.hairpin(ALICE, 6000, WAN, bobPort, 0, PACKET_BYTES, 0, verdict);
    // Bob's error quotes WAN:alicePort → Bob:5000; outside it would quote WAN:alicePort → WAN:bobPort.
    table.errorFromLan(BOB, 5000, WAN, verdict);
    assert.equal(bobPort, verdict.port);
    table.errorFromWan(WAN, bobPort, alicePort, verdict);
    assert.equal(ALICE, verdict.client);
    assert.equal(6000, verdict.port);
  });

  it("identifier 0 is kept, so that a ping that uses it is answered", () => {
    const nat = icmp();
    assert.equal(0, nat.send(ALICE, 0, SERVER, 0));
    nat.reaches(ALICE, 0, [SERVER, 0], 0);
  });
});

describe("The shares of clients", () => {
  it("a client at its limit gives up an unanswered session of its own, never an answered one", () => {
    const nat = udp();
    for (const port of $range(1, 64)) {
      nat.send(ALICE, 5000, SERVER, port);
      nat.reaches(ALICE, 5000, [SERVER, port], 5000);
    }
    for (const port of $range(1, 500)) nat.send(ALICE, 5000, OTHER, port);
    assert.equal(128, nat.table.countOf(ALICE));
    assert.equal(64, stages(nat).filter((stage) => stage === "answered").length);
  });

  it("a client at its limit with answered sessions only is refused another one", () => {
    const nat = udp();
    for (const port of $range(1, 128)) {
      nat.send(ALICE, 5000, SERVER, port);
      nat.reaches(ALICE, 5000, [SERVER, port], 5000);
    }
    assert.equal("flow-client-limit", nat.refusal(ALICE, 5000, OTHER, 1));
    nat.send(BOB, 5000, OTHER, 1);
  });

  it("one client's flood does not keep others out of a full table", () => {
    const nat = tcp("address", small(TCP_LIMITS, 256, 300));
    for (const port of $range(1, 256)) connect(nat, ALICE, 5000, SERVER, port);
    assert.equal("flow-table-full", nat.refusal(ALICE, 5000, OTHER, 80, SYN));
    for (const port of $range(1, 128)) connect(nat, BOB, 6000, SERVER, port);
    assert.equal(128, nat.table.countOf(BOB));
    assert.equal(128, nat.table.countOf(ALICE));
    assert.equal("flow-table-full", nat.refusal(BOB, 6000, OTHER, 80, SYN));
  });

  it("a flood of SYNs displaces itself and no established connection, its own client's included", () => {
    const nat = tcp("address", small(TCP_LIMITS, 256, 300));
    for (const port of $range(1, 20)) {
      connect(nat, ALICE, 5000, SERVER, port);
      connect(nat, BOB, 5000, SERVER, port);
    }
    let refused = 0;
    for (const port of $range(1, 5000)) {
      nat.table.outbound(BOB, 6000, OTHER, port, SYN, PACKET_BYTES, nat.nowMs, nat.verdict);
      if (nat.verdict.action === Action.Drop) refused += 1;
    }
    assert.equal(0, refused);
    assert.equal(256, nat.table.count());
    assert.equal(20, nat.table.countOf(ALICE));
    assert.equal(40, stages(nat).filter((stage) => stage === "established").length);
  });

  it("a client that keeps to its share loses nothing, whoever comes", () => {
    const nat = tcp("address", small(TCP_LIMITS, 256, 300));
    for (const port of $range(1, 20)) nat.send(ALICE, 5000, SERVER, port, SYN);
    for (const port of $range(1, 236)) nat.send(BOB, 5000, SERVER, port, SYN);
    for (const host of $range(10, 19)) nat.send(ALICE + host, 5000, SERVER, 80, SYN);
    assert.equal(20, nat.table.countOf(ALICE));
    assert.equal(226, nat.table.countOf(BOB));
  });

  it("of the largest client's sessions the one silent longest goes", () => {
    const nat = new Nat(false, small(UDP_LIMITS, 8, 8), "address", false);
    for (const port of $range(1, 8)) {
      nat.send(ALICE, 5000, SERVER, port);
      nat.nowMs += SECOND;
    }
    nat.send(ALICE, 5000, SERVER, 1);
    nat.send(BOB, 5000, SERVER, 1);
    const left: number[] = [];
    nat.table.forEach(nat.nowMs, (entry) => {
      if (entry.client === ALICE) left.push(entry.remotePort);
    });
    left.sort((one, other) => one - other);
    assert.same([1, 3, 4, 5, 6, 7, 8], left);
  });
});

describe("A session whose packets the kernel forwards", () => {
  const WATCHED = FLOW_OFFLOADED_OUT | FLOW_OFFLOADED_IN;

  /** Marks the only session as the kernel's; when it is taken back, its last packet was seen at `usedMs()`. */
  function giveToKernel(nat: Nat, usedMs: () => number): { taken: number } {
    const rows = nat.table.sessions.rows;
    const result = { taken: 0 };
    rows[Session.State] |= WATCHED;
    nat.table.fastPath = {
      takeBack: (session) => {
        result.taken += 1;
        rows[session * SESSION_WORDS + Session.State] &= ~WATCHED;
        rows[session * SESSION_WORDS + Session.LastSeen] = usedMs() / 100;
      },
      refresh: () => 0,
    };
    return result;
  }

  it("is taken back by a segment that turns it, from either side, and by no other", () => {
    for (const flags of [SYN, FIN_ACK, RST]) {
      const nat = tcp();
      const port = connect(nat, ALICE, 5000, SERVER, 80);
      const kernel = giveToKernel(nat, () => nat.nowMs);
      nat.send(ALICE, 5000, SERVER, 80, ACK);
      nat.reaches(ALICE, 5000, [SERVER, 80], port, ACK);
      assert.equal(0, kernel.taken);
      nat.send(ALICE, 5000, SERVER, 80, flags);
      assert.equal(1, kernel.taken);
      giveToKernel(nat, () => nat.nowMs);
      nat.reaches(ALICE, 5000, [SERVER, 80], port, flags);
      assert.equal(0, nat.table.sessions.rows[Session.State] & WATCHED);
    }
  });

  it("lives as long as the kernel has seen its packets, and is taken back before it goes", () => {
    const nat = udp();
    nat.send(ALICE, 5000, SERVER, 53);
    const start = nat.nowMs;
    giveToKernel(nat, () => start + 4 * MINUTE);
    nat.pass(8 * MINUTE);
    assert.equal(1, nat.table.count());
    const kernel = giveToKernel(nat, () => start + 4 * MINUTE);
    nat.pass(2 * MINUTE);
    assert.equal(0, nat.table.count());
    assert.equal(1, kernel.taken);
  });

  it("is offered when both ends take part in it and nothing turns", () => {
    const nat = udp();
    const port = nat.send(ALICE, 5000, SERVER, 53);
    assert.equal(NO_RECORD, nat.verdict.item);
    nat.reaches(ALICE, 5000, [SERVER, 53], port);
    assert.equal(NO_RECORD, nat.verdict.item);
    nat.send(ALICE, 5000, SERVER, 53);
    assert.equal(0, nat.verdict.item);
    assert.equal(WATCHED, offerableFlow(false, nat.table.sessions.rows[Session.State]));
    const other = tcp();
    const otherPort = connect(other, ALICE, 5000, SERVER, 80);
    const state = (): number => other.table.sessions.rows[Session.State];
    assert.equal(WATCHED, offerableFlow(true, state()));
    assert.equal(0, offerableFlow(true, state() | FLOW_JOINED));
    assert.equal(FLOW_OFFLOADED_IN, offerableFlow(true, state() | FLOW_OFFLOADED_OUT));
    other.reaches(ALICE, 5000, [SERVER, 80], otherPort, RST);
    assert.equal(0, offerableFlow(true, state()));
    other.send(ALICE, 5000, SERVER, 80, ACK);
    assert.equal(WATCHED, offerableFlow(true, state()));
    other.send(ALICE, 5000, SERVER, 80, FIN_ACK);
    assert.equal(0, offerableFlow(true, state()));
  });
});

describe("A flow table", () => {
  it("shows a part of its sessions", () => {
    const nat = udp();
    for (const port of $range(1, 5)) nat.send(ALICE, 5000, SERVER, port);
    const shown: number[] = [];
    const note = (entry: FlowEntry): number => shown.push(entry.remotePort);
    nat.table.forEach(nat.nowMs, note, 1, 2);
    assert.same([2, 3], shown);
    nat.table.forEach(nat.nowMs, note, 4, 2);
    assert.same([2, 3, 5], shown);
  });

  it("lists each session with its age, idle time, stage and bytes", () => {
    const nat = udp();
    nat.nowMs = 10 * SECOND;
    nat.send(ALICE, 5000, SERVER, 53);
    nat.nowMs += 3 * SECOND;
    nat.reaches(ALICE, 5000, [SERVER, 53], 5000);
    nat.nowMs += 2 * SECOND;
    let listed = 0;
    nat.table.forEach(nat.nowMs, (entry) => {
      listed += 1;
      assert.equal(ALICE, entry.client);
      assert.equal(5000, entry.clientPort);
      assert.equal(5000, entry.externalPort);
      assert.equal(SERVER, entry.remote);
      assert.equal(53, entry.remotePort);
      assert.equal("answered", entry.stage);
      assert.equal(5 * SECOND, entry.ageMs);
      assert.equal(2 * SECOND, entry.idleMs);
      assert.equal(5 * MINUTE - 2 * SECOND, entry.expiresInMs);
      assert.equal(2 * PACKET_BYTES, entry.bytes);
    });
    assert.equal(1, listed);
  });

  it("looks at no more rows in a sweep than it is told", () => {
    const nat = udp();
    for (const port of $range(1, 100)) nat.send(ALICE, 5000, SERVER, port);
    nat.nowMs = HOUR;
    assert.equal(30, nat.table.expire(nat.nowMs, 30));
    assert.equal(70, nat.table.expire(nat.nowMs, 1000));
    assert.equal(0, nat.table.count());
  });

  it("forgets a client and frees its ports", () => {
    const nat = udp();
    nat.send(ALICE, 5000, SERVER, 53);
    nat.send(BOB, 6000, SERVER, 53);
    nat.table.dropClient(ALICE);
    assert.equal(1, nat.table.count());
    nat.isDropped("flow-unknown", [SERVER, 53], 5000);
    assert.equal(5000, nat.send(BOB, 5000, SERVER, 53));
  });

  it("forgets all mappings when the WAN address changes", () => {
    const nat = udp();
    nat.send(ALICE, 5000, SERVER, 53);
    nat.table.wanChanged();
    nat.isDropped("flow-unknown", [SERVER, 53], 5000);
    assert.equal(5000, nat.send(BOB, 5000, SERVER, 53));
    assert.equal(1, nat.table.count());
  });

  it("leaves a reserved port to the router", () => {
    const nat = udp();
    nat.table.reservePort(4500);
    assert.not_equal(4500, nat.send(ALICE, 4500, SERVER, 4500));
  });

  it("takes at most 75 bytes a session, all in all", () => {
    const nat = new Nat(false, udpFlowLimits(DEFAULT_LIMITS), "address", false);
    assert.is_true(nat.table.memoryBytes() / DEFAULT_LIMITS.flowsMax < 75);
  });
});

function stages(nat: Nat): string[] {
  const found: string[] = [];
  nat.table.forEach(nat.nowMs, (entry) => {
    found.push(entry.stage);
  });
  return found;
}
