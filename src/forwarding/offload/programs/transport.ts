// SPDX-License-Identifier: GPL-2.0-only
// The headers of ESP, UDP and TCP: which packets may pass by them, and what is rewritten.
//
// A checksum that is the sum of the pseudo header and no more was left to hardware (the kernel's CHECKSUM_PARTIAL), as in
// frames that were joined from several: its packet goes up, since a change of the whole checksum would damage it. Where a
// sender's own checksum looks so, once in 65 536 packets, nothing is lost but time.

import { ESP_HEADER_BYTES } from "../../../wire/esp";
import { IPV4_HEADER_BYTES, Protocol } from "../../../wire/ipv4";
import { TURNING_FLAGS } from "../../../masquerade/flow-state";
import { UDP_HEADER_BYTES } from "../../../wire/udp";
import {
  add,
  compute,
  type Field,
  jump,
  jumpIf,
  label,
  load,
  move,
  type Register,
  type Step,
  store,
  toNetwork,
} from "../instruction";
import { entry, packet } from "../layout";
import { type Environment, held } from "./environment";
import { foldSum } from "./plain-header";

const { network, lengthBytes } = held;

const TCP_HEADER_BYTES = 20;
/** The header's length stands in the high half of its byte, in words. */
const HEADER_LENGTH_SHIFT = 4;
const WORD_SHIFT = 2;

/** `register` := the bytes that IP carries. */
function carriedBytes(register: Register): Step[] {
  return [move(register, lengthBytes), add(register, -IPV4_HEADER_BYTES)];
}

/** The length that the header says must be one that can be. Leaves the checksum in r4; none passes at once. */
function wholeUdp(): Step[] {
  return [
    load("r1", network, packet.udpLength),
    toNetwork("r1", 16),
    jumpIf("r1", "<", UDP_HEADER_BYTES, "up"),
    ...carriedBytes("r2"),
    jumpIf("r1", ">", "r2", "up"),
    load("r4", network, packet.udpChecksum),
    jumpIf("r4", "==", 0, "whole"),
  ];
}

/** Likewise, and nothing begins or ends with it. Leaves the checksum in r4. */
function wholeTcp(): Step[] {
  return [
    jumpIf(lengthBytes, "<", IPV4_HEADER_BYTES + TCP_HEADER_BYTES, "up"),
    load("r1", network, packet.tcpFlags),
    jumpIf("r1", "has", TURNING_FLAGS, "up"),
    load("r1", network, packet.tcpHeaderLength),
    compute("shiftRight", "r1", HEADER_LENGTH_SHIFT),
    compute("shiftLeft", "r1", WORD_SHIFT),
    jumpIf("r1", "<", TCP_HEADER_BYTES, "up"),
    ...carriedBytes("r2"),
    jumpIf("r1", ">", "r2", "up"),
    load("r4", network, packet.tcpChecksum),
  ];
}

/** Up when the checksum in r4 is the pseudo header's sum: 33 bits, folded as often as the header's. */
function finishedChecksum(): Step[] {
  return [
    load("r1", network, packet.source),
    load("r2", network, packet.destination),
    add("r1", "r2"),
    ...carriedBytes("r2"),
    toNetwork("r2", 16),
    add("r1", "r2"),
    move("r2", "r5"),
    toNetwork("r2", 16),
    add("r1", "r2"),
    ...foldSum("r1", "r2", 3),
    jumpIf("r1", "==", "r4", "up"),
  ];
}

/** Up unless the packet has a whole header of a protocol that is ours; the protocol is in r5 and stays there. */
export function wholeTransport({ hasFlows }: Environment): Step[] {
  const tooShort = jumpIf(lengthBytes, "<", IPV4_HEADER_BYTES + ESP_HEADER_BYTES, "up");
  if (!hasFlows) return [jumpIf("r5", "!=", Protocol.Esp, "up"), tooShort];
  return [
    tooShort,
    jumpIf("r5", "==", Protocol.Esp, "whole"),
    jumpIf("r5", "==", Protocol.Tcp, "TCP"),
    jumpIf("r5", "!=", Protocol.Udp, "up"),
    ...wholeUdp(),
    jump("checksum"),
    label("TCP"),
    ...wholeTcp(),
    label("checksum"),
    ...finishedChecksum(),
    label("whole"),
  ];
}

/** The checksum in r2 after the entry's change (RFC 1624 equation 3). */
function adjusted(): Step[] {
  return [
    compute("xor", "r2", 0xffff),
    load("r3", held.entry, entry.transportAdjustment),
    add("r2", "r3"),
    ...foldSum("r2", "r3", 1),
    compute("xor", "r2", 0xffff),
  ];
}

function rewriteChecksum(field: Field, between: readonly Step[]): Step[] {
  return [...adjusted(), ...between, store(network, field, "r2")];
}

/** Both ports, and what they and the address change in the checksum; the protocol is in r1. UDP's may be absent (0). */
export function rewriteTransport(): Step[] {
  return [
    jumpIf("r1", "==", Protocol.Udp, "UDP's checksum"),
    load("r2", network, packet.tcpChecksum),
    ...rewriteChecksum(packet.tcpChecksum, []),
    jump("ports"),
    label("UDP's checksum"),
    load("r2", network, packet.udpChecksum),
    jumpIf("r2", "==", 0, "ports"),
    ...rewriteChecksum(packet.udpChecksum, [jumpIf("r2", "!=", 0, "not 0"), move("r2", 0xffff), label("not 0")]),
    label("ports"),
    load("r1", held.entry, entry.ports),
    store(network, packet.first, "r1"),
  ];
}
