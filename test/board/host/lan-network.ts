// SPDX-License-Identifier: GPL-2.0-only
// A network namespace of this machine as what is plugged into the board's LAN port: a client that takes a lease, pings,
// fetches, and serves files to the board.
//
// QEMU runs in the same namespace. Its user network on the WAN port answers as 10.0.2.2, and what is sent to a port of
// that address arrives at this namespace's loopback: so a client can reach a server through the board and nowhere else.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { runProgram } from "../../../src/host/run-program.js";
import { DYING_WITH_US, makeRunNamespace, type Trace } from "../../../src/host/run-traces.js";
import type { TapLink } from "../../../src/host/emulator/links.js";

/** The WAN's own address, as QEMU's user network has it. */
export const WAN_GATEWAY = "10.0.2.2";
export const SERVER_PORT = 8080;
/** The board's on its LAN, as the image has it (firmware/image/root/etc/board.conf), and one that it gives to nobody. */
export const ROUTER_ADDRESS = "192.168.1.1";
export const CLIENT_ADDRESS = "192.168.1.50/24";
const TAP = "lan";
const LEASE_SCRIPT = "test/board/take-lease.sh";
const FILE_SERVER = "build/host/test/board/host/file-server.js";

/** One LAN with one client. */
export class LanNetwork {
  readonly link: TapLink = { kind: "tap", name: TAP };
  private server: ChildProcess | undefined;

  private constructor(private readonly place: Trace) {}

  get namespace(): string {
    return this.place.name;
  }

  /** @param folder whose files the client serves to the board, and to itself through the board */
  static async open(folder: string): Promise<LanNetwork> {
    const network = new LanNetwork(await makeRunNamespace("board"));
    try {
      await network.run("ip", "link", "set", "lo", "up");
      await network.run("ip", "tuntap", "add", "dev", TAP, "mode", "tap");
      await network.run("ip", "link", "set", TAP, "up");
      const program = [...DYING_WITH_US, process.execPath, FILE_SERVER, path.resolve(folder), String(SERVER_PORT)];
      const server = spawn("ip", ["netns", "exec", network.namespace, ...program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      network.server = server;
      await once(server.stdout, "data"); // it says that it listens
      return network;
    } catch (problem) {
      network.close();
      throw problem;
    }
  }

  /** Runs a program as the client does. @returns its output @throws Refusal when it fails */
  run(...command: readonly string[]): Promise<string> {
    return runProgram("ip", ["netns", "exec", this.namespace, ...command]);
  }

  /** Takes a lease from the board. @returns the client's address */
  async takeLease(): Promise<string> {
    await this.run("ip", "address", "flush", "dev", TAP);
    const words = ["-i", TAP, "-n", "-q", "-t", "10", "-T", "1", "-s", path.resolve(LEASE_SCRIPT)];
    await this.run("udhcpc", ...words);
    const shown = await this.run("ip", "-4", "-o", "address", "show", "dev", TAP);
    const address = /inet (\S+)\//.exec(shown)?.[1];
    if (address === undefined) throw new Error(`the lease brought no address: ${shown}`);
    return address;
  }

  /** The text at a URL, as the client gets it. */
  fetchText(url: string): Promise<string> {
    const program = "const reply = await fetch(process.argv[1]); process.stdout.write(await reply.text());";
    return this.run(process.execPath, "--input-type=module", "-e", program, url);
  }

  close(): void {
    this.server?.kill("SIGKILL");
    this.place.remove();
  }
}
