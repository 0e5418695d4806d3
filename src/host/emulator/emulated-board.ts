// SPDX-License-Identifier: GPL-2.0-only
// QEMU as a board: a power switch, a reset line, a serial console, two network ports.
//
// Nothing may stay behind: QEMU dies with this process, and its sockets lie in a folder that is removed when the power goes
// off (../run-traces.ts).

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readBoard } from "../board/catalogue.js";
import { ConsoleLink } from "../console/link.js";
import { Refusal } from "../refusal.js";
import { atEndOfRun, DYING_WITH_US, makeRunFolder, type Trace } from "../run-traces.js";
import { type BoardStorage, EMULATED_BOARD } from "./disk.js";
import { type NetworkLink, portWords } from "./links.js";
import { MachineMonitor } from "./machine-monitor.js";

const MEBIBYTE = 1024 * 1024;
/** QEMU opens its sockets at once; a busy machine may take seconds to start it. */
const START_LIMIT_MS = 20_000;
const START_LOOK_MS = 20;
/** Of the locally administered ones (IEEE 802). */
const LAN_HARDWARE_ADDRESS = "52:54:00:76:6d:01";
const WAN_HARDWARE_ADDRESS = "52:54:00:76:6d:02";

export interface Wiring {
  readonly lan: NetworkLink;
  readonly wan: NetworkLink;
  /** The network namespace with the tap interfaces, as `ip netns` knows it. */
  readonly namespace?: string;
}

function machineWords(storage: BoardStorage, { lan, wan }: Wiring, folder: string): string[] {
  const socket = (name: string): string => `socket,id=${name},path=${path.join(folder, name)},server=on`;
  return [
    ...[
      "-machine",
      "virt",
      "-cpu",
      "cortex-a53",
      "-m",
      String(readBoard(EMULATED_BOARD).ramBytes / MEBIBYTE),
      "-nodefaults",
      "-display",
      "none",
    ],
    ...["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${storage.bootFlash}`],
    ...["-drive", `if=none,id=emmc,format=raw,file=${storage.emmc}`, "-device", "virtio-blk-pci,drive=emmc"],
    // It waits for us, so that nothing that the board says is lost.
    ...["-chardev", `${socket("console")},wait=on`, "-serial", "chardev:console"],
    ...["-chardev", `${socket("monitor")},wait=off`, "-mon", "chardev=monitor,mode=control"],
    ...portWords("lan", LAN_HARDWARE_ADDRESS, lan),
    ...portWords("wan", WAN_HARDWARE_ADDRESS, wan),
  ];
}

/** Connects as soon as QEMU listens. */
async function connect(file: string, child: ChildProcess, complaints: () => string): Promise<net.Socket> {
  const endMs = performance.now() + START_LIMIT_MS;
  while (performance.now() < endMs && child.exitCode === null && child.signalCode === null) {
    if (fs.existsSync(file)) {
      const socket = net.connect(file);
      // Its file is there a moment before it listens.
      const isConnected = await once(socket, "connect").then(
        () => true,
        () => false,
      );
      if (isConnected) return socket;
    }
    await sleep(START_LOOK_MS);
  }
  throw new Refusal(`The emulator did not start: ${complaints().trim()}`);
}

/** A board under power. */
export class EmulatedBoard {
  readonly console: ConsoleLink;
  /** How often it was reset, from outside or by itself. */
  resets = 0;
  private readonly child: ChildProcess;
  private readonly folder: Trace;
  private readonly monitor: MachineMonitor;
  private readonly forget: () => void;

  private constructor(child: ChildProcess, folder: Trace, console: net.Socket, monitor: net.Socket) {
    this.child = child;
    this.folder = folder;
    this.console = new ConsoleLink(console);
    this.monitor = new MachineMonitor(monitor, (name) => {
      if (name === "RESET") this.resets += 1;
    });
    this.forget = atEndOfRun(() => {
      this.endNow();
    });
  }

  /**
   * Switches the power on.
   * @throws Refusal when QEMU does not start: it says why
   */
  static async powerOn(storage: BoardStorage, wiring: Wiring): Promise<EmulatedBoard> {
    const folder = makeRunFolder("board");
    const inNamespace = wiring.namespace === undefined ? [] : ["ip", "netns", "exec", wiring.namespace];
    const qemu = ["qemu-system-aarch64", ...machineWords(storage, wiring, folder.name)];
    const [program, ...others] = [...DYING_WITH_US, ...inNamespace, ...qemu];
    const child = spawn(program, others, { stdio: ["ignore", "ignore", "pipe"], detached: true });
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    child.once("error", (problem) => (complaints += problem.message));
    try {
      const console = await connect(path.join(folder.name, "console"), child, () => complaints);
      const monitor = await connect(path.join(folder.name, "monitor"), child, () => complaints);
      const board = new EmulatedBoard(child, folder, console, monitor);
      await board.monitor.execute("qmp_capabilities");
      return board;
    } catch (problem) {
      child.kill("SIGKILL");
      folder.remove();
      throw problem;
    }
  }

  /** Pulls the reset line. The memory keeps what is in it. */
  async reset(): Promise<void> {
    await this.monitor.execute("system_reset");
  }

  /** Holds the processor and its clocks where they are, until {@link thaw}: a board that takes its time. */
  async freeze(): Promise<void> {
    await this.monitor.execute("stop");
  }

  async thaw(): Promise<void> {
    await this.monitor.execute("cont");
  }

  /** Pulls the plug, in whatever the board is doing. */
  async cutPower(): Promise<void> {
    const hasEnded = this.child.exitCode !== null || this.child.signalCode !== null;
    const ended = hasEnded ? Promise.resolve() : once(this.child, "exit");
    this.endNow();
    await ended;
  }

  /** As {@link cutPower}, for when nobody can wait. */
  endNow(): void {
    this.child.kill("SIGKILL");
    this.console.close();
    this.folder.remove();
    this.forget();
  }
}
