// SPDX-License-Identifier: GPL-2.0-only
// The wire layer: any bytes as a frame, a packet, and every transport.

import { byteArray, create } from "../../../src/system/ffi";
import type { Octets } from "../../spec/frame";
import { Random } from "../../spec/random";
import { EveryView } from "../../spec/wire/every-view";
import { repairPacket } from "../../spec/wire/repair";
import { SAMPLE_PACKETS } from "../../spec/wire/sample-packets";
import type { Reached, Target } from "../target";

const MADE_PACKET_BYTES = 1500;
const IP_VERSION = 4;
const IP_HEADER_BYTES = 20;
const TOKENS = ["\x45\x00", "\x01\x03\x04", "\x32", "\x11", "\x06", "\x20\x00", "\x01\xf4\x01\xf4"];

export function octetsText(octets: Octets): string {
  return octets.map((octet) => string.char(octet)).join("");
}

let reached: Reached | undefined;
const names = new LuaMap<string, LuaMap<string, string>>();

/** "what fault", made once for each pair. */
function nameOf(what: string, result: string): string {
  let ofWhat = names.get(what);
  if (ofWhat === undefined) {
    ofWhat = new LuaMap<string, string>();
    names.set(what, ofWhat);
  }
  let name = ofWhat.get(result);
  if (name === undefined) {
    name = `${what} ${result}`;
    ofWhat.set(result, name);
  }
  return name;
}

const views = new EveryView(create(byteArray, MADE_PACKET_BYTES), (what, fault) => {
  reached?.note(nameOf(what, fault ?? "taken"));
});

export const wire: Target = {
  name: "wire",
  explanation: "Every parser of the wire layer, and all that may be read and rewritten of what it takes.",
  seeds: () => [
    ...SAMPLE_PACKETS.map((packet) => octetsText(packet)),
    ...SAMPLE_PACKETS.map((packet) => octetsText(packet.slice(IP_HEADER_BYTES))),
  ],
  tokens: TOKENS,
  repair: (mutation) => {
    repairPacket(mutation.bytes, mutation.lengthBytes);
  },
  execute: ({ bytes, lengthBytes }, reaches) => {
    reached = reaches;
    const random = new Random(lengthBytes + 1);
    views.asFrame(bytes, 0, lengthBytes);
    // Packets get to the transports too; by themselves these are tried when it is no packet.
    if (lengthBytes > 0 && bytes[0] >> 4 === IP_VERSION) views.asPacket(bytes, 0, lengthBytes, random);
    else views.asTransport(bytes, 0, lengthBytes, random.below(2) === 0, random);
  },
};
