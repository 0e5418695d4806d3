// SPDX-License-Identifier: GPL-2.0-only
// The end of a way: a program at XDP that counts the packets that came through and how long each took, and drops them.
//
// It costs as little as receiving can, and the same for every way: what is compared is the way.

import { assemble } from "../../../src/forwarding/offload/assembler";
import {
  add,
  atomicAdd,
  call,
  compute,
  exit,
  jumpIf,
  label,
  load,
  loadFirstValue,
  loadMap,
  move,
  type Step,
  store,
} from "../../../src/forwarding/offload/instruction";
import { xdpContext } from "../../../src/forwarding/offload/layout";
import { network16 } from "../../../src/forwarding/offload/programs/environment";
import { BpfMap } from "../../../src/system/bpf-map";
import { attachProgram, loadProgram } from "../../../src/system/bpf-program";
import { byteArray, type BytePtr, cast, create, isLittleEndian, type Ptr, typeOf } from "../../../src/system/ffi";
import { ETHERNET_HEADER_BYTES, EtherType, EthernetField } from "../../../src/wire/ethernet";
import { Ipv4Field, Protocol } from "../../../src/wire/ipv4";
import { mustHave } from "../must-have";
import type { LinkEnd } from "../site";
import { STAMP } from "./source-program";

/** linux/bpf.h: enum xdp_action. */
const XDP_DROP = 1;

const ETHER_TYPE = { at: EthernetField.EtherType, bytes: 2 } as const;
const PROTOCOL = { at: ETHERNET_HEADER_BYTES + Ipv4Field.Protocol, bytes: 1 } as const;
const COUNTER = { at: 0, bytes: 8 } as const;
const COUNTER_BYTES = 8;
/** Behind the counter: not 0 while the frames are stamped and their times are wanted. */
const IS_TIMING = { at: 8, bytes: 8 } as const;
const KEY = { at: -4, bytes: 4 } as const;
const KEY_BYTES = 4;

/** Times are sorted into steps of 256 ns; what took 4 ms or longer is in the last one. */
const STEP_SHIFT = 8;
const STEPS = 16384;
const NS_PER_US = 1000;
const keyType = typeOf<Ptr<number>>("uint32_t*");

/** Puts the packet's time into its step. */
function sortTime(stepsMap: number): Step[] {
  return [
    call("time"),
    load("r1", "r7", STAMP),
    compute("subtract", "r0", "r1"),
    compute("shiftRight", "r0", STEP_SHIFT),
    jumpIf("r0", "<", STEPS, "in range"),
    move("r0", STEPS - 1),
    label("in range"),
    store("r10", KEY, "r0"),
    loadMap("r1", stepsMap),
    move("r2", "r10"),
    add("r2", KEY.at),
    call("lookUp"),
    jumpIf("r0", "==", 0, "drop"),
    move("r1", 1),
    atomicAdd("r0", COUNTER, "r1"),
  ];
}

function endProgram(countMap: number, stepsMap: number): Step[] {
  return [
    load("r7", "r1", xdpContext.data),
    load("r2", "r1", xdpContext.dataEnd),
    move("r1", "r7"),
    add("r1", STAMP.at + STAMP.bytes),
    jumpIf("r1", ">", "r2", "drop"),
    load("r1", "r7", ETHER_TYPE),
    jumpIf("r1", "!=", network16(EtherType.Ipv4, isLittleEndian), "drop"),
    load("r1", "r7", PROTOCOL),
    // What a router says about packets is none of them.
    jumpIf("r1", "==", Protocol.Icmp, "drop"),
    loadFirstValue("r6", countMap),
    move("r1", 1),
    atomicAdd("r6", COUNTER, "r1"),
    load("r1", "r6", IS_TIMING),
    jumpIf("r1", "==", 0, "drop"),
    ...sortTime(stepsMap),
    label("drop"),
    move("r0", XDP_DROP),
    exit(),
  ];
}

export class CountingEnd {
  private readonly counter: BpfMap;
  private readonly steps: BpfMap;
  private readonly key: BytePtr = create(byteArray, KEY_BYTES);
  private readonly value: BytePtr = create(byteArray, COUNTER_BYTES + IS_TIMING.bytes);
  private readonly numbers = cast(typeOf<Ptr<number>>("uint64_t*"), this.value);

  constructor(end: LinkEnd) {
    const shape = { kind: "array", keyBytes: KEY_BYTES } as const;
    const counterBytes = COUNTER_BYTES + IS_TIMING.bytes;
    this.counter = mustHave(BpfMap.create({ ...shape, name: "bench_count", valueBytes: counterBytes, entriesMax: 1 }));
    this.steps = mustHave(
      BpfMap.create({ ...shape, name: "bench_times", valueBytes: COUNTER_BYTES, entriesMax: STEPS }),
    );
    const program = assemble(endProgram(this.counter.fd, this.steps.fd), isLittleEndian);
    const loaded = mustHave(loadProgram({ name: "bench_end", kind: "xdp" }, program));
    mustHave(attachProgram(loaded, end.index, "native XDP"));
  }

  /** Packets that arrived since the program was attached. */
  arrived(): number {
    return this.read(this.counter, 0);
  }

  /** From here on frames are stamped. Nothing must be under way. */
  startTiming(): void {
    this.arrived();
    this.numbers[1] = 1;
    mustHave(this.counter.update(this.key, this.value));
  }

  /** The times that so many percent of the packets were not above, each in microseconds; timing ends. */
  percentilesUs(percents: readonly number[]): number[] {
    const counts: number[] = [];
    let total = 0;
    for (const step of $range(0, STEPS - 1)) {
      counts.push(this.read(this.steps, step));
      total += counts[step];
    }
    return percents.map((percent) => {
      let [step, below] = [0, counts[0]];
      while (below < (total * percent) / 100) {
        step += 1;
        below += counts[step];
      }
      return ((step + 1) << STEP_SHIFT) / NS_PER_US;
    });
  }

  private read(map: BpfMap, index: number): number {
    cast(keyType, this.key)[0] = index;
    map.lookUp(this.key, this.value);
    return tonumber(this.numbers[0])!;
  }
}
