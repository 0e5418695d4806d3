// SPDX-License-Identifier: GPL-2.0-only
// The maps that the programs share with the daemon: entries both ways, next hops, the lease, and what passed in all.

import { BpfMap, type MapShape } from "../../system/bpf-map";
import { byteArray, cast, create, type Ptr, typeOf } from "../../system/ffi";
import { fail, type Outcome, succeed } from "../../system/outcome";
import { possibleProcessors } from "../../system/processors";
import { EntryMap, readTally, writeNs } from "./entry-map";
import { ROWS_A_SIDE } from "./hop-rows";
import { HOP_BYTES, LEASE_BYTES, TALLY_BYTES, TALLY_BYTES_BITS, TALLY_ROWS } from "./layout";
import type { MapDescriptors } from "./programs/environment";

const words = typeOf<Ptr<number>>("uint32_t*");
const ROW_KEY_BYTES = 4;
const SIDES = 2;
const TALLY_WORDS = TALLY_BYTES / 4;
const PACKETS_MODULUS = 2 ** (64 - TALLY_BYTES_BITS);
const BYTES_MODULUS = 2 ** TALLY_BYTES_BITS;

function array(name: string, kind: MapShape["kind"], valueBytes: number, entriesMax: number): Outcome<BpfMap> {
  return BpfMap.create({ name, kind, keyBytes: ROW_KEY_BYTES, valueBytes, entriesMax });
}

/** What passed of one kind and way, in all. */
class Passed {
  packets = 0;
  bytes = 0;
  private readonly before: [packets: number, bytes: number][] = [];
  private packetsTaken = 0;
  private bytesTaken = 0;

  /** Adds what one CPU counted since the last time; tallies wrap, and bytes carry into packets. */
  add(processor: number, packets: number, bytes: number): void {
    const [packetsBefore, bytesBefore] = this.before[processor] ?? [0, 0];
    this.before[processor] = [packets, bytes];
    const carry = bytes < bytesBefore ? 1 : 0;
    this.bytes += bytes - bytesBefore + carry * BYTES_MODULUS;
    const more = packets - packetsBefore - carry;
    this.packets += more < 0 ? more + PACKETS_MODULUS : more;
  }

  /** What has passed since this was called last. */
  take(): LuaMultiReturn<[packets: number, bytes: number]> {
    const packets = this.packets - this.packetsTaken;
    const bytes = this.bytes - this.bytesTaken;
    this.packetsTaken = this.packets;
    this.bytesTaken = this.bytes;
    return $multi(packets, bytes);
  }
}

export class OffloadMaps {
  /** By the tallies' rows. */
  readonly passed: readonly Passed[] = [new Passed(), new Passed(), new Passed(), new Passed()];
  private readonly processors = possibleProcessors();
  private readonly key = create(byteArray, ROW_KEY_BYTES);
  private readonly keyWord = cast(words, this.key);
  private readonly until = create(byteArray, LEASE_BYTES);
  private readonly sums = create(byteArray, TALLY_BYTES * this.processors);

  private constructor(
    readonly outbound: EntryMap,
    readonly inbound: EntryMap,
    readonly hops: BpfMap,
    private readonly lease: BpfMap,
    private readonly tallies: BpfMap,
  ) {}

  /** @param entriesMax entries each way; memory is taken with each entry. An error says what the kernel lacks. */
  static create(this: void, entriesMax: number): Outcome<OffloadMaps> {
    const [outbound, outProblem] = EntryMap.create("vpnmasq_out", entriesMax);
    if (outbound === undefined) return fail(outProblem);
    const [inbound, inProblem] = EntryMap.create("vpnmasq_in", entriesMax);
    if (inbound === undefined) return fail(inProblem);
    const [hops, hopsProblem] = array("vpnmasq_hops", "array", HOP_BYTES, SIDES * ROWS_A_SIDE);
    if (hops === undefined) return fail(hopsProblem);
    const [lease, leaseProblem] = array("vpnmasq_lease", "array", LEASE_BYTES, 1);
    if (lease === undefined) return fail(leaseProblem);
    const [tallies, talliesProblem] = array("vpnmasq_tallies", "perCpuArray", TALLY_BYTES, TALLY_ROWS);
    if (tallies === undefined) return fail(talliesProblem);
    return succeed(new OffloadMaps(outbound, inbound, hops, lease, tallies));
  }

  descriptors(): MapDescriptors {
    return {
      outbound: this.outbound.descriptor(),
      inbound: this.inbound.descriptor(),
      hops: this.hops.fd,
      lease: this.lease.fd,
      tallies: this.tallies.fd,
    };
  }

  /** Lets the programs forward until then, on the monotonic clock; 0: not at all. */
  allowUntil(untilMs: number): void {
    writeNs(cast(words, this.until), 0, untilMs);
    this.keyWord[0] = 0;
    this.lease.update(this.key, this.until);
  }

  /** Adds what passed since the last time to {@link passed}. */
  count(): void {
    for (const row of $range(0, TALLY_ROWS - 1)) this.countRow(row);
  }

  close(): void {
    this.outbound.close();
    this.inbound.close();
    for (const map of [this.hops, this.lease, this.tallies]) map.close();
  }

  private countRow(row: number): void {
    this.keyWord[0] = row;
    if (!this.tallies.lookUp(this.key, this.sums)) return;
    const view = cast(words, this.sums);
    for (const processor of $range(0, this.processors - 1)) {
      const [packets, bytes] = readTally(view, processor * TALLY_WORDS);
      this.passed[row].add(processor, packets, bytes);
    }
  }
}
