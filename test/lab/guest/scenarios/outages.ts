// SPDX-License-Identifier: GPL-2.0-only
// Outages that the router cannot mend, or not alone: its memory is lost, its address changes, another router takes
// over, the server restarts. Every client talks to the server and the server to every client all the time.

import { hasBoard } from "../board-cables";
import { disturbanceScenario } from "../disturbance";
import { restartServer } from "../libreswan";
import { isLong } from "../long-run";
import { startNamespaceRouter } from "../namespace-router";
import { addSecondRouter, changeWanAddress, moveToSecondRouter, SECOND_ROUTER } from "../topology";
import {
  ALL_OURS,
  WITH_NAT_LOSS_WATCH,
  type WatchedLab,
  WITHOUT,
  withIkeV1,
  WITHOUT_NAT_LOSS_WATCH,
} from "../watched-lab";
import type { WatchSettings } from "../watchdogs";

const NEW_ADDRESS = "203.0.113.77";
const CLIENTS = 3;
const PATTERN = { intervalMs: 50, isPushing: true };
/** The server's reboot, or its daemon's. */
const SERVER_AWAY_MS = 2000;

const HASTY_ROUTER = { limits: { esp_outstanding_ms: 400 } };

/** A short row of pings: who shares a router that answers within milliseconds need not be patient with it. */
const HASTY_ENDPOINT: WatchSettings = {
  timers: {
    max_idle_ms: 500,
    ping_time_min_ms: 100,
    ping_time_max_ms: 200,
    ping_tries: 3,
    rekey_ms: 2000,
    negotiation_ms: 10_000,
  },
  network: { nat_outstanding_ms: 400, other_tunnels: 1 },
};

/** What a fresh installation has, at the router too. */
const STANDARD_ENDPOINT: WatchSettings = { timers: {}, network: {} };

const PLAIN = {
  clientCount: CLIENTS,
  endpoint: HASTY_ENDPOINT,
  router: HASTY_ROUTER,
} as const;

function loseMemory(lab: WatchedLab): number {
  lab.timeLine.mark(hasBoard() ? "the board's power is cut" : "the router is killed, its table and snapshot are gone");
  lab.router.crash();
  lab.router.wipeSnapshot();
  lab.router.restart();
  return lab.timeLine.mark("the router is back");
}

export const natCrash = disturbanceScenario({
  name: "nat-crash",
  explanation:
    "Ten clients; the router is killed, or a board loses its power, and its table and snapshot are gone. As published, tunnels are bound to one another's answers; vpnmasq learns most of them anew, and the watchdogs, with standard timers, rekey the others. With --long with IKEv1 too.",
  isForBoards: true,
  circumstances: { clientCount: 10, endpoint: STANDARD_ENDPOINT },
  pattern: PATTERN,
  runs: isLong() ? [WITHOUT, ALL_OURS, withIkeV1(ALL_OURS)] : [WITHOUT, ALL_OURS],
  strike: loseMemory,
  watchMs: 6000,
  // A board is away for longer than a watchdog waits for a rekey, so some have ordered a new session before it is back.
  bounds: { longestMs: 3000, medianMs: 1000, ...(hasBoard() ? {} : { mostNewSessions: 0 }) },
  leastDeadWithout: 1,
});

export const natMoved = disturbanceScenario({
  name: "nat-moved",
  explanation:
    "The router's public address changes: the server sends to the old one, so every client needs a new IKE session, and its watchdog starts it.",
  circumstances: PLAIN,
  pattern: PATTERN,
  runs: [WITHOUT, ALL_OURS, withIkeV1(ALL_OURS)],
  strike: ({ timeLine }) => {
    changeWanAddress(NEW_ADDRESS);
    return timeLine.mark(`the public address is ${NEW_ADDRESS} from now on`);
  },
  watchMs: 9000,
  bounds: { longestMs: 5000, isNegotiationExtra: true },
  leastDeadWithout: CLIENTS,
});

export const natFailover = disturbanceScenario({
  name: "nat-failover",
  explanation:
    "The clients' gateway fails over to a second router with another provider: the server answers to the first, so every client needs a new IKE session.",
  circumstances: { ...PLAIN, arrange: addSecondRouter },
  pattern: PATTERN,
  runs: [WITHOUT, ALL_OURS, withIkeV1(ALL_OURS)],
  strike: (lab) => {
    lab.router.kill();
    lab.timeLine.mark("the first router is dead");
    lab.router = startNamespaceRouter(lab.routerSettings, SECOND_ROUTER);
    moveToSecondRouter(lab.topology);
    return lab.timeLine.mark("the clients use the second router from now on");
  },
  watchMs: 9000,
  bounds: { longestMs: 5000, isNegotiationExtra: true },
  leastDeadWithout: CLIENTS,
});

export const serverRestarted = disturbanceScenario({
  name: "server-restarted",
  explanation:
    "The server restarts and knows no tunnel any more: the clients' watchdogs start new IKE sessions, and nobody waits for dead peer detection.",
  circumstances: PLAIN,
  pattern: PATTERN,
  runs: [WITHOUT, ALL_OURS, withIkeV1(ALL_OURS)],
  strike: (lab) => {
    lab.timeLine.mark("the server goes down");
    restartServer(lab.ike, lab.topology.clients, lab.ikeOptions, SERVER_AWAY_MS);
    return lab.timeLine.mark("the server is back, without any SA");
  },
  watchMs: 9000,
  bounds: { longestMs: 5000, isNegotiationExtra: true },
  leastDeadWithout: CLIENTS,
});

/** Dead peer detection that gives up after six seconds, so that nobody has to wait for it. */
const DEAD_PEER_DELAY_S = 2;
/** The watch's patience (15 s), a probe and its timeout (8 s), a new session. */
const STOCK_RECOVERY_MS_MAX = 30_000;

export const stockClient = disturbanceScenario({
  name: "stock-client",
  explanation:
    "Ten clients with nothing but dead peer detection, and the router loses its memory: for those that it does not learn anew, IKE passes and the peer looks alive. The router stops the IKE sessions of tunnels that lost their way back, and the clients start new ones. Takes two minutes.",
  circumstances: { ...PLAIN, clientCount: 10, ike: { deadPeerDelayS: DEAD_PEER_DELAY_S } },
  pattern: PATTERN,
  runs: [WITHOUT_NAT_LOSS_WATCH, WITH_NAT_LOSS_WATCH],
  strike: loseMemory,
  watchMs: 35_000,
  watchUnprotectedMs: 20_000,
  bounds: { longestMs: STOCK_RECOVERY_MS_MAX },
  leastDeadWithout: 1,
});
