// SPDX-License-Identifier: GPL-2.0-only
// The lab drives the board: real libreswan clients at its LAN port, their server behind its WAN port, and the lab's own
// scenarios with the board as the router between them.

import assert from "node:assert/strict";
import { flashBoard } from "../../../src/host/flash/emulated.js";
import { boardImage } from "../../../src/host/image/board-image.js";
import type { OutsideRouter } from "../../lab/host/outside-router.js";
import { guestRoot } from "../../lab/host/root.js";
import { runGuest } from "../../lab/host/uml.js";
import { Bench } from "./bench.js";
import type { Check, Figures } from "./check.js";
import { IpsecNetwork } from "./ipsec-network.js";
import { LabRouter } from "./lab-router.js";

type Say = (text: string) => void;

/** Plugs a running board into the lab for as long as the work takes. The board has no power afterwards. */
async function withPluggedIn<Result>(bench: Bench, work: (router: OutsideRouter) => Promise<Result>): Promise<Result> {
  const network = await IpsecNetwork.open();
  try {
    return await work(await LabRouter.plugIn(bench, network));
  } finally {
    await bench.cutPower();
    network.close();
  }
}

/** Gives the work a board from the factory that was flashed and plugged into the lab. */
export async function withBoardRouter<Result>(
  say: Say,
  work: (router: OutsideRouter) => Promise<Result>,
): Promise<Result> {
  const bench = await Bench.open(await boardImage(say));
  try {
    say("flashing an emulated board");
    await flashBoard(await bench.powerOnForFlashing(), bench.image, () => undefined);
    return await withPluggedIn(bench, work);
  } finally {
    await bench.close();
  }
}

/** Runs a scenario of the lab with a board that was flashed as its router. @throws AssertionError when it is not ok */
export async function runThroughBoard(bench: Bench, scenario: string, say: Say): Promise<Figures> {
  const root = await guestRoot(say);
  const result = await withPluggedIn(bench, (router) => runGuest(root, { scenario, isLong: false, router }, say));
  await bench.powerOn();
  await bench.shell();
  if (!result.ok) for (const text of [...result.timeLines, ...result.exhibits]) say(text);
  assert.ok(result.ok, result.notes.join(" "));
  return Object.fromEntries(Object.entries(result.figures).map(([name, figure]) => [`${scenario}.${name}`, figure]));
}

function throughBoard(scenario: string, sentence: string): Check {
  return { sentence, run: (bench, say) => runThroughBoard(bench, scenario, say) };
}

export const IPSEC: readonly Check[] = [
  throughBoard(
    "two-clients",
    "two IPsec clients behind the board reach their server with native ESP, by IKEv2 and IKEv1",
  ),
  throughBoard(
    "nat-wiped",
    "a board whose router is killed and has lost its table learns both tunnels again from their packets",
  ),
  throughBoard(
    "nat-crash",
    "the tunnels of ten clients are back soon after a power cut of a board that keeps no table",
  ),
];
