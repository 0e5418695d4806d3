// SPDX-License-Identifier: GPL-2.0-only
// The network of the lab: clients on a LAN, a router, the internet, a VPN server.
//
//   client1 192.168.1.11 ─ edge1 ┐                  ┌ internet ┐
//   client2 192.168.1.12 ─ edge2 ┼ lan0 router wan0 ┤          ├ server 198.51.100.99
//   …                            ┘  203.0.113.1     └──────────┘
//
// Each is a network namespace. Inside its tunnel client n is 10.0.n.1 and the server 10.99.0.1. An edge is a router on
// the client's own cable that answers ARP for both sides; it is there only on demand, to fragment what the client sends.
// Where the router is a board outside of the guest, the router's namespace is only the switch at its LAN port, and its
// WAN port is plugged into the internet.

import { hasBoard, plugInLines, unplugCommands } from "./board-cables";
import { must, run } from "./shell";

export const SERVER = "server";
export const ROUTER = "router";
export const INTERNET = "internet";
export const SECOND_ROUTER = "router2";
export const SERVER_ADDRESS = "198.51.100.99";
export const SERVER_INNER_ADDRESS = "10.99.0.1";
export const SERVER_INNER_SUBNET = "10.99.0.0/24";
export const WAN_ADDRESS = "203.0.113.1";
/** The router's next hop. */
export const INTERNET_ADDRESS = "203.0.113.254";
export const LAN_INTERFACE = "lan0";
export const WAN_INTERFACE = "wan0";
const LAN_ADDRESS = "192.168.1.1";
const SECOND_LAN_ADDRESS = "192.168.1.2";
export const LINK_MTU_BYTES = 1500;

export interface Client {
  /** Its number, from 1. */
  readonly number: number;
  readonly name: string;
  /** Its network namespace: one of its own, but for members of a crowd. */
  readonly node: string;
  readonly address: string;
  readonly innerAddress: string;
}

export interface Topology {
  readonly clients: readonly Client[];
  readonly namespaces: readonly string[];
  readonly hasEdges: boolean;
}

const MODULES =
  "esp4 xfrm_user af_key veth bridge sch_netem sch_ingress cls_u32 act_pedit iptable_nat iptable_raw xt_MASQUERADE xt_SNAT xt_esp xt_tcpudp xt_conntrack " +
  "ansi_cprng gcm ghash-generic seqiv echainiv authenc cbc ctr hmac sha1-generic sha256-generic sha512-generic aes-generic";

/**
 * Loads what the kernel would otherwise load one by one when the first tunnel comes up. With `ansi_cprng` there, the kernel
 * does not start its jitter entropy source for the IVs, which alone takes 1.5 s.
 */
export function loadModules(): void {
  run(`modprobe -a -q ${MODULES}`);
}

function makeClient(number: number, node = `client${number}`): Client {
  return {
    number,
    name: `client${number}`,
    node,
    address: `192.168.1.${10 + number}`,
    innerAddress: `10.0.${number}.1`,
  };
}

function edgeOf(client: Client): string {
  return `edge${client.number}`;
}

const BOARD_LAN = { namespace: ROUTER, device: "board" };
const BOARD_WAN = { namespace: INTERNET, device: "near" };

function wanLines(): string[] {
  if (hasBoard()) return plugInLines(BOARD_LAN, BOARD_WAN);
  return [`link add ${WAN_INTERFACE} netns ${ROUTER} type veth peer name near netns ${INTERNET}`];
}

/** Links between namespaces, one `ip -b` line each. */
function linkLines(topology: Topology): string[] {
  const lines = [...wanLines(), `link add far netns ${INTERNET} type veth peer name eth0 netns ${SERVER}`];
  for (const client of topology.clients) {
    const port = `port${client.number}`;
    if (topology.hasEdges) {
      const edge = edgeOf(client);
      lines.push(`link add ${port} netns ${ROUTER} type veth peer name uplink netns ${edge}`);
      lines.push(`link add downlink netns ${edge} type veth peer name eth0 netns ${client.name}`);
    } else {
      lines.push(`link add ${port} netns ${ROUTER} type veth peer name eth0 netns ${client.name}`);
    }
  }
  return lines;
}

