// SPDX-License-Identifier: GPL-2.0-only
// The program that makes each live frame the next item's, and sends it out by an interface.
//
// The kernel uses the memory of frames again and does not restore it, so the headers are written anew each time.

import {
  add,
  call,
  compute,
  exit,
  jumpIf,
  label,
  load,
  loadFirstValue,
  move,
  type Register,
  type Step,
  store,
  toNetwork,
} from "../../../src/forwarding/offload/instruction";
import { xdpContext } from "../../../src/forwarding/offload/layout";
import { loaded16, loaded32 } from "../../../src/forwarding/offload/programs/environment";
import { foldSum } from "../../../src/forwarding/offload/programs/plain-header";
import { isLittleEndian } from "../../../src/system/ffi";
import { bufferOf } from "../../spec/frame";
import { PAIRS, PAYLOAD_AT, type SourceFrame, type Variable, type Variation } from "./source-frame";

/** What the program keeps between frames. */
export const sourceState = {
  /** Frames so far. */
  count: { at: 0, bytes: 4 },
  /** The last one's. */
  item: { at: 4, bytes: 4 },
  /** From one frame's item to the next one's; odd, so that all have their turn. */
  stride: { at: 8, bytes: 4 },
} as const;
export const SOURCE_STATE_BYTES = 12;

/** When a stamped frame was made, in the CPU's byte order: the first bytes of the payload. */
export const STAMP = { at: PAYLOAD_AT, bytes: 8 } as const;

/** linux/bpf.h: enum xdp_action. */
const XDP_ABORTED = 0;

const STATE = "r6";
const FRAME = "r7";
const holders: Record<Variable, Register> = { item: "r8", count: "r9", pair: "r5" };

/** Frame and state into their registers. */
function begin(stateMap: number): Step[] {
  return [
    load(FRAME, "r1", xdpContext.data),
    load("r2", "r1", xdpContext.dataEnd),
    move("r1", FRAME),
    add("r1", STAMP.at + STAMP.bytes),
    jumpIf("r1", ">", "r2", "too short"),
    loadFirstValue(STATE, stateMap),
  ];
}

/** The numbers of this frame. @param items a power of two */
function takeTurn(items: number): Step[] {
  const { item, count, pair } = holders;
  return [
    load(count, STATE, sourceState.count),
    add(count, 1),
    store(STATE, sourceState.count, count),
    load(item, STATE, sourceState.item),
    load("r1", STATE, sourceState.stride),
    add(item, "r1"),
    compute("and", item, items - 1),
    store(STATE, sourceState.item, item),
    move(pair, item),
    compute("and", pair, PAIRS - 1),
  ];
}

/** The pattern's headers: a half word, and words from there on, which lie as in a driver's frame. */
function writeHeaders({ octets }: SourceFrame): Step[] {
  const bytes = bufferOf(octets);
  const steps = [store(FRAME, { at: 0, bytes: 2 }, loaded16(bytes, 0, isLittleEndian))];
  for (const at of $range(2, PAYLOAD_AT - 4, 4)) {
    steps.push(store(FRAME, { at, bytes: 4 }, loaded32(bytes, at, isLittleEndian)));
  }
  return steps;
}

function vary({ at, bytes, variable, base }: Variation): Step[] {
  const order = bytes === 1 ? [] : [toNetwork("r1", bytes === 2 ? 16 : 32)];
  return [move("r1", holders[variable]), add("r1", base), ...order, store(FRAME, { at, bytes }, "r1")];
}

/** The pattern's checksum, changed by what the fields under it were raised by (RFC 1624 equation 3). */
function writeChecksum({ octets, variations }: SourceFrame, at: number, part: "isInHeader" | "isInTransport"): Step[] {
  const sum = 0xffff - (octets[at] * 256 + octets[at + 1]);
  return [
    move("r1", sum),
    ...variations.filter((one) => one[part]).map(({ variable }) => add("r1", holders[variable])),
    ...foldSum("r1", "r2", 2),
    compute("xor", "r1", 0xffff),
    toNetwork("r1", 16),
    store(FRAME, { at, bytes: 2 }, "r1"),
  ];
}

/** @param interfaceIndex where the frames go out: a veth's end, whose other end gets them as a driver would */
export function sourceProgram(frame: SourceFrame, items: number, stateMap: number, interfaceIndex: number): Step[] {
  const { headerChecksumAt, transportChecksumAt } = frame;
  return [
    ...begin(stateMap),
    ...takeTurn(items),
    ...writeHeaders(frame),
    ...frame.variations.flatMap((one) => vary(one)),
    ...writeChecksum(frame, headerChecksumAt, "isInHeader"),
    ...(transportChecksumAt === undefined ? [] : writeChecksum(frame, transportChecksumAt, "isInTransport")),
    ...(frame.isStamped ? [call("time"), store(FRAME, STAMP, "r0")] : []),
    move("r1", interfaceIndex),
    move("r2", 0),
    call("redirect"),
    exit(),
    label("too short"),
    move("r0", XDP_ABORTED),
    exit(),
  ];
}
