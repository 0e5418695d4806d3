// SPDX-License-Identifier: GPL-2.0-only
// Bytes read as a script for the table: four bytes a step, which packet or event comes next. Four clients, two servers
// and few SPIs, cookies and ports, so that everything collides with everything.

import { esp, fragmentsOf, icmpEcho, icmpError, ike, ipv4, type Octets, type Payload, tcp, udp } from "../spec/frame";

export const STEP_BYTES = 4;

export const WAN = "203.0.113.1";
const OTHER_WAN = "203.0.113.2";
export const WAN_ADDRESSES = [WAN, OTHER_WAN];
const FLAGS = ["S", "SA", "A", "FA", "R", "PA", "F", "U"];
/** IKE exchanges that the trackers tell apart: main mode, quick mode, IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL. */
const EXCHANGES = [2, 32, 34, 35, 36, 37, 5, 0];

/** What a step's first byte says. */
export const enum Step {
  EspOut,
  EspIn,
  IkeOut,
  IkeIn,
  FlowOut,
  FlowIn,
  FragmentOut,
  FragmentIn,
  ErrorOut,
  ErrorIn,
  /** The next packet comes with a byte changed. */
  Damage,
  Wait,
  ChangeWan,
  StopIke,
  /** The program starts again, with a snapshot or without one. */
  Restart,
  /** A client's packet comes in on the WAN, or a server's from the LAN. */
  Spoof,
}
export const STEPS = 16;

export function clientText(number: number): string {
  return `192.168.1.${2 + (number & 3)}`;
}

export function serverText(number: number): string {
  return `198.51.100.${1 + (number & 1)}`;
}

export function outSpi(number: number): number {
  return 0x1000 + (number & 0xf);
}

export function inSpi(number: number): number {
  return 0x2000 + (number & 7);
}

function cookie(number: number): string {
  return string.format("%016x", number);
}

function message(b: number, c: number): Payload {
  const exchangeType = EXCHANGES[c & 7];
  const responder = (b >> 2) & 3;
  return ike({
    initiatorCookie: cookie(0x10 + (b & 3)),
    responderCookie: cookie(responder === 0 ? 0 : 0x20 + responder),
    exchangeType,
    majorVersion: exchangeType < 34 ? 1 : 2,
    flags: (b >> 4) & 0x2c,
  });
}

/** UDP, TCP or a query, by the high bits of `c`. @param isOut whose ports and kinds are whose */
function flow(isOut: boolean, b: number, c: number): Payload {
  const [mapped, remote] = [1000 + (b & 7), 50 + (c & 3)];
  const [fromPort, toPort] = isOut ? [mapped, remote] : [remote, mapped];
  const kind = (c >> 4) & 3;
  if (kind === 0) return tcp({ fromPort, toPort, flags: FLAGS[(b >> 4) & 7] });
  if (kind === 1) return icmpEcho({ identifier: mapped, reply: !isOut });
  return udp({ fromPort, toPort, checksum: kind === 2 ? "right" : "none" });
}

/** What is cut into fragments, or quoted in an error, going out. */
function payloadOut(a: number, b: number, c: number): Payload {
  const kind = (a >> 2) & 3;
  if (kind === 0) return message(b, c);
  return kind === 1 ? flow(true, b, c) : esp({ spi: outSpi(b) });
}

function payloadIn(a: number, b: number, c: number): Payload {
  const kind = (a >> 2) & 3;
  if (kind === 0) return message(b, c);
  return kind === 1 ? flow(false, b, c) : esp({ spi: inSpi(b) });
}

function outgoing(a: number, c: number, carrying: Payload): Octets {
  const to = (c & 0xf0) === 0xf0 ? WAN : serverText(c >> 2);
  return ipv4({ from: clientText(a), to, carrying, dontFragment: (a & 0x40) !== 0, timeToLive: a >= 0xf0 ? 1 : 64 });
}

function incoming(a: number, c: number, carrying: Payload): Octets {
  return ipv4({ from: serverText(c >> 2), to: WAN, carrying, timeToLive: a >= 0xf0 ? 1 : 64 });
}

function fragment(whole: Octets, b: number): Octets {
  const fragments = fragmentsOf(whole, 24);
  return fragments[(b >> 4) & 3] ?? fragments[0];
}

/** The packet of a step that is one. */
function build(step: Step, a: number, b: number, c: number): Octets {
  switch (step) {
    case Step.EspIn:
      return incoming(a, c, esp({ spi: inSpi(b) }));
    case Step.IkeOut:
      return outgoing(a, c, message(b, c));
    case Step.IkeIn:
      return incoming(a, c, message(b, c));
    case Step.FlowOut:
      return outgoing(a, c, flow(true, b, c));
    case Step.FlowIn:
      return incoming(a, c, flow(false, b, c));
    case Step.FragmentOut:
      return fragment(outgoing(a, c, payloadOut(a, b, c)), b);
    case Step.FragmentIn:
      return fragment(incoming(a, c, payloadIn(a, b, c)), b);
    case Step.ErrorOut:
      return outgoing(a, c, icmpError({ about: incoming(0, c, payloadIn(a, b, c)), nextHopMtuBytes: b * 8 }));
    case Step.ErrorIn:
      return incoming(a, c, icmpError({ about: sentBy(c, payloadOut(a, b, c)), nextHopMtuBytes: b * 8 }));
    case Step.Spoof:
      return ipv4({ from: (a & 1) === 0 ? clientText(a) : serverText(a), to: WAN, carrying: payloadIn(a, b, c) });
    default:
      return outgoing(a, c, esp({ spi: outSpi(b) }));
  }
}

/** A packet as the server got it. */
function sentBy(c: number, carrying: Payload): Octets {
  return ipv4({ from: WAN, to: serverText(c >> 2), carrying });
}

/** Packets made so far: making one takes a hundred times as long as deciding about it. */
let made = new LuaMap<number, string>();
let madeCount = 0;
/** Some megabytes; then it begins anew. */
const MADE_MAX = 50000;

/** The packet of a step, as bytes. */
export function packetOf(step: Step, a: number, b: number, c: number): string {
  const key = ((step * 256 + a) * 256 + b) * 256 + c;
  const known = made.get(key);
  if (known !== undefined) return known;
  const packet = build(step, a, b, c)
    .map((octet) => string.char(octet))
    .join("");
  if (madeCount >= MADE_MAX) {
    made = new LuaMap<number, string>();
    madeCount = 0;
  }
  madeCount += 1;
  made.set(key, packet);
  return packet;
}
