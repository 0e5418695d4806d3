// SPDX-License-Identifier: GPL-2.0-only
// What matters of two interfaces for the choice of a place, asked of the kernel.

import { takesRedirectedFrames } from "../../system/device-features";
import { queueingOf } from "../../system/queueing";
import { type Link, RouteSocket } from "../../system/rtnetlink";
import { LOOPBACK_INDEX } from "./handover";
import type { Surroundings } from "./places";

/** Disciplines that limit a rate, or share it by what somebody configured; all others serve whoever comes. */
const SHAPERS = ["cake", "cbq", "ets", "hfsc", "htb", "prio", "qfq", "tbf", "taprio"];

/** @param from packets come in by, @param to they leave by */
export function surroundings(from: Link, to: Link, links: readonly Link[]): Surroundings {
  return {
    takesRedirected: takesRedirectedFrames(to.index),
    hasVlans: links.some(({ vlanOf }) => vlanOf === from.index),
    hasLoopback: links.some(({ index, isUp }) => index === LOOPBACK_INDEX && isUp),
    hasIngressQueueing: queueingOf(from.index).includes("ingress"),
    shaper: queueingOf(to.index).find((kind) => SHAPERS.includes(kind)),
  };
}

/** Every link there is; none when the kernel does not tell. */
export function allLinks(): readonly Link[] {
  const [routes] = RouteSocket.open();
  const [links] = routes === undefined ? [undefined] : routes.links();
  routes?.close();
  return links ?? [];
}
