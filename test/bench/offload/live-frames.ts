// SPDX-License-Identifier: GPL-2.0-only
// Frames as a driver would deliver them, made in the kernel: BPF_PROG_TEST_RUN with live frames.
//
// The kernel takes memory as drivers do (a page pool), runs our program for each frame, and does with it what the program
// says: out by an interface. Through a veth pair it enters the router as a driver's frame, before the kernel has made a
// packet of its own of it. A packet socket cannot do that; what it sends is such a packet already, and makes XDP look slow.
// All that becomes of a frame happens within the system call. Source: Documentation/bpf/bpf_prog_run.rst; Linux ≥ 5.18.

import { assemble } from "../../../src/forwarding/offload/assembler";
import { addressOf, bpf, bpfCommand, closeBpf } from "../../../src/system/bpf-call";
import { BpfMap } from "../../../src/system/bpf-map";
import { attachProgram, loadProgram } from "../../../src/system/bpf-program";
import { lastError } from "../../../src/system/errno";
import { byteArray, cast, create, isLittleEndian, type Ptr, sizeOf, typeOf } from "../../../src/system/ffi";
import { putOctets } from "../../spec/frame";
import { mustHave } from "../must-have";
import type { LinkEnd } from "../site";
import { type SourceOptions, sourceFrame } from "./source-frame";
import { SOURCE_STATE_BYTES, sourceProgram, sourceState } from "./source-program";

/** linux/bpf.h */
const BPF_F_TEST_XDP_LIVE_FRAMES = 2;

interface TestRunAttributes {
  program: number;
  frameBytes: number;
  frame: number;
  repeat: number;
  flags: number;
  batch: number;
}

const testRunType = typeOf<TestRunAttributes>(`struct {
  uint32_t program, result, frameBytes, resultBytes; uint64_t frame, resultFrame; uint32_t repeat, durationNs;
  uint32_t contextBytes, contextResultBytes; uint64_t context, contextResult; uint32_t flags, cpu, batch, padding;
}`);
const words = typeOf<Ptr<number>>("uint32_t*");
const WORD_BYTES = 4;
/** In every network namespace; in ours it is down. */
const LOOPBACK_INDEX = 1;

/** Frames from one interrupt, as a driver's poll delivers them (NAPI_POLL_WEIGHT). */
export const BATCH_FRAMES = 64;
/**
 * From one frame's item to the next one's: far, so that neighbours in a table are not neighbours in time. Odd, and about
 * the golden ratio of 16384.
 */
const STRIDE = 10125;

/** How far the frames of some items have come. */
export class SourceState {
  readonly descriptor: number;
  private readonly map: BpfMap;
  private readonly key = create(byteArray, WORD_BYTES);
  private readonly value = create(byteArray, SOURCE_STATE_BYTES);

  constructor() {
    const shape = { kind: "array", keyBytes: WORD_BYTES, valueBytes: SOURCE_STATE_BYTES, entriesMax: 1 } as const;
    this.map = mustHave(BpfMap.create({ ...shape, name: "bench_source" }));
    this.descriptor = this.map.fd;
    this.begin(0, STRIDE);
  }

  /** Goes on behind an item; sequence numbers go on from where they were. */
  begin(item: number, stride: number): void {
    const view = cast(words, this.value);
    this.map.lookUp(this.key, this.value);
    view[sourceState.item.at / WORD_BYTES] = item;
    view[sourceState.stride.at / WORD_BYTES] = stride;
    mustHave(this.map.update(this.key, this.value));
  }
}

export class LiveFrames {
  /** Asked for so far. */
  sent = 0;
  private readonly attributes = create(testRunType);
  private readonly frame;

  /**
   * @param items how many take turns: a power of two
   * @param state one for all that send packets of the same items, whose sequence numbers must go on
   */
  constructor(
    end: LinkEnd,
    options: SourceOptions,
    items: number,
    private readonly state: SourceState,
  ) {
    const pattern = sourceFrame(options);
    this.frame = create(byteArray, pattern.octets.length);
    putOctets(pattern.octets, this.frame, 0);
    const program = assemble(sourceProgram(pattern, items, state.descriptor, end.index), isLittleEndian);
    const { attributes } = this;
    attributes.program = mustHave(loadProgram({ name: "bench_source", kind: "xdp" }, program));
    attributes.frame = addressOf(this.frame);
    attributes.frameBytes = pattern.octets.length;
    attributes.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
  }

  /** Sends so many frames, `batch` at once; what the router does with them is done when this returns, if it needs no process. */
  send(frames: number, batch = BATCH_FRAMES): void {
    this.attributes.repeat = frames;
    this.attributes.batch = math.min(frames, batch);
    if (bpf(bpfCommand.testRun, this.attributes, sizeOf(testRunType)) !== 0) error(lastError("live frames"), 0);
    this.sent += frames;
  }

  /**
   * Does something for which this sends more than once. Each call that sends has the kernel write code for the program's
   * quick calling and wait until nobody runs the old one, some 20 ms; while the program is attached, the code stays. It is
   * attached where nothing comes in. Source: kernel/bpf/dispatcher.c.
   *
   * @param interfaceIndex where nothing comes in and no program is
   */
  whileReady<Result>(action: () => Result, interfaceIndex = LOOPBACK_INDEX): Result {
    const link = mustHave(attachProgram(this.attributes.program, interfaceIndex, "generic XDP"));
    const result = action();
    closeBpf(link);
    return result;
  }

  /** Sends one frame of each of so many items, from `first` on. */
  sendInOrder(first: number, frames: number): void {
    this.state.begin(first - 1, 1);
    this.send(frames);
    this.state.begin(first - 1, STRIDE);
  }
}