function routerLines(topology: Topology): string[] {
  const lines = [`link set lo up`, `link set ${LAN_INTERFACE} up`];
  for (const client of topology.clients) {
    lines.push(`link set port${client.number} master ${LAN_INTERFACE} up`);
  }
  if (hasBoard()) return [...lines, `link set ${BOARD_LAN.device} master ${LAN_INTERFACE} up`];
  lines.push(`link set ${WAN_INTERFACE} up`);
  lines.push(`addr add ${LAN_ADDRESS}/24 dev ${LAN_INTERFACE}`);
  lines.push(`addr add ${WAN_ADDRESS}/24 dev ${WAN_INTERFACE}`);
  lines.push(`route add default via ${INTERNET_ADDRESS}`);
  return lines;
}

const INTERNET_LINES = [
  "link set lo up",
  "link set near up",
  "link set far up",
  `addr add ${INTERNET_ADDRESS}/24 dev near`,
  "addr add 198.51.100.1/24 dev far",
];

const SERVER_LINES = [
  "link set lo up",
  "link set eth0 up",
  `addr add ${SERVER_ADDRESS}/24 dev eth0`,
  `addr add ${SERVER_INNER_ADDRESS}/24 dev lo`,
  "route add default via 198.51.100.1",
];

function clientLines(client: Client): string[] {
  return [
    "link set lo up",
    "link set eth0 up",
    `addr add ${client.address}/24 dev eth0`,
    `addr add ${client.innerAddress}/32 dev lo`,
    `route add default via ${LAN_ADDRESS}`,
  ];
}

function edgeLines(client: Client): string[] {
  return [
    "link set uplink up",
    "link set downlink up",
    `addr add 192.168.1.${100 + client.number}/24 dev uplink`,
    `route add ${client.address}/32 dev downlink`,
    `route add default via ${LAN_ADDRESS}`,
  ];
}

function configure(namespace: string, lines: readonly string[]): void {
  must(`ip -n ${namespace} -b -`, lines.join("\n"));
}

/** Builds the network. With `hasEdges` each client is behind a router of its own that can fragment. */
export function buildTopology(clientCount: number, hasEdges = false): Topology {
  const clients: Client[] = [];
  const namespaces = [SERVER, ROUTER, INTERNET];
  for (const number of $range(1, clientCount)) {
    const client = makeClient(number);
    clients.push(client);
    namespaces.push(client.name);
    if (hasEdges) namespaces.push(edgeOf(client));
  }
  const topology = { clients, namespaces, hasEdges };
  must(`ip -b -`, namespaces.map((name) => `netns add ${name}`).join("\n"));
  must(`ip -n ${ROUTER} link add ${LAN_INTERFACE} type bridge forward_delay 0`);
  must(`ip -b -`, linkLines(topology).join("\n"));
  configure(ROUTER, routerLines(topology));
  configure(INTERNET, INTERNET_LINES);
  configure(SERVER, SERVER_LINES);
  must(`ip netns exec ${INTERNET} sysctl -qw net.ipv4.ip_forward=1`);
  for (const client of clients) configureClient(client, hasEdges);
  return topology;
}

function configureClient(client: Client, hasEdge: boolean): void {
  configure(client.name, clientLines(client));
  if (!hasEdge) return;
  configure(edgeOf(client), edgeLines(client));
  must(
    `ip netns exec ${edgeOf(client)} sysctl -qw net.ipv4.ip_forward=1 ` +
      `net.ipv4.conf.uplink.proxy_arp=1 net.ipv4.conf.downlink.proxy_arp=1`,
  );
}

