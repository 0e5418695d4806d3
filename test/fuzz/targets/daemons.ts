// SPDX-License-Identifier: GPL-2.0-only
// What the IKE daemons print, of any version and cut anywhere: connections are read from it, or it is passed over.
//
// Parts of it are a peer's choice: its identity stands among the daemon's own words.

import type { IkeConnection } from "../../../src/watchdog/ike-daemon";
import { readStatus } from "../../../src/watchdog/libreswan-status";
import { readLists } from "../../../src/watchdog/strongswan-list";
import * as captures from "../../spec/watchdog/ike-captures";
import { textOf } from "../input";
import { demand, type Reached, type Target } from "../target";

const WORD_LEAST = -(2 ** 31);
const WORD_MOST = 2 ** 31 - 1;

function isWord(value: number): boolean {
  return value >= WORD_LEAST && value <= WORD_MOST && Math.floor(value) === value;
}

function isDuration(value: number): boolean {
  return value >= 0 && value < Infinity;
}

function check({ name, state, ikeVersion, epochs, timers }: IkeConnection, reached: Reached): void {
  demand((state === "up") === epochs.length > 0, `${name} is ${state} with ${epochs.length} epochs`);
  demand(ikeVersion === undefined || ikeVersion === 1 || ikeVersion === 2, `${name} has IKE version ${ikeVersion}`);
  for (const { outSpi, inSpi } of epochs) demand(isWord(outSpi) && isWord(inSpi), `${name} has an SPI that is no word`);
  if (timers !== undefined) {
    const isSound = isDuration(timers.keylifeMs) && isDuration(timers.marginMs) && isDuration(timers.fuzz);
    demand(isSound, `${name} has timers that are no times`);
  }
  reached.note(`${state} ${ikeVersion ?? "?"} ${Math.min(epochs.length, 3)} ${tostring(timers !== undefined)}`);
}

function checkAll(daemon: string, connections: readonly IkeConnection[], reached: Reached): void {
  const names = new LuaSet<string>();
  for (const connection of connections) {
    demand(!names.has(connection.name), `${connection.name} is listed twice`);
    names.add(connection.name);
    check(connection, reached);
  }
  reached.note(`${daemon}: ${Math.min(connections.length, 4)}`);
}

export const daemons: Target = {
  name: "daemons",
  explanation: "What libreswan and strongSwan print of their connections: read within bounds, or passed over.",
  seeds: () => Object.values(captures),
  tokens: ["\n000 #", '"office-1"', " esp.", "@", "STATE_V2_", "STATE_QUICK_", "; EXPIRE in ", "RETRANSMIT", "list-sa event {",
    "child-sas {", "children {", "state=INSTALLED", "spi-in=", "spi-out=", "version=", "} ", "=[", "]", "ipsec_life: "], // prettier-ignore
  execute: (input, reached) => {
    const text = textOf(input);
    checkAll("libreswan", readStatus(text), reached);
    checkAll("strongSwan", readLists(text), reached);
  },
};
