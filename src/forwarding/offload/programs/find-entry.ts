// SPDX-License-Identifier: GPL-2.0-only
// The entry of a packet: by source, destination, protocol, and ESP's SPI or the ports. Coming in, the destination is the
// clients' shared address.

import { Protocol } from "../../../wire/ipv4";
import { add, call, type Field, jumpIf, load, loadMap, move, type Step, store } from "../instruction";
import { key, packet } from "../layout";
import { type Direction, type Environment, held, KEY_AT } from "./environment";
import { wholeTransport } from "./transport";

const { network } = held;

function onStack({ at, bytes }: Field): Field {
  return { at: KEY_AT + at, bytes };
}

function copyToKey(from: Field, to: Field): Step[] {
  return [load("r1", network, from), store("r10", onStack(to), "r1")];
}

/** Puts the packet's entry into its register; up when it has none. The protocol is in r5. */
export function findEntry(direction: Direction, environment: Environment): Step[] {
  return [
    ...wholeTransport(environment),
    ...copyToKey(packet.source, key.source),
    ...copyToKey(packet.destination, key.destination),
    ...copyToKey(packet.first, key.first),
    store("r10", onStack(key.protocol), "r5"),
    loadMap("r1", environment.maps[direction]),
    move("r2", "r10"),
    add("r2", KEY_AT),
    call("lookUp"),
    jumpIf("r0", "==", 0, "up"),
    move(held.entry, "r0"),
  ];
}

/** Goes to a label unless the packet is ESP, which it is where nothing else is looked at. Leaves the protocol in r1. */
export function jumpIfFlow({ hasFlows }: Environment, to: string): Step[] {
  return hasFlows ? [load("r1", network, packet.protocol), jumpIf("r1", "!=", Protocol.Esp, to)] : [];
}
