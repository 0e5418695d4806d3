// SPDX-License-Identifier: GPL-2.0-only
// A packet that leaves: counted, rewritten, with the next hop's link header, out of the other interface.
//
// Checksums follow from differences (RFC 1624 equation 3). What the address and the time to live change is the same for
// every packet of an entry, so the daemon adds it up once; the result is the same as in steps, because a sum of which all
// carries were added is never 0 and so has one form only.

import {
  add,
  atomicAdd,
  call,
  compute,
  exit,
  jumpIf,
  label,
  load,
  loadMap,
  move,
  type Step,
  store,
} from "../instruction";
import { entry, hop, packet, tallies, TALLY_BYTES_BITS } from "../layout";
import { type Direction, type Environment, held, ROW_KEY } from "./environment";
import { foldSum } from "./plain-header";

/** r1 := what one packet adds to a tally. */
function onePacket(): Step[] {
  return [move("r1", 1), compute("shiftLeft", "r1", TALLY_BYTES_BITS), add("r1", held.lengthBytes)];
}

/** Adds r1 to the entry's tally. */
function tallyEntry(hasAtomics: boolean): Step[] {
  if (hasAtomics) return [atomicAdd(held.entry, entry.tally, "r1")];
  return [load("r2", held.entry, entry.tally), add("r2", "r1"), store(held.entry, entry.tally, "r2")];
}

/** Counts the packet for its entry, and for this CPU's row whose number is on the stack. r0 is the time. */
function tally({ maps, hasAtomics }: Environment): Step[] {
  return [
    store(held.entry, entry.usedNs, "r0"),
    ...onePacket(),
    ...tallyEntry(hasAtomics),
    loadMap("r1", maps.tallies),
    move("r2", "r10"),
    add("r2", ROW_KEY.at),
    call("lookUp"),
    jumpIf("r0", "==", 0, "counted"),
    ...onePacket(),
    load("r2", "r0", tallies.sum),
    add("r2", "r1"),
    store("r0", tallies.sum, "r2"),
    label("counted"),
  ];
}

/** The address, the time to live, and what they change in the header's checksum. */
function rewriteHeader(direction: Direction): Step[] {
  const { network } = held;
  return [
    load("r1", network, packet.headerChecksum),
    compute("xor", "r1", 0xffff),
    load("r2", held.entry, entry.headerAdjustment),
    add("r1", "r2"),
    ...foldSum("r1", "r2", 1),
    compute("xor", "r1", 0xffff),
    store(network, packet.headerChecksum, "r1"),
    load("r1", network, packet.timeToLive),
    add("r1", -1),
    store(network, packet.timeToLive, "r1"),
    load("r1", held.entry, entry.address),
    store(network, direction === "outbound" ? packet.source : packet.destination, "r1"),
  ];
}

/** The next hop's link header, and out by its interface. */
function leave(): Step[] {
  const link = packet.link.flatMap((part, index) => [
    load("r1", held.hop, hop.link[index]),
    store(held.network, part, "r1"),
  ]);
  return [...link, load("r1", held.hop, hop.interfaceIndex), move("r2", 0), call("redirect"), exit()];
}

/** What happens to every packet that was let go; r0 is the time, and its tally's row is on the stack. */
export function departure(direction: Direction, environment: Environment): Step[] {
  return [...tally(environment), ...rewriteHeader(direction), ...leave()];
}
