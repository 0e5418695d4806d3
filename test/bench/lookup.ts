// SPDX-License-Identifier: GPL-2.0-only
// What finding a table's entry costs, and how much memory an entry takes, from a thousand to a million entries.
//
// Memory is all that a table takes at its start, and it takes no more later: rows, byte counters and indexes.

import { EspTracker } from "../../src/masquerade/esp";
import { ESP_OUT_KEY, ESP_RECORD_WORDS } from "../../src/masquerade/esp-record";
import { FlowTable } from "../../src/masquerade/flows";
import { KeyIndex } from "../../src/masquerade/key-index";
import { DEFAULT_LIMITS } from "../../src/masquerade/limits";
import { allocateWords, type Words } from "../../src/masquerade/memory";
import { DEFAULT_PORTS } from "../../src/masquerade/ports";
import { Releases } from "../../src/masquerade/releases";
import { IkeTracker } from "../../src/masquerade/ike";
import { Compiler } from "../../src/system/compiler";
import { Random } from "../spec/random";
import { cpuNs } from "./cpu-time";
import type { Findings, Measurement } from "./findings";
import { inTurns } from "./rounds";

const COUNTS: readonly (readonly [count: number, label: string])[] = [
  [1000, "1k"],
  [100000, "100k"],
  [1000000, "1m"],
];
const ROUNDS = 5;
const LOOKUPS = 500000;
const BYTES_MAX = 64;
const SEED = 12345;

/** An index over `count` random keys, and the same keys in another, random order. */
class Lookup {
  private readonly rows: Words;
  private readonly index: KeyIndex;
  private readonly asked: Words;
  private readonly last: number;

  constructor(count: number) {
    const random = new Random(count);
    this.rows = allocateWords(count * ESP_RECORD_WORDS);
    this.index = new KeyIndex(this.rows, ESP_RECORD_WORDS, ESP_OUT_KEY, count, SEED);
    for (const record of $range(0, count - 1)) {
      const row = record * ESP_RECORD_WORDS;
      this.rows[row + ESP_OUT_KEY.first] = random.word();
      this.rows[row + ESP_OUT_KEY.second] = random.word();
      this.rows[row + ESP_OUT_KEY.third] = random.word();
      if (!this.index.insert(record)) error("the index refused a record", 0);
    }
    let asked = 1;
    while (asked < count) asked *= 2;
    this.last = asked - 1;
    this.asked = allocateWords(asked * 3);
    for (const at of $range(0, this.last)) {
      const row = random.below(count) * ESP_RECORD_WORDS;
      this.asked[at * 3] = this.rows[row + ESP_OUT_KEY.first];
      this.asked[at * 3 + 1] = this.rows[row + ESP_OUT_KEY.second];
      this.asked[at * 3 + 2] = this.rows[row + ESP_OUT_KEY.third];
    }
  }

  /** Nanoseconds a look-up. */
  measure(): number {
    const { asked, index, last } = this;
    const startNs = cpuNs();
    let found = 0;
    for (const step of $range(1, LOOKUPS)) {
      const at = (step & last) * 3;
      found += index.find(asked[at], asked[at + 1], asked[at + 2]);
    }
    if (found <= 0) error("nothing was found", 0);
    return (cpuNs() - startNs) / LOOKUPS;
  }
}

/** Bytes of one of so many ESP items: all that a table takes. */
export function espBytes(count: number): number {
  const limits = { ...DEFAULT_LIMITS, espItemsMax: count };
  const releases = new Releases();
  return new EspTracker(limits, new IkeTracker(limits, releases), releases, SEED).memoryBytes() / count;
}

function flowBytes(count: number): number {
  const limits = { sessionsMax: count, sessionsPerClientMax: count, settledIdleMs: 1, transitoryIdleMs: 1 };
  const options = { isTcp: false, limits, ports: DEFAULT_PORTS, filtering: "address", seed: SEED } as const;
  return new FlowTable(options).memoryBytes() / count;
}

function measureMemory(findings: Findings): void {
  for (const [count, label] of COUNTS) {
    findings.bound(`lookup.esp_bytes_${label}`, espBytes(count), "B", BYTES_MAX);
    findings.figure(`lookup.flow_bytes_${label}`, flowBytes(count), "B");
    collectgarbage();
  }
}

export const lookup: Measurement = {
  name: "lookup",
  explanation: "Finding an entry, and the memory that one takes, with 1000, 100 000 and 1 000 000 entries.",
  run: (findings) => {
    const compiler = new Compiler();
    compiler.start();
    measureMemory(findings);
    const lookups = COUNTS.map(([count]) => new Lookup(count));
    compiler.startAfresh();
    const times = inTurns(
      ROUNDS,
      lookups.map((one) => () => one.measure()),
    );
    for (const at of $range(0, COUNTS.length - 1)) findings.figure(`lookup.find_${COUNTS[at][1]}`, times[at], "ns");
  },
};