/**
 * The network with a crowd in the place of its one client: so many that there is no memory for a namespace and a daemon
 * each. To the router and the server they are clients with addresses of their own; they share a host and its daemon.
 */
export function crowdOf({ clients: [host], ...topology }: Topology, count: number): Topology {
  const clients = [host];
  for (const number of $range(2, count)) clients.push(makeClient(number, host.node));
  const lines = clients.slice(1).map(({ address, innerAddress }) => {
    return `addr add ${address}/24 dev eth0\naddr add ${innerAddress}/32 dev lo`;
  });
  configure(host.node, lines);
  return { ...topology, clients };
}

/** Takes the network away, and with it every socket, SA and connection-tracking entry in it. */
export function removeTopology(topology: Topology): void {
  if (hasBoard()) for (const command of unplugCommands(BOARD_LAN, BOARD_WAN)) must(command);
  must(`ip -b -`, topology.namespaces.map((name) => `netns del ${name}`).join("\n"));
}

/** Limits what the internet passes on in one piece, each way; its devices keep their own MTU. */
export function narrowInternet(mtuBytes: number): void {
  configure(INTERNET, [
    `route replace 203.0.113.0/24 dev near proto kernel scope link src ${INTERNET_ADDRESS} mtu lock ${mtuBytes}`,
    `route replace 198.51.100.0/24 dev far proto kernel scope link src 198.51.100.1 mtu lock ${mtuBytes}`,
  ]);
}

/** Limits what the clients' edges pass on to the router in one piece. */
export function narrowEdges(topology: Topology, mtuBytes: number): void {
  for (const client of topology.clients) {
    configure(edgeOf(client), [`route replace default via ${LAN_ADDRESS} mtu lock ${mtuBytes}`]);
  }
}

/** Gives the router another address on the same WAN network, as a provider's reconnect does. */
export function changeWanAddress(to: string): void {
  configure(ROUTER, [
    `addr del ${WAN_ADDRESS}/24 dev ${WAN_INTERFACE}`,
    `addr add ${to}/24 dev ${WAN_INTERFACE}`,
    `route replace default via ${INTERNET_ADDRESS}`,
  ]);
}

/** Puts a second router beside the first, on the same LAN, with another provider. */
export function addSecondRouter(topology: Topology): Topology {
  const port = "port-second";
  must(
    `ip -b -`,
    [
      `netns add ${SECOND_ROUTER}`,
      `link add ${WAN_INTERFACE} netns ${SECOND_ROUTER} type veth peer name near2 netns ${INTERNET}`,
      `link add ${LAN_INTERFACE} netns ${SECOND_ROUTER} type veth peer name ${port} netns ${ROUTER}`,
    ].join("\n"),
  );
  configure(ROUTER, [`link set ${port} master ${LAN_INTERFACE} up`]);
  configure(INTERNET, ["link set near2 up", "addr add 203.0.114.254/24 dev near2"]);
  configure(SECOND_ROUTER, [
    "link set lo up",
    `link set ${WAN_INTERFACE} up`,
    `link set ${LAN_INTERFACE} up`,
    `addr add ${SECOND_LAN_ADDRESS}/24 dev ${LAN_INTERFACE}`,
    `addr add 203.0.114.1/24 dev ${WAN_INTERFACE}`,
    "route add default via 203.0.114.254",
  ]);
  return { ...topology, namespaces: [...topology.namespaces, SECOND_ROUTER] };
}

/** The clients send to the second router from now on, as after a fail-over of their gateway. */
export function moveToSecondRouter(topology: Topology): void {
  for (const client of topology.clients) {
    configure(client.name, [`route replace default via ${SECOND_LAN_ADDRESS}`]);
  }
}

/** Delays and loses what the internet passes on, each way. */
export function worsenInternet(delayMs: number, lossPercent: number): void {
  for (const device of ["near", "far"]) {
    must(`tc -n ${INTERNET} qdisc add dev ${device} root netem delay ${delayMs}ms loss ${lossPercent}% limit 10000`);
  }
}
