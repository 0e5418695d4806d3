// SPDX-License-Identifier: GPL-2.0-only
// Packets that the host discarded while data of some tunnel was held: what the kernel tells of a hold queue that was full.
//
// A full queue has no counter of its own, and none of /proc/net/xfrm_stat moves. The packet's sender gets EAGAIN, and of
// packets that this host sends by UDP, ICMP and the like, IP counts that as discarded on output (OutDiscards, RFC 4293
// ipIfStatsOutDiscards). TCP keeps its packet and sends it again; forwarded packets are lost without a trace. So the
// figure is the whole host's, for whatever cause, and no tunnel's.

import { readFile } from "../system/files";

const SNMP_BYTES_MAX = 16_384;

/** The host's own way to read the counter; undefined when it cannot be read. */
export function readOutDiscards(): number | undefined {
  const [text] = readFile("/proc/net/snmp", SNMP_BYTES_MAX);
  return text === undefined ? undefined : outDiscardsOf(text);
}

/** @param snmp /proc/net/snmp: of each protocol a line of names and a line of numbers */
export function outDiscardsOf(snmp: string): number | undefined {
  const [names, numbers] = string.match(snmp, "Ip: (%a[^\n]*)\nIp: (%d[^\n]*)");
  if (names === undefined || numbers === undefined) return undefined;
  const index = names.split(" ").indexOf("OutDiscards");
  return index < 0 ? undefined : tonumber(numbers.split(" ")[index]);
}

export class HoldLoss {
  /** In all times in which data was held. */
  discarded = 0;
  private last: number | undefined;

  constructor(private readonly read: (this: void) => number | undefined = readOutDiscards) {}

  /** To be called when holding may have begun or ended, and a few times a second. */
  tick(isHolding: boolean): void {
    if (!isHolding && this.last === undefined) return;
    const now = this.read();
    if (this.last !== undefined && now !== undefined) this.discarded += Math.max(0, now - this.last);
    this.last = isHolding ? now : undefined;
  }
}
