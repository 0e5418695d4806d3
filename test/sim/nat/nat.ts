// SPDX-License-Identifier: GPL-2.0-only
// What the simulator knows of any NAT: packets go in from both sides, and what it makes of them comes out.

import type { EventQueue } from "../event-queue";
import type { Packet } from "../packet";

/** What is left of a NAT's state after it stopped. */
export type Memory =
  /** The process was killed; its journal is complete. */
  | "journal"
  /** The same, and the journal ends in the middle of a line. */
  | "torn"
  /** The machine started again: another boot, its monotonic clock begins anew, and only an old copy is there. */
  | "flash"
  /** Nothing. */
  | "none";

/** What a NAT sends through. */
export interface Sides {
  readonly queue: EventQueue;
  toWan(packet: Packet): void;
  /** To all of these clients (words), a copy each. */
  toClients(packet: Packet, clients: readonly number[]): void;
  /** A promise of the NAT's was broken. */
  violated(what: string): void;
  /** What it decided about a packet, for the trace; only called while {@link isTraced}. */
  noteDecision(packet: Packet, reason: string): void;
  readonly isTraced: boolean;
}

export interface Nat {
  readonly wanAddress: number;
  fromLan(packet: Packet): void;
  fromWan(packet: Packet): void;
  /** Loses what it holds and whatever `memory` does not keep; until {@link start} nothing passes. */
  crash(memory: Memory): void;
  start(): void;
  changeAddress(wanAddress: number): void;
  /** The clock on the wall is set. */
  setWallClock(byMs: number): void;
  /** Why the state contradicts itself; undefined when it does not. */
  audit(): string | undefined;
}
