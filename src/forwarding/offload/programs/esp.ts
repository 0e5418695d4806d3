// SPDX-License-Identifier: GPL-2.0-only
// The key of an ESP packet: source, destination and SPI. Coming in, the destination is the clients' shared address.
//
// Coming in, only sequence numbers that go up pass. Userspace weighs all others, as evidence that two tunnels share an SPI
// (src/masquerade/esp-doubts.ts), and none escapes it: the entry keeps the highest number.

import { ESP_HEADER_BYTES } from "../../../wire/esp";
import { IPV4_HEADER_BYTES } from "../../../wire/ipv4";
import {
  add,
  call,
  compute,
  type Field,
  jumpIf,
  jumpIf32,
  load,
  loadMap,
  move,
  type Step,
  store,
  toNetwork,
} from "../instruction";
import { entry, espKey, packet } from "../layout";
import { type Direction, type Environment, held, KEY_AT } from "./environment";

const { network, lengthBytes } = held;

function onStack({ at, bytes }: Field): Field {
  return { at: KEY_AT + at, bytes };
}

function copyToKey(from: Field, to: Field): Step[] {
  return [load("r1", network, from), store("r10", onStack(to), "r1")];
}

/** r0 := what the map has for the key on the stack; up when it has nothing. */
export function lookUp(map: number): Step[] {
  return [
    loadMap("r1", map),
    move("r2", "r10"),
    add("r2", KEY_AT),
    call("lookUp"),
    jumpIf("r0", "==", 0, "up"),
    move(held.entry, "r0"),
  ];
}

/** Finds the entry of an ESP packet. */
export function findEsp(direction: Direction, { maps }: Environment): Step[] {
  return [
    jumpIf(lengthBytes, "<", IPV4_HEADER_BYTES + ESP_HEADER_BYTES, "up"),
    ...copyToKey(packet.source, espKey.source),
    ...copyToKey(packet.destination, espKey.destination),
    ...copyToKey(packet.spi, espKey.spi),
    ...lookUp(direction === "outbound" ? maps.espOut : maps.espIn),
  ];
}

/** Up when the packet's sequence number is not ahead of the highest. */
export function demandSequenceAhead(): Step[] {
  return [
    load("r1", network, packet.sequence),
    toNetwork("r1", 32),
    load("r2", held.entry, entry.sequence),
    compute("subtract", "r1", "r2"),
    jumpIf32("r1", "<=s", 0, "up"),
  ];
}

/** Makes the packet's sequence number the highest. */
export function keepSequence(): Step[] {
  return [load("r1", network, packet.sequence), toNetwork("r1", 32), store(held.entry, entry.sequence, "r1")];
}
