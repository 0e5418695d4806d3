// SPDX-License-Identifier: GPL-2.0-only
// The ways that are compared, each with a router of its own.

import { BenchRouter } from "../bench-router";
import type { Findings } from "../findings";
import { run, waitUntil, writeText } from "../programs";
import { clientAddress, ROUTER_WAN, serverAddress, Site } from "../site";
import { IN_SPI, PAIRS } from "./source-frame";
import { ITEMS, RING_FRAMES, Way } from "./way";

/** vpnmasq's ways, by the configuration's word for them; the first has all packets pass the process. */
const OFFLOADS = { userspace: "off", tcx: "tcx", xdp: "xdp" } as const;
type OwnWay = keyof typeof OFFLOADS;

/** The programs come half a second after the interfaces. */
const ATTACHED_TIMEOUT_MS = 5000;

/** Beside the tunnels that are measured, those that are made to see how long that takes. */
const LIMITS = { esp_items_max: 2 * ITEMS, esp_items_per_client_max: 256, flows_max: 2 * ITEMS };

/** A NAT without memory: which client a server's SPI is of is in a map, and out goes whatever is ESP. */
function statelessRules(): string {
  const elements: string[] = [];
  for (const item of $range(0, ITEMS - 1)) {
    const pair = item & (PAIRS - 1);
    elements.push(`${serverAddress(pair)} . ${IN_SPI + item} : ${clientAddress(pair)}`);
  }
  return `table ip nat {
    map esp_in { typeof ip saddr . esp spi : ip daddr; elements = { ${elements.join(", ")} } }
    chain in { type filter hook prerouting priority -300; ip daddr ${ROUTER_WAN} ip daddr set ip saddr . esp spi map @esp_in; }
    chain out { type filter hook postrouting priority 100; oifname "wan" ip protocol esp ip saddr set ${ROUTER_WAN}; }
  }\n`;
}

/** What OpenWrt calls software flow offloading; of what it takes, UDP is what we send. */
const FLOW_TABLE_RULES = `table ip fast {
  flowtable fast { hook ingress priority 0; devices = { lan, wan }; }
  chain forward { type filter hook forward priority 0; ip protocol { tcp, udp } flow add @fast; }
}`;

function load(site: Site, rules: string): LuaMultiReturn<[output: string | undefined, problem: string]> {
  const file = `/run/${site.name}.nft`;
  writeText(file, rules);
  return run(`ip netns exec ${site.name} nft -f ${file}`);
}

function statelessWay(): Way {
  const site = new Site("stateless", "kernel", PAIRS, true);
  const [output, problem] = load(site, statelessRules());
  if (output === undefined) error(`no stateless map: ${problem}`, 0);
  return new Way("stateless", site, true);
}

/** Undefined, and a note, where the kernel has no flow tables. */
function flowTableWay(findings: Findings): Way | undefined {
  const site = new Site("flowtable", "masquerade", PAIRS, true);
  const [output, problem] = load(site, FLOW_TABLE_RULES);
  if (output !== undefined) return new Way("flowtable", site, true);
  const [cause] = string.match(problem, "Error: ([^\n]*)");
  findings.note(`no flow table here (CONFIG_NF_FLOW_TABLE), so it is not compared; nft says: ${cause ?? problem}`);
  return undefined;
}

function ownWay(name: OwnWay): Way {
  const site = new Site(name, "vpnmasq", PAIRS, true);
  // Who receives must be there first: a router asks whether redirected frames are taken.
  const way = new Way(name, site, true);
  // UDP is compared at XDP and in the process.
  const scope = name === "tcx" ? "vpn" : "all";
  const settings = { scope, offload: OFFLOADS[name], receive_frames: RING_FRAMES };
  way.router = new BenchRouter(site, { limits: LIMITS, settings });
  way.router.waitUntilReady();
  const { router } = way;
  const wanted = { userspace: undefined, tcx: "tcx", xdp: "native XDP" }[name];
  waitUntil(() => router.status().offload.lan.place === wanted, ATTACHED_TIMEOUT_MS);
  const { lan, wan } = router.status().offload;
  if (lan.place !== wanted || wan.place !== wanted) {
    error(`${name} is not in place: LAN ${lan.place ?? lan.reason}, WAN ${wan.place ?? wan.reason}`, 0);
  }
  return way;
}

/** All of them; which can be compared depends on the kernel. */
export function makeWays(findings: Findings): Way[] {
  const kernels = [
    new Way("kernel", new Site("kernel", "kernel", PAIRS, true), false),
    new Way("masquerade", new Site("masquerade", "masquerade", PAIRS, true), true),
    statelessWay(),
  ];
  const flowTable = flowTableWay(findings);
  if (flowTable !== undefined) kernels.push(flowTable);
  return [...kernels, ownWay("userspace"), ownWay("tcx"), ownWay("xdp")];
}
