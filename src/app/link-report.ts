// SPDX-License-Identifier: GPL-2.0-only
// What one of the router's interfaces shows of itself.

import type { Side } from "../forwarding/side";
import type { Link } from "../system/rtnetlink";

/** One of the router's two interfaces. */
export interface LinkReport {
  readonly name: string;
  readonly isPresent: boolean;
  readonly isUp: boolean;
  /** A word; undefined while the interface has none. */
  readonly address: number | undefined;
  readonly mtuBytes: number;
  /** Counted since the router started. */
  readonly framesIn: number;
  readonly framesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Frames the kernel or the driver had no room for, both ways. */
  readonly dropped: number;
}

/** @param link undefined while there is no such interface; @param side undefined while it is not in use */
export function linkReport(name: string, link: Link | undefined, side: Side | undefined, address?: number): LinkReport {
  const statistics = side?.ring.statistics();
  return {
    name,
    isPresent: link !== undefined,
    isUp: link?.isUp === true && link.isRunning,
    address,
    mtuBytes: link?.mtuBytes ?? 0,
    framesIn: side?.framesIn ?? 0,
    framesOut: side?.framesOut ?? 0,
    bytesIn: side?.bytesIn ?? 0,
    bytesOut: side?.bytesOut ?? 0,
    dropped: statistics === undefined ? 0 : statistics.receiveDrops + statistics.sendDrops + statistics.sendErrors,
  };
}

/** What there is to say of an interface that came, went or changed. */
export function linkNews(name: string, link: Link | undefined): string {
  if (link === undefined) return `${name}: there is no such interface; waiting for it`;
  if (!link.isUp) return `${name}: the interface is down; waiting for it (ip link set ${name} up)`;
  return `${name}: in use, MTU ${link.mtuBytes}`;
}
