// SPDX-License-Identifier: GPL-2.0-only
// The program under faults: a router of a site with tunnels through it, started again when it ends, as procd does.
//
// Its clients and servers are plain ESP senders: a tunnel lives when its packets arrive both ways. The router itself
// runs with the rights that the init script leaves it, so every fault is met with those.

import { RULES_FAMILIES } from "../../src/forwarding/kernel-rules";
import { readFile } from "../../src/system/files";
import { modulo } from "../../src/wire/word";
import { BenchRouter, type RouterOptions } from "../bench/bench-router";
import type { Findings } from "../bench/findings";
import { must, run, sleepMs } from "../bench/programs";
import { ROUTER_WAN, Site } from "../bench/site";
import { Tunnels } from "../bench/tunnels";

const TUNNELS = 64;
const PACKET_BYTES = 100;
/** Epochs of one size are their own; sizes come again after so many, when what was sent with them is long forgotten. */
const SIZES = 1000;
/** What a router has in /proc/PID/fd at most: rings, sockets, the journal, connections that just ended. */
const DESCRIPTORS_SPREAD = 2;
const STATUS_BYTES_MAX = 16384;
/** As the package gives them (firmware/openwrt/files/etc/capabilities/vpnmasq.json). */
const RIGHTS = "setpriv --bounding-set -all,+net_admin,+net_raw --no-new-privs";
/** The kernel and the neighbours need a moment after a change of links. */
const SETTLE_MS = 300;

export class Patient {
  readonly site: Site;
  router: BenchRouter;
  tunnels: Tunnels;
  private descriptorsBefore = 0;
  private sizes = 0;

  constructor(
    name: string,
    private readonly options: RouterOptions = {},
  ) {
    this.site = new Site(name, "vpnmasq", TUNNELS);
    this.router = this.startRouter();
    this.tunnels = this.newTunnels();
    this.tunnels.establish();
    this.router.status();
    this.descriptorsBefore = this.descriptors();
  }

  /** The same configuration and journal, another process. */
  startAgain(): void {
    this.router = this.startRouter();
  }

  /** Tunnels that the router has never seen. */
  newTunnels(): Tunnels {
    this.sizes += 1;
    return new Tunnels(this.site, {
      count: TUNNELS,
      packetBytes: PACKET_BYTES + modulo(this.sizes, SIZES),
      wanAddress: ROUTER_WAN,
    });
  }

  /** Fails when a packet of any tunnel, either way, does not arrive. */
  demandTunnels(findings: Findings, when: string): void {
    sleepMs(SETTLE_MS);
    const [alive, problem] = pcall(() => {
      this.tunnels.establish();
    });
    if (!alive) findings.fail(`${when}: ${tostring(problem)}`);
  }

  /** Fails when the process has ended. */
  demandAlive(findings: Findings, when: string): void {
    if (!this.isAlive()) findings.fail(`${when}: the router has ended:\n${this.router.logText()}`);
  }

  isAlive(): boolean {
    const [state] = string.match(this.procText("stat"), "%) (%a)");
    return state !== undefined && state !== "Z";
  }

  /** Fails when the process holds more than at its start, or left anything behind. */
  demandNothingLeaked(findings: Findings, when: string): void {
    const descriptors = this.descriptors();
    if (descriptors > this.descriptorsBefore + DESCRIPTORS_SPREAD) {
      findings.fail(`${when}: ${descriptors} descriptors, ${this.descriptorsBefore} at the start`);
    }
    const tables = this.inSite("nft list tables").split("table ").length - 1;
    const wanted = RULES_FAMILIES.length;
    if (tables !== wanted) findings.fail(`${when}: ${tables} tables of nftables, not ${wanted}`);
    const files = must(`ls -A ${this.router.directory}`);
    if (files.includes(".new") || files.includes(".tmp")) findings.fail(`${when}: left behind: ${files}`);
  }

  descriptors(): number {
    return must(`ls /proc/${this.router.pid}/fd`).split("\n").length - 1;
  }

  /** What the next one opened would be. */
  lowestFreeDescriptor(): number {
    const open = must(`ls /proc/${this.router.pid}/fd`).split("\n");
    let free = 0;
    while (open.includes(tostring(free))) free += 1;
    return free;
  }

  /** In KiB, of RAM. */
  residentKib(): number {
    return tonumber(string.match(this.procText("status"), "VmRSS:%s*(%d+)")[0] ?? "0")!;
  }

  /** In KiB, of address space. */
  addressSpaceKib(): number {
    return tonumber(string.match(this.procText("status"), "VmSize:%s*(%d+)")[0] ?? "0")!;
  }

  signal(name: string): void {
    must(`kill -${name} ${this.router.pid}`);
  }

  inSite(command: string, input = ""): string {
    return must(`ip netns exec ${this.site.name} ${command}`, input);
  }

  /** Whether `vpnmasq status` answers. */
  answers(): boolean {
    return run(`timeout 3 ../vpnmasq status --json --control ${this.router.control}`)[0] !== undefined;
  }

  private startRouter(): BenchRouter {
    const { limits = {}, through = "" } = this.options;
    const router = new BenchRouter(this.site, { limits, through: `${RIGHTS} ${through}` });
    router.waitUntilForwarding();
    return router;
  }

  private procText(file: string): string {
    return readFile(`/proc/${this.router.pid}/${file}`, STATUS_BYTES_MAX)[0] ?? "";
  }
}
