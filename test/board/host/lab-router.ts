// SPDX-License-Identifier: GPL-2.0-only
// The board as the lab's router: carries out what a scenario does to its router, over the board's console and with its
// power switch.

import fs from "node:fs";
import path from "node:path";
import { waitForShell } from "../../../src/host/flash/emulated.js";
import { IMAGE_SOURCES } from "../../../src/host/image/trees.js";
import type { GuestOrder, OutsideRouter } from "../../lab/host/outside-router.js";
import type { Bench } from "./bench.js";
import type { IpsecNetwork } from "./ipsec-network.js";

/** As test/lab/guest/topology.ts has them. */
const WAN_ADDRESS = "203.0.113.1/24";
const WAN_GATEWAY = "203.0.113.254";
const SERVICE = "/run/service/router";
const STATE = "/run/vpnmasq";
const LOG_LINES = 20;
/** Of the board: the package for a scenario that upgrades its router. */
export const UPGRADE_FILE = "/overlay/upgrade.ipk";

/** What the image has, but for the copy of the table in the flash: the lab asks what happens without it. */
function configuration(settings: object): string {
  const file = path.join(IMAGE_SOURCES, "root/etc/vpnmasq.json");
  const standard = JSON.parse(fs.readFileSync(file, "utf8")) as object;
  return JSON.stringify({ ...standard, flash_snapshot: null, ...settings });
}

export class LabRouter implements OutsideRouter {
  readonly namespace: string;
  readonly lanTap: string;
  readonly wanTap: string;
  /** Of the latest start. */
  private shell: Promise<void> = Promise.resolve();

  private constructor(
    private readonly bench: Bench,
    private readonly network: IpsecNetwork,
  ) {
    this.namespace = network.namespace;
    this.lanTap = network.lanTap;
    this.wanTap = network.wanTap;
  }

  /** Gives a running board the WAN address of the lab's router, and starts it with the lab at its ports. */
  static async plugIn(bench: Bench, network: IpsecNetwork): Promise<LabRouter> {
    const lines = [`s,^WAN_ADDRESS=.*,WAN_ADDRESS=${WAN_ADDRESS},`, `s,^WAN_GATEWAY=.*,WAN_GATEWAY=${WAN_GATEWAY},`];
    await bench.run(`sed -i '${lines.join(";")}' /etc/board.conf && sync`);
    const router = new LabRouter(bench, network);
    await router.powerOn();
    return router;
  }

  readonly obey = async (order: GuestOrder): Promise<string> => {
    switch (order.order) {
      case "power-on":
        return this.powerOn();
      case "cut-power":
        await this.bench.cutPower();
        return "";
      default:
        await this.shell;
        return this.bench.run(this.commandFor(order));
    }
  };

  /** The shell comes later than the first packet, so nobody waits for it here. */
  private async powerOn(): Promise<string> {
    const board = await this.bench.powerOnWith(this.network.wiring);
    this.shell = waitForShell(board.console);
    this.shell.catch(() => undefined); // told to who gives the next order
    return "";
  }

  private commandFor({ order, settings = {}, command = "" }: GuestOrder): string {
    // "once": runit does not start it again by itself.
    const kill = `sv once ${SERVICE} && sv kill ${SERVICE} && while sv status ${SERVICE} | grep -q ^run; do sleep 0.1; done`;
    // The shell may come before the services. To stop one that does not run yet is over at once; runsv carries it out later.
    const started = `until sv status ${SERVICE} | grep -q ^run; do sleep 0.1; done`;
    const wipe = `rm -rf ${STATE}`;
    const start = `sv up ${SERVICE}`;
    switch (order) {
      case "configure":
        return `echo '${configuration(settings)}' >/etc/vpnmasq.json && sync && ${started} && sv force-stop ${SERVICE} && ${wipe} && ${start}`;
      case "kill":
        return kill;
      case "wipe-snapshot":
        return wipe;
      case "start":
        return start;
      case "upgrade":
        return `board-package install ${UPGRADE_FILE}`;
      case "ask":
        return `vpnmasq ${command}`;
      case "log":
        return `sv status ${SERVICE}; tail -n ${LOG_LINES} /overlay/log/router/current /overlay/log/history; dmesg | tail -n ${LOG_LINES}`;
      default:
        throw new Error(`the board cannot "${order}"`);
    }
  }
}
