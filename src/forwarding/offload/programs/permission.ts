// SPDX-License-Identifier: GPL-2.0-only
// Whether a packet with an entry may leave now: the daemon lives, the next hop can be used, and the packet fits its link.

import { add, call, jumpIf, load, loadFirstValue, loadMap, move, type Step, store } from "../instruction";
import { entry, hop, lease } from "../layout";
import { type Environment, held, ROW_KEY } from "./environment";

/** The next hop, if it can be used and its link takes packets of this length; else up. */
function usableHop({ maps }: Environment): Step[] {
  return [
    load("r1", held.entry, entry.hop),
    store("r10", ROW_KEY, "r1"),
    loadMap("r1", maps.hops),
    move("r2", "r10"),
    add("r2", ROW_KEY.at),
    call("lookUp"),
    jumpIf("r0", "==", 0, "up"),
    load("r1", "r0", hop.mtuBytes),
    jumpIf(held.lengthBytes, ">", "r1", "up"),
    move(held.hop, "r0"),
  ];
}

/** Leaves the time in r0. */
function livingDaemon({ maps }: Environment): Step[] {
  return [
    call("coarseTime"),
    loadFirstValue("r1", maps.lease),
    load("r1", "r1", lease.untilNs),
    jumpIf("r0", ">", "r1", "up"),
  ];
}

/** Puts the next hop into its register and the time into r0; up when something stands in the way. */
export function permission(environment: Environment): Step[] {
  return [...usableHop(environment), ...livingDaemon(environment)];
}
