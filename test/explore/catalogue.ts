// SPDX-License-Identifier: GPL-2.0-only
// The worlds that are explored: what is protected how, what may go wrong, and which dead states there must and must not
// be. Those without protection must show the races, or the exploration proves nothing about the others.

import type { Cause } from "./blame";
import type { Rules } from "./world";

export interface Subject {
  readonly name: string;
  readonly explanation: string;
  readonly rules: Omit<Rules, "clients" | "epochs">;
  /** Causes of dead states that must be found, or the exploration proves nothing. */
  readonly expected: readonly Cause[];
  /** Causes that may be found as well, in larger worlds; all others must not. */
  readonly possible: readonly Cause[];
}

const NOTHING_WRONG = {
  serverFirst: false,
  lateAnswers: false,
  collision: false,
  waits: 0,
  silences: 0,
  restarts: 0,
  crashes: 0,
  renewsOnSilence: false,
} as const;

const VMA_CLIENT = {
  ...NOTHING_WRONG,
  algorithm: "vpnmasq",
  serverFirst: true,
  lateAnswers: true,
  renewsOnSilence: true,
} as const;

export const catalogue: readonly Subject[] = [
  {
    name: "published",
    explanation: "VPN Masquerade as published, a server that speaks first, waits.",
    rules: { ...NOTHING_WRONG, algorithm: "published", serverFirst: true, lateAnswers: true, waits: 1 },
    expected: ["race 1", "race 2", "race 3"],
    possible: ["own epochs"],
  },
  {
    name: "published-silence",
    explanation: "The same with a long silence.",
    rules: { ...NOTHING_WRONG, algorithm: "published", silences: 1 },
    expected: ["race 3", "race 4"],
    possible: ["own epochs"],
  },
  {
    name: "published-collision",
    explanation: "The same with two clients that chose one incoming SPI.",
    rules: { ...NOTHING_WRONG, algorithm: "published", collision: true },
    expected: ["collision"],
    possible: ["race 3", "own epochs"],
  },
  {
    name: "published-crash",
    explanation: "The same with a router that loses its table.",
    rules: { ...NOTHING_WRONG, algorithm: "published", crashes: 1 },
    expected: ["crash"],
    possible: ["race 3", "own epochs"],
  },
  {
    name: "router",
    explanation: "vpnmasq at the router, peers that wait (VMA), waits.",
    rules: { ...NOTHING_WRONG, algorithm: "vpnmasq", waits: 2 },
    expected: ["race 3"],
    possible: ["own epochs"],
  },
  {
    name: "router-silence",
    explanation: "The same with a long silence and a restart with a snapshot.",
    rules: { ...NOTHING_WRONG, algorithm: "vpnmasq", silences: 1, restarts: 1 },
    expected: ["race 3", "race 4"],
    possible: ["own epochs"],
  },
  {
    name: "router-collision",
    explanation: "The same with two clients that chose one incoming SPI.",
    rules: { ...NOTHING_WRONG, algorithm: "vpnmasq", collision: true },
    expected: [],
    possible: [],
  },
  {
    name: "router-crash",
    explanation: "The same with a router that loses its table.",
    rules: { ...NOTHING_WRONG, algorithm: "vpnmasq", crashes: 1 },
    expected: [],
    possible: ["crash", "own epochs"],
  },
  {
    name: "router-alone",
    explanation: "vpnmasq at the router, a server that speaks first, answers that come late.",
    rules: { ...NOTHING_WRONG, algorithm: "vpnmasq", serverFirst: true, lateAnswers: true, waits: 1 },
    expected: ["race 2", "race 3"],
    possible: ["race 1", "own epochs"],
  },
  {
    name: "client",
    explanation: "The same with clients that renew on silence (VMA), and a restart with a snapshot.",
    rules: { ...VMA_CLIENT, waits: 1, restarts: 1 },
    expected: [],
    possible: [],
  },
  {
    name: "client-silence",
    explanation: "The same with a long silence.",
    rules: { ...VMA_CLIENT, silences: 1 },
    expected: [],
    possible: [],
  },
  {
    name: "client-collision",
    explanation: "The same with two clients that chose one incoming SPI.",
    rules: { ...VMA_CLIENT, collision: true, waits: 1 },
    expected: [],
    possible: [],
  },
  {
    name: "client-crash",
    explanation: "The same with a router that loses its table.",
    rules: { ...VMA_CLIENT, crashes: 1, waits: 1 },
    expected: [],
    possible: [],
  },
];
