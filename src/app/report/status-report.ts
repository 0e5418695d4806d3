// SPDX-License-Identifier: GPL-2.0-only
// `status`: is it running, on which links, how full are the tables, and is anything wrong.

import { type ReloadItem, reloadItem } from "../reload";
import { readNotes } from "../configuration-notes";
import { Phase } from "../../masquerade/esp-record";
import { residentBytes } from "../../system/process";
import { formatAddress } from "../../wire/address";
import type { LinkReport } from "../link-report";
import type { RouterState } from "../router-state";
import { VERSION } from "../version";

export interface LinkStatus {
  readonly name: string;
  readonly present: boolean;
  readonly up: boolean;
  readonly address?: string | undefined;
  readonly mtu_bytes: number;
  readonly frames_in: number;
  readonly frames_out: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly dropped: number;
}

export interface OffloadStatus {
  /** "native XDP", "generic XDP", "tcx" or "tc clsact"; absent: nothing is offloaded on this interface, for the reason. */
  readonly place?: string | undefined;
  /** Why not at a faster place. */
  readonly reason: string;
}

export interface StatusReport {
  readonly version: string;
  readonly uptime_ms: number;
  readonly scope: string;
  readonly configuration: string;
  /** What was said about it when it was made. */
  readonly notes: readonly string[];
  readonly lan: LinkStatus;
  readonly wan: LinkStatus;
  readonly kernel_rules: string;
  /** Entries are directions of items; packets and bytes are those that the kernel forwarded itself. */
  readonly offload: {
    lan: OffloadStatus;
    wan: OffloadStatus;
    entries: number;
    packets: number;
    bytes: number;
    refusal?: string | undefined;
  };
  readonly esp: { total: number; capacity: number; established: number; outstanding: number; waiting: number };
  readonly ike: { total: number; capacity: number };
  readonly flows?: { tcp: number; udp: number; icmp: number } | undefined;
  readonly fragmented_datagrams: number;
  readonly held_packets: number;
  readonly restored: { source: string; esp: number; ike: number; notes: readonly string[] };
  readonly reload?: ReloadItem | undefined;
  /** Traces that LuaJIT compiled, gave up and threw away: many aborts mean that packets are slow. */
  readonly compiler: { compiled: number; aborts: number; flushes: number };
  readonly resident_bytes: number;
}

function linkStatus(link: LinkReport): LinkStatus {
  return {
    name: link.name,
    present: link.isPresent,
    up: link.isUp,
    address: link.address === undefined ? undefined : formatAddress(link.address),
    mtu_bytes: link.mtuBytes,
    frames_in: link.framesIn,
    frames_out: link.framesOut,
    bytes_in: link.bytesIn,
    bytes_out: link.bytesOut,
    dropped: link.dropped,
  };
}

function espStatus(state: RouterState): StatusReport["esp"] {
  const counted = { total: 0, capacity: state.config.limits.espItemsMax, established: 0, outstanding: 0, waiting: 0 };
  state.esp.forEach((record) => {
    const phase = state.esp.records.phase(record);
    counted.total += 1;
    if (phase === Phase.Established) counted.established += 1;
    else if (phase === Phase.Outstanding) counted.outstanding += 1;
    else counted.waiting += 1;
  });
  return counted;
}

export function statusReport(state: RouterState): StatusReport {
  const { compiler, flows, restored, lastReload } = state;
  return {
    version: VERSION,
    uptime_ms: state.nowMs() - state.startedMs,
    scope: state.config.scope,
    configuration: state.configPath,
    notes: readNotes(state.configPath),
    lan: linkStatus(state.lan()),
    wan: linkStatus(state.wan()),
    kernel_rules: state.kernelRules(),
    offload: state.offload(),
    esp: espStatus(state),
    ike: { total: state.ike.count(), capacity: state.config.limits.ikeItemsMax },
    flows: flows && { tcp: flows.tcp.count(), udp: flows.udp.count(), icmp: flows.icmp.count() },
    fragmented_datagrams: state.fragmentedDatagrams(),
    held_packets: state.heldPackets(),
    restored: {
      source: restored.source,
      esp: restored.espItems,
      ike: restored.ikeSessions,
      notes: restored.notes,
    },
    reload: reloadItem(lastReload, state.nowMs()),
    compiler: { compiled: compiler.compiled, aborts: compiler.aborts, flushes: compiler.flushes },
    resident_bytes: residentBytes() ?? 0,
  };
}
