// SPDX-License-Identifier: GPL-2.0-only
// Random packets of established tunnels, plain ones and all kinds of others; the same for the same seed.

import { esp, ipv4, type Ipv4Options, join, octets16, type Octets } from "../../frame";
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

export type Way = "outbound" | "inbound";

/** Payloads of packets that just fit the way out of 1400 bytes, and that just do not, among others. */
const PAYLOAD_BYTES = [12, 13, 56, 100, 601, 1300, 1371, 1372, 1373, 1380, 1440];
/** The way in takes no longer ones: the cable would lose them. */
const PAYLOAD_BYTES_IN = [12, 13, 56, 100, 601, 1300, 1350];
const TIMES_TO_LIVE = [64, 64, 64, 255, 2, 1, 0];

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

function addressesOf(way: Way, { client, server }: Epoch): { from: string; to: string } {
  return way === "outbound" ? { from: client, to: server } : { from: server, to: ROUTER_WAN };
}

/** The next packet of an epoch: an Ethernet payload, perhaps longer than the packet or shorter than it says. */
export function randomEsp(random: Random, way: Way, epoch: Epoch): Octets {
  const isOut = way === "outbound";
  const sequence = isOut ? (epoch.sequenceOut += 1) : nextSequence(random, epoch.sequenceIn);
  if (!isOut) epoch.sequenceIn = Math.max(epoch.sequenceIn, sequence);
  const payload = random.octets(oneOf(random, isOut ? PAYLOAD_BYTES : PAYLOAD_BYTES_IN));
  const packet: Ipv4Options = {
    ...addressesOf(way, epoch),
    ...headerOf(random),
    ...(chance(random, 4) ? { options: [1, 1, 1, 0] } : {}),
    ...(chance(random, 4) ? { moreFragments: true, fragmentOffsetBytes: chance(random, 50) ? 0 : 64 } : {}),
    carrying: esp({ spi: isOut ? epoch.out : epoch.back, sequence, payload }),
  };
  return spoiled(random, ipv4(packet));
}

/** Some have a damaged header, bytes behind their end, or end too early. */
export function spoiled(random: Random, packet: Octets): Octets {
  if (chance(random, 4)) return join(packet.slice(0, 10), octets16(random.below(0x10000)), packet.slice(12));
  if (chance(random, 8)) return join(packet, random.octets(1 + random.below(18)));
  if (chance(random, 3)) return packet.slice(0, packet.length - 1 - random.below(8));
  return packet;
}
