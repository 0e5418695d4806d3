// SPDX-License-Identifier: GPL-2.0-only
// Maps: tables that eBPF programs and this process share.

import { addressOf, bpf, bpfCommand, closeBpf } from "./bpf-call";
import { describeError, errno } from "./errno";
import { type BytePtr, copyBytes, create, lastErrorNumber, sizeOf, typeOf } from "./ffi";
import { fail, type Outcome, succeed } from "./outcome";

/** linux/bpf.h: enum bpf_map_type. */
export const mapKind = { hash: 1, array: 2, perCpuArray: 6 } as const;

/** linux/bpf.h: memory is taken with each entry and not all at once. Arrays know no other way than all at once. */
const BPF_F_NO_PREALLOC = 1;
/** With the zero that ends it. */
const NAME_BYTES = 16;

export interface MapShape {
  /** For people who list the kernel's maps; at most 15 letters. */
  readonly name: string;
  readonly kind: keyof typeof mapKind;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entriesMax: number;
}

interface CreateAttributes {
  kind: number;
  keyBytes: number;
  valueBytes: number;
  entriesMax: number;
  flags: number;
  readonly name: BytePtr;
}

interface ElementAttributes {
  fd: number;
  key: number;
  /** Also the next key. */
  value: number;
  flags: number;
}

const createType = typeOf<CreateAttributes>(
  "struct { uint32_t kind, keyBytes, valueBytes, entriesMax, flags, innerMap, numaNode; uint8_t name[16]; }",
);
const elementType = typeOf<ElementAttributes>(
  "struct { uint32_t fd; uint64_t key __attribute__((aligned(8))); uint64_t value, flags; }",
);
const ELEMENT_BYTES = sizeOf(elementType);

export class BpfMap {
  private readonly attributes = create(elementType);

  private constructor(
    readonly fd: number,
    private readonly shape: MapShape,
  ) {
    this.attributes.fd = fd;
  }

  /** An error says what the kernel refused; without permission or without eBPF in the kernel it always does. */
  static create(this: void, shape: MapShape): Outcome<BpfMap> {
    const attributes = create(createType);
    attributes.kind = mapKind[shape.kind];
    attributes.keyBytes = shape.keyBytes;
    attributes.valueBytes = shape.valueBytes;
    attributes.entriesMax = shape.entriesMax;
    attributes.flags = shape.kind === "hash" ? BPF_F_NO_PREALLOC : 0;
    copyBytes(attributes.name, shape.name, math.min(string.len(shape.name), NAME_BYTES - 1));
    const fd = bpf(bpfCommand.createMap, attributes, sizeOf(createType));
    if (fd < 0) return fail(`no eBPF map ${shape.name}: ${describeError(lastErrorNumber())}`);
    return succeed(new BpfMap(fd, shape));
  }

  /** Copies the value of a key to `value`; false when there is none. A per-CPU value is one for each possible CPU. */
  lookUp(key: BytePtr, value: BytePtr): boolean {
    return this.element(bpfCommand.lookUp, key, value) === 0;
  }

  /** Sets the value of a key; an error when the map is full or the kernel has no memory. */
  update(key: BytePtr, value: BytePtr): Outcome<true> {
    if (this.element(bpfCommand.update, key, value) === 0) return succeed(true as const);
    return fail(`eBPF map ${this.shape.name}: ${describeError(lastErrorNumber())}`);
  }

  /** Takes a key out; false when it was not there. */
  remove(key: BytePtr): boolean {
    return this.element(bpfCommand.remove, key) === 0;
  }

  /** Copies the value of a key to `value` and takes it out, at once: no program can use it in between. */
  takeOut(key: BytePtr, value: BytePtr): boolean {
    if (this.element(bpfCommand.takeOut, key, value) === 0) return true;
    // Kernels before 5.14 know no such command for hash maps: what passes between the two is not counted.
    if (lastErrorNumber() === errno.ENOENT) return false;
    return this.lookUp(key, value) && this.remove(key);
  }

  close(): void {
    closeBpf(this.fd);
  }

  private element(command: number, key: BytePtr, value?: BytePtr): number {
    this.attributes.key = addressOf(key);
    this.attributes.value = value === undefined ? 0 : addressOf(value);
    return bpf(command, this.attributes, ELEMENT_BYTES);
  }
}
