// SPDX-License-Identifier: GPL-2.0-only
// vpnmasq in a network namespace of the guest.
//
// vpnmasq normally keeps the kernel off its packets by an nftables table. User-Mode Linux has no nftables for IPv4, so
// the lab sets equivalent rules by iptables and tells vpnmasq so (`kernel_rules: none`): the raw table drops what the
// router takes, after the packet sockets have seen it.

import { json } from "./json";
import { becomesReady } from "./readiness";
import type { Router, RouterSettings } from "./router";
import { type Daemon, killNow, must, readText, run, spawn, stop, writeText } from "./shell";
import { SIGTERM } from "./libc";
import { LAN_INTERFACE, ROUTER, WAN_INTERFACE } from "./topology";

const FOLDER = "/lab/build";
const PROGRAM = `${FOLDER}/vpnmasq`;
/** What an upgrade brings; the launcher stays the same. */
const FILES = ["vpnmasq.lua", "vpnmasq-offload.lua", "vpnmasq-rest.lua"];
const STOP_TIMEOUT_MS = 3000;

/** What the kernel is not to answer, forward or reassemble beside vpnmasq. */
const KERNEL_RULES = `*raw
-A PREROUTING -p esp -j DROP
-A PREROUTING -p udp --dport 500 -j DROP
-A PREROUTING -p udp --sport 500 -j DROP
-A PREROUTING -p udp -f -j DROP
COMMIT`;

/** Its files are its own, so that several can be in one guest. */
class NamespaceRouter implements Router {
  private readonly stateDirectory: string;
  private readonly control: string;
  private readonly configuration: string;
  private readonly logFile: string;
  private process: Daemon;

  constructor(
    settings: RouterSettings,
    private readonly node: string,
  ) {
    this.stateDirectory = `/run/vpnmasq-${node}`;
    this.control = `${this.stateDirectory}/control.sock`;
    this.configuration = `/run/vpnmasq-${node}.json`;
    this.logFile = `/run/vpnmasq-${node}.log`;
    const configuration = {
      lan: LAN_INTERFACE,
      wan: WAN_INTERFACE,
      scope: "vpn",
      kernel_rules: "none",
      control: this.control,
      state_directory: this.stateDirectory,
      ...settings,
    };
    this.wipeSnapshot();
    must(`ip netns exec ${node} iptables-legacy-restore`, KERNEL_RULES);
    writeText(this.configuration, json.encode(configuration));
    this.process = this.start();
  }

  kill(): void {
    killNow(this.process);
  }

  crash(): void {
    this.kill();
  }

  wipeSnapshot(): void {
    must(`rm -rf ${this.stateDirectory} && mkdir -p ${this.stateDirectory}`);
  }

  restart(): void {
    this.process = this.start();
  }

  upgrade(): void {
    this.stop();
    for (const file of FILES) replaceFile(`${FOLDER}/${file}`);
    this.restart();
  }

  stop(): void {
    stop(this.process, SIGTERM, STOP_TIMEOUT_MS);
  }

  ask(command: string): string {
    return run(`${PROGRAM} ${command} --control ${this.control}`).output;
  }

  log(): string {
    return readText(this.logFile);
  }

  private start(): Daemon {
    const argv = ["ip", "netns", "exec", this.node, PROGRAM, "router", "--config", this.configuration];
    const process = spawn(argv, this.logFile);
    if (!becomesReady(process, this.control, "status")) error(`vpnmasq did not start:\n${this.log()}`, 0);
    return process;
  }
}

/** Writes a file anew; it takes the old one's place when it is whole. */
function replaceFile(name: string): void {
  writeText(`${name}.new`, readText(name));
  os.rename(`${name}.new`, name);
}

/** Starts vpnmasq in a router's namespace and waits until it answers on its control socket. */
export function startNamespaceRouter(settings: RouterSettings, node = ROUTER): Router {
  return new NamespaceRouter(settings, node);
}
