// SPDX-License-Identifier: GPL-2.0-only
// A table with so many tunnels or flows in it, and the packets that travel on them, both ways, in random order.
//
// Random order is the worst there is for a CPU's caches: each packet belongs to another item than the one before.

import { DEFAULT_LIMITS } from "../../src/masquerade/limits";
import { Table } from "../../src/masquerade/table";
import { Action } from "../../src/masquerade/verdict";
import { address } from "../spec/frame";
import { Random } from "../spec/random";
import { Packets } from "./packets";

const WAN_ADDRESS = address("198.51.100.1");
const CLIENTS = { network: address("10.0.0.0"), lengthBits: 8 };
const FIRST_CLIENT = address("10.0.0.2");
const FIRST_SERVER = address("203.0.113.1");
const CLIENT_COUNT = 1000;
const SERVER_COUNT = 61;
/** One client's port to four remotes, so that many flows fit into one address' ports. */
const FLOWS_PER_MAPPING = 4;
const FIRST_PORT = 1024;
const REMOTE_PORT = 4433;
const SEED = 12345;
/** The table's time stands still: nothing expires. */
export const NOW_MS = 1000000;

export interface Traffic {
  readonly table: Table;
  readonly out: Packets;
  readonly in: Packets;
}

/** Items 0 … count−1 in random order, each once and some twice: a power of two, so that a mask leads round them. */
export function randomOrder(count: number): number[] {
  const random = new Random(count);
  let length = 1;
  while (length < count) length *= 2;
  const order: number[] = [];
  for (const at of $range(0, length - 1)) order.push(at < count ? at : at - count);
  for (const at of $range(length - 1, 1, -1)) {
    const other = random.below(at + 1);
    const moved = order[at];
    order[at] = order[other];
    order[other] = moved;
  }
  return order;
}

function tableFor(count: number, scope: "vpn" | "all"): Table {
  const room = Math.max(count, DEFAULT_LIMITS.espItemsMax);
  const limits = {
    ...DEFAULT_LIMITS,
    espItemsMax: room,
    espItemsPerClientMax: room,
    unknownSpiPerSecondMax: room,
    flowsMax: Math.max(count, DEFAULT_LIMITS.flowsMax),
    flowsPerClientMax: Math.max(count, DEFAULT_LIMITS.flowsMax),
  };
  const table = new Table({ limits, scope, filtering: "address", algorithm: "vpnmasq", seed: SEED });
  table.clients.set([CLIENTS]);
  table.wanAddress = WAN_ADDRESS;
  return table;
}

function mustForward(table: Table): void {
  const { action, reason } = table.verdict;
  if (action !== Action.Forward) error(`a packet of the bench was not forwarded: ${reason}`, 0);
}

/** `count` established tunnels of a thousand clients with sixty servers. */
export function espTraffic(count: number): Traffic {
  const table = tableFor(count, "vpn");
  const outgoing = Packets.esp(count);
  const incoming = Packets.esp(count);
  const random = new Random(count);
  for (const item of $range(0, count - 1)) {
    const client = FIRST_CLIENT + (item - Math.floor(item / CLIENT_COUNT) * CLIENT_COUNT);
    const server = FIRST_SERVER + (item - Math.floor(item / SERVER_COUNT) * SERVER_COUNT);
    outgoing.putEsp(item, client, server, 0x10000 + random.below(0x7fff0000));
    incoming.putEsp(item, server, WAN_ADDRESS, 0x10000 + random.below(0x7fff0000));
    outgoing.loadNext(item);
    table.decideOutbound(outgoing.frame, 0, outgoing.lengthBytes, NOW_MS);
    mustForward(table);
    incoming.loadNext(item);
    table.decideInbound(incoming.frame, 0, incoming.lengthBytes, NOW_MS);
    mustForward(table);
  }
  table.esp.learned = [];
  const order = randomOrder(count);
  return { table, out: outgoing.arranged(order), in: incoming.arranged(order) };
}

/** `count` UDP flows that were answered. */
export function udpTraffic(count: number): Traffic {
  const table = tableFor(count, "all");
  const outgoing = Packets.udp(count);
  const incoming = Packets.udp(count);
  for (const item of $range(0, count - 1)) {
    const mapping = Math.floor(item / FLOWS_PER_MAPPING);
    const client = FIRST_CLIENT + (mapping - Math.floor(mapping / CLIENT_COUNT) * CLIENT_COUNT);
    const remote = FIRST_SERVER + (item - Math.floor(item / SERVER_COUNT) * SERVER_COUNT);
    outgoing.putUdp(item, client, FIRST_PORT + mapping, remote, REMOTE_PORT);
    outgoing.load(item);
    table.decideOutbound(outgoing.frame, 0, outgoing.lengthBytes, NOW_MS);
    mustForward(table);
    incoming.putUdp(item, remote, REMOTE_PORT, WAN_ADDRESS, table.verdict.port);
    incoming.load(item);
    table.decideInbound(incoming.frame, 0, incoming.lengthBytes, NOW_MS);
    mustForward(table);
  }
  const order = randomOrder(count);
  return { table, out: outgoing.arranged(order), in: incoming.arranged(order) };
}
