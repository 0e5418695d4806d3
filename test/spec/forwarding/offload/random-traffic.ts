// SPDX-License-Identifier: GPL-2.0-only
// Random packets of established tunnels and sessions, plain ones and all kinds of others; the same for the same seed.

import {
  type Checksumming,
  esp,
  ipv4,
  type Ipv4Options,
  join,
  octets16,
  type Octets,
  type Payload,
  tcp,
  udp,
} from "../../frame";
import type { Random } from "../../random";
import { ROUTER_WAN } from "../site";

/** One epoch of a client's tunnel. */
export interface Epoch {
  readonly client: string;
  readonly server: string;
  readonly out: number;
  readonly back: number;
  sequenceOut: number;
  sequenceIn: number;
}

/** One session of TCP or UDP; the client's port is kept. */
export interface Flow {
  readonly protocol: "tcp" | "udp";
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
}

export type Way = "outbound" | "inbound";

/** Payloads of packets that just fit the way out of 1400 bytes, and that just do not, among others. */
const PAYLOAD_BYTES = [12, 13, 56, 100, 601, 1300, 1371, 1372, 1373, 1380, 1440];
/** The way in takes no longer ones: the cable would lose them. */
const PAYLOAD_BYTES_IN = [12, 13, 56, 100, 601, 1300, 1350];
const TIMES_TO_LIVE = [64, 64, 64, 255, 2, 1, 0];
/** Most segments only carry data; a session is seldom closed, for then it stays with the daemon. */
const TCP_FLAGS = ["A", "A", "A", "PA", "PA", "AU", "", "S", "SA", "R"];
const SELDOM_TCP_FLAGS = ["FA", "RA", "F"];

function chance(random: Random, percent: number): boolean {
  return random.below(100) < percent;
}

function oneOf<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.below(items.length)];
}

/** Mostly the next number; some repeat one or come late. */
function nextSequence(random: Random, highest: number): number {
  if (chance(random, 85)) return highest + 1 + random.below(3);
  return Math.max(1, highest - random.below(chance(random, 20) ? 500 : 30));
}

function headerOf(
  random: Random,
): Pick<Ipv4Options, "typeOfService" | "identification" | "dontFragment" | "timeToLive"> {
  return {
    typeOfService: random.below(256),
    identification: random.below(0x10000),
    dontFragment: chance(random, 50),
    timeToLive: chance(random, 70) ? 64 : oneOf(random, TIMES_TO_LIVE),
  };
}

function addressesOf(way: Way, { client, server }: Pick<Epoch, "client" | "server">): { from: string; to: string } {
  return way === "outbound" ? { from: client, to: server } : { from: server, to: ROUTER_WAN };
}

/** The next packet of an epoch: an Ethernet payload, perhaps longer than the packet or shorter than it says. */
export function randomEsp(random: Random, way: Way, epoch: Epoch): Octets {
  const isOut = way === "outbound";
  const sequence = isOut ? (epoch.sequenceOut += 1) : nextSequence(random, epoch.sequenceIn);
  if (!isOut) epoch.sequenceIn = Math.max(epoch.sequenceIn, sequence);
  const payload = random.octets(oneOf(random, isOut ? PAYLOAD_BYTES : PAYLOAD_BYTES_IN));
  const carrying = esp({ spi: isOut ? epoch.out : epoch.back, sequence, payload });
  return packetOf(random, way, epoch, carrying);
}

function packetOf(random: Random, way: Way, ends: Pick<Epoch, "client" | "server">, carrying: Payload): Octets {
  const packet: Ipv4Options = {
    ...addressesOf(way, ends),
    ...headerOf(random),
    ...(chance(random, 4) ? { options: [1, 1, 1, 0] } : {}),
    ...(chance(random, 4) ? { moreFragments: true, fragmentOffsetBytes: chance(random, 50) ? 0 : 64 } : {}),
    carrying,
  };
  return spoiled(random, ipv4(packet));
}

/** Mostly right; some left to hardware, some absent, some damaged. */
function checksumming(random: Random): Checksumming {
  return chance(random, 85) ? "right" : oneOf(random, ["none", "partial"]);
}

function udpOf(random: Random, fromPort: number, toPort: number, payload: Octets): Payload {
  return udp({ fromPort, toPort, payload, checksum: checksumming(random) });
}

function tcpOf(random: Random, fromPort: number, toPort: number, payload: Octets): Payload {
  const checksum = checksumming(random);
  return tcp({
    fromPort,
    toPort,
    payload,
    sequence: random.word(),
    flags: oneOf(random, chance(random, 99) ? TCP_FLAGS : SELDOM_TCP_FLAGS),
    ...(chance(random, 30) ? { options: random.octets(12) } : {}),
    checksum: checksum === "none" ? "right" : checksum,
  });
}

/** What carries lengths may lie about them, and checksums may be of anything. @param octets of UDP or TCP */
function dishonest(random: Random, { protocol, octets }: Payload): Payload {
  const isUdp = protocol === 17;
  return {
    protocol,
    octets: (from, to) => {
      const all = octets(from, to);
      if (chance(random, 5)) all[isUdp ? 4 : 12] = random.below(256);
      if (chance(random, 5)) all[isUdp ? 5 : 12] = random.below(256);
      if (chance(random, 5)) all[isUdp ? 6 : 16] = random.below(256);
      return all;
    },
  };
}

/** The next packet of a session, likewise. */
export function randomFlow(random: Random, way: Way, flow: Flow): Octets {
  const isOut = way === "outbound";
  const payload = random.octets(oneOf(random, isOut ? PAYLOAD_BYTES : PAYLOAD_BYTES_IN));
  const [fromPort, toPort] = isOut ? [flow.clientPort, flow.serverPort] : [flow.serverPort, flow.clientPort];
  const carry = flow.protocol === "udp" ? udpOf : tcpOf;
  return packetOf(random, way, flow, dishonest(random, carry(random, fromPort, toPort, payload)));
}

/** Some have a damaged header, bytes behind their end, or end too early. */
export function spoiled(random: Random, packet: Octets): Octets {
  if (chance(random, 4)) return join(packet.slice(0, 10), octets16(random.below(0x10000)), packet.slice(12));
  if (chance(random, 8)) return join(packet, random.octets(1 + random.below(18)));
  if (chance(random, 3)) return packet.slice(0, packet.length - 1 - random.below(8));
  return packet;
}
