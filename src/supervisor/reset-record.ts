// SPDX-License-Identifier: GPL-2.0-only
// The resets that were made and why, as text that outlives a restart of the supervisor itself.
//
// It is written with each reset and once after it helped, a few times an hour at most: flash wears. One line, sealed as
// heartbeats are, because power may go while it is written.

import { sealed, unsealed } from "../heartbeat/checked-line";

/**
 * - silent: heartbeats stopped · wedged: they said so · no-heartbeat: none came after a start
 * - panic: the kernel gave up and did not restart · by-hand: a person asked
 */
export type Cause = "silent" | "wedged" | "no-heartbeat" | "panic" | "by-hand";

const CAUSES: readonly Cause[] = ["silent", "wedged", "no-heartbeat", "panic", "by-hand"];

export interface Reset {
  /** Counted from 1, over all time. */
  readonly number: number;
  readonly cause: Cause;
  /** The last heartbeat's; 0 when there was none. */
  readonly sequence: number;
  /** Seconds since 1970 by the router's clock; 0 when that was not known. */
  readonly wallSeconds: number;
}

const MARK = "VR1 ";
/** Resets remembered: two days of the worst, or years of the usual. */
const RESETS_MAX = 16;

function readReset(word: string): Reset | undefined {
  const parts = word.split(",");
  if (parts.length !== 4) return undefined;
  for (const cause of CAUSES) {
    if (cause === parts[1]) {
      return { number: Number(parts[0]), cause, sequence: Number(parts[2]), wallSeconds: Number(parts[3]) };
    }
  }
  return undefined;
}

export class ResetRecord {
  /** The oldest first. */
  resets: Reset[] = [];
  /** Resets running after which heartbeats did not last. */
  unhelpful = 0;
  private count = 0;

  /** @param save keeps a text for the next start */
  constructor(private readonly save: (text: string) => void) {}

  /** Takes what was saved. @returns false when that is damaged, and nothing is remembered */
  restore(saved: string): boolean {
    const { text } = unsealed(saved, MARK);
    if (text === undefined) return false;
    const words = text.split(" ");
    this.count = Number(words[1]);
    this.unhelpful = Number(words[2]);
    for (let at = 3; at < words.length; at += 1) {
      const reset = readReset(words[at]);
      if (reset !== undefined) this.resets.push(reset);
    }
    return true;
  }

  add(cause: Cause, sequence: number | undefined, wallSeconds: number): void {
    this.count += 1;
    if (cause !== "by-hand") this.unhelpful += 1;
    this.resets.push({ number: this.count, cause, sequence: sequence ?? 0, wallSeconds });
    if (this.resets.length > RESETS_MAX) this.resets.shift();
    this.save(this.text());
  }

  /** The last reset brought the board back. */
  helped(): void {
    this.unhelpful = 0;
    this.save(this.text());
  }

  private text(): string {
    const words = [`${MARK}${this.count} ${this.unhelpful}`];
    for (const { number, cause, sequence, wallSeconds } of this.resets) {
      words.push(`${number},${cause},${sequence},${wallSeconds}`);
    }
    return sealed(words.join(" "));
  }
}
