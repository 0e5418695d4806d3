// SPDX-License-Identifier: GPL-2.0-only
// Which packets a program may touch at all: frames to the router's own hardware address that carry a plain IPv4 header.
//
// Options, fragments, a time to live that ends here and a header that is damaged go up: userspace has the answers.

import { EtherType, EthernetField } from "../../../wire/ethernet";
import { FragmentBits } from "../../../wire/ipv4";
import { add, compute, jumpIf, jumpIf32, load, move, type Register, type Step } from "../instruction";
import { packet } from "../layout";
import { type Environment, held, loaded16, loaded32, network16 } from "./environment";

/** Version 4, five words of header. */
const PLAIN = 0x45;
/** A sum of which all carries were added is this when the header is whole (RFC 1071 §1). */
const SUM_OF_WHOLE = 0xffff;

const { network } = held;

/** Adds the carries of a sum back in: `register` below 2³⁵ becomes one of 16 bits. */
export function foldSum(register: Register, scratch: Register, times: number): Step[] {
  const steps: Step[] = [];
  for (const _ of $range(1, times)) {
    steps.push(move(scratch, register), compute("shiftRight", scratch, 16));
    steps.push(compute("and", register, 0xffff), add(register, scratch));
  }
  return steps;
}

/** The sum of five words has 35 bits: 19 above 16, then 5, then one. */
function wholeHeader(): Step[] {
  const sum = packet.words.flatMap((word, index): Step[] => {
    return index === 0 ? [load("r1", network, word)] : [load("r2", network, word), add("r1", "r2")];
  });
  return [...sum, ...foldSum("r1", "r2", 3), jumpIf("r1", "!=", SUM_OF_WHOLE, "up")];
}

/** Leaves the protocol in r5. */
export function plainHeader({ hardwareAddress, isLittleEndian }: Environment): Step[] {
  const start = loaded16(hardwareAddress, EthernetField.Destination, isLittleEndian);
  const end = loaded32(hardwareAddress, EthernetField.Destination + 2, isLittleEndian);
  const unfit = FragmentBits.MoreFragments + FragmentBits.Offset;
  return [
    load("r1", network, packet.etherType),
    jumpIf("r1", "!=", network16(EtherType.Ipv4, isLittleEndian), "up"),
    load("r1", network, packet.destinationEnd),
    jumpIf32("r1", "!=", end, "up"),
    load("r1", network, packet.destinationStart),
    jumpIf("r1", "!=", start, "up"),
    load("r1", network, packet.versionAndLength),
    jumpIf("r1", "!=", PLAIN, "up"),
    load("r1", network, packet.fragment),
    jumpIf("r1", "has", network16(unfit, isLittleEndian), "up"),
    load("r1", network, packet.timeToLive),
    jumpIf("r1", "<=", 1, "up"),
    ...wholeHeader(),
    load("r5", network, packet.protocol),
  ];
}
