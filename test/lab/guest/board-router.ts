// SPDX-License-Identifier: GPL-2.0-only
// vpnmasq on a board outside of the guest: its LAN and its WAN port are plugged in here, its console and its power switch
// are at the program that runs the guest.

import { nowMs } from "./clock";
import { orderHost } from "./host-order";
import type { Router, RouterSettings } from "./router";
import { run } from "./shell";
import { INTERNET_ADDRESS } from "./topology";

/** An emulated board takes 12 s from power on to the first packet on an idle machine, and a busy one several times that. */
const ROUTES_TIMEOUT_S = 120;
const BETWEEN_PINGS_S = 0.1;

export class BoardRouter implements Router {
  private hasPower = true;

  constructor(settings: RouterSettings) {
    orderHost("configure", { settings });
    this.awaitFirstPacket();
  }

  kill(): void {
    orderHost("kill");
  }

  crash(): void {
    orderHost("cut-power");
    this.hasPower = false;
  }

  /** Of a board without power nothing is left: here its snapshot lies in its memory only. */
  wipeSnapshot(): void {
    if (this.hasPower) orderHost("wipe-snapshot");
  }

  restart(): void {
    orderHost(this.hasPower ? "start" : "power-on");
    this.hasPower = true;
    this.awaitFirstPacket();
  }

  upgrade(): void {
    orderHost("upgrade");
    this.awaitFirstPacket();
  }

  /** The board goes on: the next experiment starts its router anew. */
  stop(): void {
    if (!this.hasPower) orderHost("power-on");
  }

  ask(command: string): string {
    return orderHost("ask", { command });
  }

  log(): string {
    return orderHost("log");
  }

  /** The board is back when it forwards: a client pings, outside of its tunnel, what is behind the router. */
  private awaitFirstPacket(): void {
    const endMs = nowMs() + ROUTES_TIMEOUT_S * 1000;
    // With a deadline, ping ends at the first answer; and when nobody answers for the board's address, at that.
    const words = `-q -i ${BETWEEN_PINGS_S} -c 1 -w ${ROUTES_TIMEOUT_S} ${INTERNET_ADDRESS}`;
    let ping = run(`ip netns exec client1 ping ${words}`);
    while (ping.status !== 0 && nowMs() < endMs) ping = run(`ip netns exec client1 ping ${words}`);
    if (ping.status !== 0) error(`the board does not forward:\n${ping.output}${this.log()}`, 0);
  }
}
