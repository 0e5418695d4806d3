// SPDX-License-Identifier: GPL-2.0-only
// What the running router shows of itself: all that the control socket's replies are made from.

import type { ReloadReport } from "./reload";
import type { Decisions } from "../masquerade/decisions";
import type { EspTracker } from "../masquerade/esp";
import type { FlowTable } from "../masquerade/flows";
import type { IkeTracker } from "../masquerade/ike";
import type { Reason } from "../masquerade/reason";
import type { Health } from "../watchdog/forwarding-health";
import type { NatLoss } from "../watchdog/nat-loss";
import type { Configuration } from "./configuration";
import type { LinkReport } from "./link-report";
import type { RestoreReport } from "./snapshot-file";

/** What the kernel forwards itself, and where; or why it does not. */
export interface OffloadReport {
  /** "native XDP", "generic XDP", "tcx", "tc clsact"; undefined: nothing on this interface. */
  readonly lan: { readonly place: string | undefined; readonly reason: string };
  readonly wan: { readonly place: string | undefined; readonly reason: string };
  /** Directions of items. */
  readonly entries: number;
  readonly packets: number;
  readonly bytes: number;
  /** Why the last entry was refused. */
  readonly refusal: string | undefined;
}

export interface RouterState {
  readonly config: Configuration;
  readonly configPath: string;
  /** Monotonic, as all times that end in Ms here except wallMs(). */
  readonly startedMs: number;
  nowMs(): number;
  wallMs(): number;
  readonly esp: EspTracker;
  readonly ike: IkeTracker;
  /** Present with `scope all`. */
  readonly flows: { readonly tcp: FlowTable; readonly udp: FlowTable; readonly icmp: FlowTable } | undefined;
  /** Fragmented datagrams under way. */
  fragmentedDatagrams(): number;
  heldPackets(): number;
  /** Packets by reason. */
  readonly counters: LuaMap<Reason, number>;
  lan(): LinkReport;
  wan(): LinkReport;
  readonly decisions: Decisions;
  /** Whether it truly forwards. */
  health(): Health;
  offload(): OffloadReport;
  /** Bytes of an ESP item (a record) that the kernel forwarded and that are not in its own count yet. */
  offloadedBytes(record: number): LuaMultiReturn<[out: number, into: number]>;
  /** Tunnels that seem to have lost their way back, and what is done about it. */
  natLosses(): readonly NatLoss[];
  readonly restored: RestoreReport;
  /** How the kernel is kept from our packets, or why it is not: one line for people. */
  kernelRules(): string;
  readonly lastReload: ReloadReport | undefined;
  /** What LuaJIT's compiler did: traces, attempts it gave up, times it started afresh. */
  readonly compiler: { readonly compiled: number; readonly aborts: number; readonly flushes: number };
  /** The last messages of the log, oldest first. */
  logTail(): readonly string[];
}
