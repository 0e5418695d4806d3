// SPDX-License-Identifier: GPL-2.0-only
// One direction's entries: put into the kernel's map, read while they are there, taken out with what passed.
//
// One key and one value serve all calls, so that nothing is allocated for an entry.

import { BpfMap } from "../../system/bpf-map";
import { byteArray, type BytePtr, cast, create, fillBytes, isLittleEndian, type Ptr, typeOf } from "../../system/ffi";
import { type Outcome, fail, succeed } from "../../system/outcome";
import { write16, writeWord } from "../../wire/bytes";
import { toWord } from "../../wire/word";
import { ENTRY_BYTES, entry, key, KEY_BYTES, type TALLY_BYTES_BITS } from "./layout";

const words = typeOf<Ptr<number>>("uint32_t*");
const TWO_POW_32 = 0x100000000;
/** The bits of a tally's high word that belong to its bytes. */
const HIGH_BYTES_BITS: typeof TALLY_BYTES_BITS extends 40 ? 8 : never = 8;
const HIGH_BYTES_MASK = (1 << HIGH_BYTES_BITS) - 1;
const NS_PER_MS = 1e6;

/** 64 bits of the CPU's byte order: which of two words is the low one. */
const LOW = isLittleEndian ? 0 : 1;
const HIGH = 1 - LOW;

/** Packets and bytes of a tally, of which `at` is the first word. */
export function readTally(view: Ptr<number>, at: number): LuaMultiReturn<[packets: number, bytes: number]> {
  const high = view[at + HIGH];
  return $multi(high >>> HIGH_BYTES_BITS, (high & HIGH_BYTES_MASK) * TWO_POW_32 + view[at + LOW]);
}

/** A time as programs compare it with their clock's. */
export function writeNs(view: Ptr<number>, at: number, timeMs: number): void {
  const ns = timeMs * NS_PER_MS;
  const high = Math.floor(ns / TWO_POW_32);
  view[at + HIGH] = high;
  view[at + LOW] = Math.floor(ns - high * TWO_POW_32);
}

export class EntryMap {
  /** Entries there are now. */
  count = 0;
  /** Why the last entry was refused; undefined when it was not. */
  refusal: string | undefined;

  /** Of the last {@link read} or {@link takeOut}. */
  packets = 0;
  bytes = 0;
  /** 0 when no packet has passed. */
  usedMs = 0;
  /** A word; means something for ESP. */
  sequence = 0;
  hopRow = 0;

  private readonly key: BytePtr = create(byteArray, KEY_BYTES);
  private readonly keyWords = cast(words, this.key);
  private readonly value: BytePtr = create(byteArray, ENTRY_BYTES);
  private readonly valueWords = cast(words, this.value);

  private constructor(private readonly map: BpfMap) {}

  static create(this: void, name: string, entriesMax: number): Outcome<EntryMap> {
    const [map, problem] = BpfMap.create({
      name,
      kind: "hash",
      keyBytes: KEY_BYTES,
      valueBytes: ENTRY_BYTES,
      entriesMax,
    });
    return map === undefined ? fail(problem) : succeed(new EntryMap(map));
  }

  descriptor(): number {
    return this.map.fd;
  }

  /**
   * What the other calls are about: a packet as it comes in.
   * @param source a word, as is `destination`
   * @param first the SPI, or both ports: a word
   */
  select(protocol: number, source: number, destination: number, first: number): void {
    writeWord(this.key, key.source.at, source);
    writeWord(this.key, key.destination.at, destination);
    writeWord(this.key, key.first.at, first);
    this.keyWords[key.protocol.at / 4] = protocol;
  }

  /**
   * ESP packets are forwarded from now on; whether the kernel took the entry.
   * @param address that replaces the source going out, the destination coming in: a word
   * @param sequence the highest that came, a word
   */
  putTunnel(address: number, hopRow: number, adjustment: number, sequence: number): boolean {
    this.begin(address, hopRow, adjustment);
    this.valueWords[entry.sequence.at / 4] = sequence;
    return this.put();
  }

  /** Likewise of UDP or TCP. @param ports both of them as they are sent on, a word */
  putFlow(address: number, hopRow: number, adjustment: number, transportAdjustment: number, ports: number): boolean {
    this.begin(address, hopRow, adjustment);
    write16(this.value, entry.transportAdjustment.at, transportAdjustment);
    writeWord(this.value, entry.ports.at, ports);
    return this.put();
  }

  /** What passed since it was put; false when there is no such entry. */
  read(): boolean {
    return this.map.lookUp(this.key, this.value) && this.decode();
  }

  /** Likewise of an entry that was put, and no packet is forwarded from now on. */
  takeOut(): boolean {
    this.count -= 1;
    return this.map.takeOut(this.key, this.value) && this.decode();
  }

  close(): void {
    this.map.close();
  }

  private begin(address: number, hopRow: number, adjustment: number): void {
    fillBytes(this.value, ENTRY_BYTES);
    writeWord(this.value, entry.address.at, address);
    write16(this.value, entry.headerAdjustment.at, adjustment);
    this.valueWords[entry.hop.at / 4] = hopRow;
  }

  private put(): boolean {
    const [done, problem] = this.map.update(this.key, this.value);
    this.refusal = problem;
    if (done !== undefined) this.count += 1;
    return done !== undefined;
  }

  private decode(): boolean {
    const view = this.valueWords;
    this.hopRow = view[entry.hop.at / 4];
    [this.packets, this.bytes] = readTally(view, entry.tally.at / 4);
    const usedAt = entry.usedNs.at / 4;
    this.usedMs = (view[usedAt + HIGH] * TWO_POW_32 + view[usedAt + LOW]) / NS_PER_MS;
    this.sequence = toWord(view[entry.sequence.at / 4]);
    return true;
  }
}
