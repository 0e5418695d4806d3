// SPDX-License-Identifier: GPL-2.0-only
// How long a tunnel may be dead once nothing disturbs it any more: what follows from the timers of its ends.

import { longestPingingMs } from "../../src/epoch/parameters";
import { DEFAULT_NAT_LOSS_LIMITS } from "../../src/watchdog/nat-loss";
import { type ClientPlan, clientParameters, type Scenario } from "./plan";

/** Climbs of the ladder that may fail by chance: an epoch's messages lost, an answer that came out of turn. */
const CLIMBS = 3;
/** The pauses between them, with their jitter: 5 s, 10 s (src/epoch/ladder.ts). */
const PAUSES_MS = 1.25 * (5000 + 10000);
/** A turn at the router: each other client may have one before, and start again behind. */
const TURN_MS = 1000;
/** A daemon's exchange that is not answered: six sends, the waits doubled from half a second; then its pause. */
const EXCHANGE_MS = 31500 + 2000;
/** The ladder's pause doubles during a long fault: it is at most as long as that was, with jitter. */
const PAUSE_SHARE = 1.25;

/**
 * What the router's watch for lost tunnels takes at most, when the public address changed and only dead peer detection
 * can notice: the rest after its last attempt, its patience, the client's next question, and the block.
 */
function blockBoundMs({ deadPeerMs = 0, repeatMostMs }: ClientPlan): number {
  const { restMs, patienceMs, blockMs } = DEFAULT_NAT_LOSS_LIMITS;
  return restMs + patienceMs + repeatMostMs + Math.min(blockMs, deadPeerMs + EXCHANGE_MS) + EXCHANGE_MS;
}

/**
 * @param faultMs how long the tunnel was dead before it could recover
 * @param hasMoved the public address is another than at first
 */
export function deadBoundMs(plan: ClientPlan, faultMs: number, hasMoved: boolean, scenario: Scenario): number {
  const turnsMs = 2 * TURN_MS * scenario.clients.length;
  if (plan.isClientWatched) {
    const parameters = clientParameters(plan);
    const { maxIdleMs, pingTimeMaxMs, probeTries, rekeyMs, negotiationMs } = parameters;
    const rowMs = longestPingingMs(parameters);
    const noticeMs = maxIdleMs + pingTimeMaxMs * probeTries;
    const climbMs = rekeyMs + rowMs + negotiationMs + rowMs + turnsMs;
    return noticeMs + CLIMBS * climbMs + PAUSES_MS + plan.repeatMostMs + PAUSE_SHARE * faultMs;
  }
  // Nobody looks: a wrong guess, or a dead IKE SA, shows when the daemon renews, and the first try may go wrong too.
  const renewalsMs = 2 * (plan.keylifeMs + EXCHANGE_MS) + plan.repeatMostMs + turnsMs;
  return hasMoved ? renewalsMs + blockBoundMs(plan) : renewalsMs;
}
