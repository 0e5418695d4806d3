// SPDX-License-Identifier: GPL-2.0-only
// A router under measurement: a network namespace between two veth pairs, whose other ends are ours.
//
//     we ── near ══ lan │ router's namespace │ wan ══ far ── we
//
// Several stand beside each other, one for each way of forwarding, so that they can be measured in turns. Frames come
// out of a router to a hardware address that is nobody's: the end counts them and drops them first thing.

import { bindToLink, openPacketSocket, setSocketBuffer } from "../../src/system/link-address";
import { RouteSocket } from "../../src/system/rtnetlink";
import { readFile } from "../../src/system/files";
import { mustHave } from "./must-have";
import { switchReceiveOffloadOn } from "./offload/receive-offload";
import { must, waitUntil } from "./programs";

/** RFC 2544 appendix C.2.2: addresses for benchmarks. Client n is 198.18.x.y, its server 198.19.x.y. */
export const CLIENT_NETWORK = "198.18.0.0/16";
const ROUTER_LAN = "198.18.0.1/16";
export const ROUTER_WAN = "198.51.100.1";
const GATEWAY = "198.51.100.254";
export const ROUTER_MAC = "02:00:00:00:00:01";
const NOBODYS_MAC = "02:00:00:00:00:99";
const COUNTER_BYTES_MAX = 32;
const LINKS_UP_MS = 3000;

export type Forwarding = "kernel" | "masquerade" | "vpnmasq";

/** Under /proc/sys/net, for every site. Strict reverse path filtering would drop what comes in without NAT. */
const SETTINGS = [
  "ipv4/conf/all/rp_filter=0",
  "ipv4/conf/lan/rp_filter=0",
  "ipv4/conf/wan/rp_filter=0",
  "ipv6/conf/all/disable_ipv6=1",
];
/** For those in which the kernel forwards. */
const FORWARD = "ipv4/ip_forward=1";

/** What a user has today: masquerade with connection tracking. */
const MASQUERADE =
  "add table ip nat; add chain ip nat postrouting { type nat hook postrouting priority 100; }; " +
  'add rule ip nat postrouting oifname "wan" masquerade';

/** Client `at`'s address: 198.18.1.0 and up. */
export function clientAddress(at: number): string {
  return `198.18.${1 + (at >> 8)}.${at & 0xff}`;
}

/** Its server's. */
export function serverAddress(at: number): string {
  return `198.19.${1 + (at >> 8)}.${at & 0xff}`;
}

export class Site {
  /** Our ends of the two links. */
  readonly near: LinkEnd;
  readonly far: LinkEnd;

  /**
   * @param clients that can be reached on the LAN
   * @param takesDriverFrames see receive-offload.ts
   */
  constructor(
    readonly name: string,
    forwarding: Forwarding,
    clients: number,
    takesDriverFrames = false,
  ) {
    must(`ip netns add ${name}`);
    must("ip -batch -", linkCommands(name));
    if (takesDriverFrames) for (const end of ["lan", "wan"]) switchReceiveOffloadOn(`${name}-${end}`);
    must("ip -batch -", placeCommands(name));
    must(`ip -netns ${name} -batch -`, addressCommands(clients));
    must(`ip netns exec ${name} sh`, settingCommands(forwarding === "vpnmasq" ? SETTINGS : [...SETTINGS, FORWARD]));
    if (forwarding === "masquerade") must(`ip netns exec ${name} nft -f -`, MASQUERADE);
    // The kernel notices a link's carrier with some delay, and drops what is sent before.
    const isUp = (): boolean => must(`ip -netns ${name} -oneline link show`).split("state UP").length > 2;
    if (!waitUntil(isUp, LINKS_UP_MS)) error(`the links of ${name} did not come up`, 0);
    this.near = new LinkEnd(`${name}-near`);
    this.far = new LinkEnd(`${name}-far`);
  }
}

function linkCommands(name: string): string {
  return [
    `link add ${name}-near type veth peer name ${name}-lan`,
    `link add ${name}-far type veth peer name ${name}-wan`,
  ].join("\n");
}

/** Our ends find out on coming up what the others take. */
function placeCommands(name: string): string {
  return [
    `link set ${name}-lan netns ${name} name lan`,
    `link set ${name}-wan netns ${name} name wan`,
    `link set ${name}-near up`,
    `link set ${name}-far up`,
  ].join("\n");
}

function addressCommands(clients: number): string {
  const lines = ["link set lo up"];
  for (const name of ["lan", "wan"]) lines.push(`link set ${name} address ${ROUTER_MAC}`, `link set ${name} up`);
  lines.push(`address add ${ROUTER_LAN} dev lan`, `address add ${ROUTER_WAN}/24 dev wan`);
  lines.push(`neigh add ${GATEWAY} lladdr ${NOBODYS_MAC} dev wan`, `route add default via ${GATEWAY}`);
  for (const at of $range(0, clients - 1)) {
    lines.push(`neigh add ${clientAddress(at)} lladdr ${NOBODYS_MAC} dev lan`);
  }
  return lines.join("\n");
}

function settingCommands(settings: readonly string[]): string {
  return settings.map((one) => string.gsub(one, "(.+)=(.+)", "echo %2 >/proc/sys/net/%1")[0]).join("\n");
}

/** Our end of a link. */
export class LinkEnd {
  readonly index: number;

  constructor(readonly name: string) {
    const routes = mustHave(RouteSocket.open());
    const link = mustHave(routes.links()).find((one) => one.name === name);
    routes.close();
    if (link === undefined) error(`no link ${name}`, 0);
    this.index = link.index;
  }

  /** A socket that sends frames here; with a protocol, one that receives them too. */
  socket(protocol = 0): number {
    const fd = mustHave(openPacketSocket());
    setSocketBuffer(fd, "send", 1 << 20);
    mustHave(bindToLink(fd, this.index, protocol));
    return fd;
  }

  /** Frames that came here since the link was made. */
  framesReceived(): number {
    const text = mustHave(readFile(`/sys/class/net/${this.name}/statistics/rx_packets`, COUNTER_BYTES_MAX));
    return tonumber(text) ?? 0;
  }
}
