// SPDX-License-Identifier: GPL-2.0-only
// Datagrams of the kernel: routing and IPsec, read by the parsers of both whatever they are.

import * as route from "../../../src/system/rtnetlink";
import { native16, native32, type NetlinkMessage, NetlinkRequest, readMessages } from "../../../src/system/netlink";
import * as xfrm from "../../../src/system/xfrm-message";
import type { Random } from "../../spec/random";
import * as captures from "../../spec/system/xfrm-capture";
import type { Input } from "../input";
import type { Mutation } from "../mutation";
import { type Reached, type Target } from "../target";
import { octetsText } from "./wire";

const HEADER_BYTES = 16;
/** linux/rtnetlink.h */
const [NEW_LINK, NEW_ADDRESS, NEW_ROUTE, NEW_NEIGHBOUR] = [16, 20, 24, 28];
const AF_INET = 2;

function link(): string {
  const request = new NetlinkRequest(NEW_LINK, 0).number8(0).number8(0).number16(1).number32(3).number32(0x41);
  return request.number32(0).attribute(3, "eth0\0").attribute32(4, 1500).attribute(1, "\x02\0\0\0\0\x01").encode(1);
}

function address(): string {
  const request = new NetlinkRequest(NEW_ADDRESS, 0).number8(AF_INET).number8(24).number16(0).number32(3);
  return request.attributeAddress(1, 0x0a000001).attributeAddress(2, 0x0a000001).encode(2);
}

function routeMessage(): string {
  const request = new NetlinkRequest(NEW_ROUTE, 0).number8(AF_INET).number8(24).number16(0).number32(1).number32(0);
  const metrics = native16(8) + native16(2) + native32(1400);
  return request.attributeAddress(5, 0x0a0000fe).attribute32(4, 3).attribute(8, metrics).encode(3);
}

function neighbour(): string {
  const request = new NetlinkRequest(NEW_NEIGHBOUR, 0).number8(AF_INET).number8(0).number16(0).number32(3);
  return request.number16(2).number16(0).attributeAddress(1, 0x0a000002).attribute(2, "\x02\0\0\0\0\x02").encode(4);
}

/** Gives the first message the length that the datagram has, and the attributes behind it mostly theirs. */
function repair(mutation: Mutation, random: Random): void {
  if (mutation.lengthBytes < HEADER_BYTES || random.below(4) === 0) return;
  mutation.bytes[0] = mutation.lengthBytes & 0xff;
  mutation.bytes[1] = mutation.lengthBytes >> 8;
  mutation.bytes[2] = 0;
  mutation.bytes[3] = 0;
}

function read(input: Input, message: NetlinkMessage, reached: Reached): void {
  const { bytes } = input;
  const event = route.readEvent(bytes, message);
  if (event !== undefined) reached.note(`route ${event.kind}`);
  const ipsec = xfrm.readEvent(bytes, message);
  if (ipsec !== undefined) reached.note(`xfrm ${ipsec.kind}`);
  if (route.readLink(bytes, message) !== undefined) reached.note("a link");
  if (route.readAddress(bytes, message) !== undefined) reached.note("an address");
  if (route.readRoute(bytes, message) !== undefined) reached.note("a route");
  if (route.readNeighbour(bytes, message) !== undefined) reached.note("a neighbour");
  const sa = xfrm.readSa(bytes, message);
  if (sa !== undefined) reached.note(`an SA ${sa.mode} ${tostring(sa.isLarval)} ${tostring(sa.mark !== undefined)}`);
  const policy = xfrm.readPolicy(bytes, message);
  if (policy !== undefined) reached.note(`a policy ${policy.direction} ${policy.templates.length}`);
}

export const netlink: Target = {
  name: "netlink",
  explanation: "Datagrams of rtnetlink and xfrm: every message read by every parser, in memory with guard pages.",
  seeds: () => [
    link() + address(),
    routeMessage(),
    neighbour(),
    ...Object.values(captures).map((capture) => octetsText(capture)),
  ],
  tokens: ["\x08\0\x01\0", "\x04\0\x08\0", "\xff\xff\x01\0", "\x02\0", "\x0a\0", "\x14\0\0\0"],
  repair,
  execute: (input, reached) => {
    const messages = readMessages(input.bytes, input.lengthBytes);
    reached.note(`${Math.min(messages.length, 4)} messages`);
    for (const message of messages) read(input, message, reached);
  },
};
