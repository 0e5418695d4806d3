// SPDX-License-Identifier: GPL-2.0-only
// What must hold of the IKE tracker after any message at all.

import type { IkeTracker } from "../../src/masquerade/ike";
import type { Limits } from "../../src/masquerade/limits";
import { demand } from "./target";

/** Throws when the tracker contradicts itself or has passed a limit. */
export function auditIke(ike: IkeTracker, limits: Limits): void {
  const ofClient = new LuaMap<number, number>();
  let sessions = 0;
  ike.forEach((session) => {
    const { client, phase, responderHigh, responderLow } = session;
    sessions += 1;
    ofClient.set(client, (ofClient.get(client) ?? 0) + 1);
    const hasResponder = responderHigh !== 0 || responderLow !== 0;
    demand((phase === "established") === hasResponder, "established means that both cookies are known");
  });
  demand(sessions === ike.count(), "the count of IKE sessions is wrong");
  demand(sessions <= limits.ikeItemsMax, "too many IKE sessions");
  for (const [, count] of ofClient) {
    demand(count <= limits.ikeItemsPerClientMax, "too many IKE sessions of one client");
  }
}
