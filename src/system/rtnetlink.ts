// SPDX-License-Identifier: GPL-2.0-only
// Links, addresses, routes and neighbours as the kernel knows them, asked for and followed (rtnetlink(7)).
//
// Questions are answered before the call returns: the kernel does not wait for anything to answer them. Changes come as
// events on a second socket. Only IPv4 is looked at.

import type { Bytes } from "../wire/bytes";
import type { EventLoop } from "./event-loop";
import { Attributes, messageFlag, type NetlinkMessage, NetlinkRequest, readNative16, readNative32 } from "./netlink";
import { NetlinkClient, type Resynchronise } from "./netlink-client";
import { fail, type Outcome, succeed } from "./outcome";

/** linux/if_arp.h: kinds of links met on routers. */
export const hardwareType = {
  ethernet: 1,
  ppp: 512,
  rawIp: 519,
  tunnel: 768,
  loopback: 772,
  /** tun, WireGuard. */
  none: 0xfffe,
} as const;

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Set up by the administrator (IFF_UP). */
  readonly isUp: boolean;
  /** Has carrier (IFF_RUNNING). */
  readonly isRunning: boolean;
  readonly mtuBytes: number;
  /** linux/if_arp.h, see {@link hardwareType}. */
  readonly hardwareType: number;
  /** 6 bytes from 0 on Ethernet; undefined on links without. */
  readonly hardwareAddress: Bytes | undefined;
  /** Of a VLAN: the interface that it lies on. */
  readonly vlanOf?: number | undefined;
}

export interface InterfaceAddress {
  readonly interfaceIndex: number;
  /** This host's address, a word in host order. On point-to-point links not the peer's. */
  readonly address: number;
  readonly prefixLength: number;
  /** 0 global, 253 link, 254 host. */
  readonly scope: number;
  readonly isSecondary: boolean;
}

export interface Route {
  /** "unreachable" stands for every kind that delivers nothing (unreachable, blackhole, prohibit). */
  readonly kind: "unicast" | "local" | "broadcast" | "multicast" | "unreachable";
  readonly interfaceIndex: number;
  /** The next hop; undefined when the destination is on the link. */
  readonly gateway: number | undefined;
  readonly preferredSource: number | undefined;
  /** From the route or a learned path MTU; undefined when the link's holds. */
  readonly mtuBytes: number | undefined;
}

export interface Neighbour {
  readonly interfaceIndex: number;
  readonly address: number;
  /** May be used for sending: reachable, stale, delay, probe, permanent or noarp. */
  readonly isUsable: boolean;
  /** The kernel tried and got no answer. */
  readonly hasFailed: boolean;
  /** Set by hand: never to be asked for or confirmed. */
  readonly isPermanent: boolean;
  /** NUD_… bits, linux/neighbour.h. */
  readonly state: number;
  readonly hardwareAddress: Bytes | undefined;
}

export type RouteEvent =
  | { readonly kind: "link"; readonly link: Link }
  | { readonly kind: "link gone"; readonly link: Link }
  | { readonly kind: "address"; readonly address: InterfaceAddress }
  | { readonly kind: "address gone"; readonly address: InterfaceAddress }
  | { readonly kind: "neighbour"; readonly neighbour: Neighbour }
  | { readonly kind: "neighbour gone"; readonly neighbour: Neighbour }
  /** Some IPv4 route came or went: ask again. */
  | { readonly kind: "route" }
  | Resynchronise;

/** linux/socket.h */
const AF_UNSPEC = 0;
const AF_INET = 2;
const NETLINK_ROUTE = 0;

/** linux/rtnetlink.h: kinds of messages. */
const type = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  deleteNeighbour: 29,
  getNeighbour: 30,
} as const;

/** linux/rtnetlink.h: RTMGRP_LINK, _NEIGH, _IPV4_IFADDR and _IPV4_ROUTE. */
const CHANGES = 0x1 + 0x4 + 0x10 + 0x40;

/** struct ifinfomsg, linux/if_link.h, linux/if.h. */
const LINK_BYTES = 16;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const HARDWARE_ADDRESS_BYTES = 6;

/** struct ifaddrmsg, linux/if_addr.h. */
const ADDRESS_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_F_SECONDARY = 0x1;

/** struct rtmsg, linux/rtnetlink.h. */
const ROUTE_BYTES = 12;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTAX_MTU = 2;
/** Answer with the entry of the table that matches, not with what the kernel makes of it. */
const RTM_F_FIB_MATCH = 0x2000;
const ADDRESS_BITS = 32;

/** struct ndmsg, linux/neighbour.h. */
const NEIGHBOUR_BYTES = 12;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NTF_USE = 0x1;
/** Reachable, stale, delay, probe, noarp and permanent: NUD_VALID. */
const NUD_VALID = 0x02 + 0x04 + 0x08 + 0x10 + 0x40 + 0x80;
const NUD_FAILED = 0x20;
const NUD_PERMANENT = 0x80;

/** The link a message describes; undefined when it is about something else or cut short. */
export function readLink(bytes: Bytes, message: NetlinkMessage): Link | undefined {
  // Bridges tell of their ports with messages of the same type and another family: a port that leaves is no link gone.
  if (message.end - message.at < LINK_BYTES || bytes[message.at] !== AF_UNSPEC) return undefined;
  const attributes = new Attributes(bytes, message.at + LINK_BYTES, message.end);
  const name = attributes.text(IFLA_IFNAME);
  if (name === undefined) return undefined;
  const flags = readNative32(bytes, message.at + 8);
  return {
    index: readNative32(bytes, message.at + 4),
    name,
    isUp: (flags & IFF_UP) !== 0,
    isRunning: (flags & IFF_RUNNING) !== 0,
    mtuBytes: attributes.number32(IFLA_MTU) ?? 0,
    hardwareType: readNative16(bytes, message.at + 2),
    hardwareAddress: attributes.bytesOf(IFLA_ADDRESS, HARDWARE_ADDRESS_BYTES),
    vlanOf:
      attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND) === "vlan" ? attributes.number32(IFLA_LINK) : undefined,
  };
}

/** The IPv4 address of this host that a message describes. */
export function readAddress(bytes: Bytes, message: NetlinkMessage): InterfaceAddress | undefined {
  if (message.end - message.at < ADDRESS_BYTES || bytes[message.at] !== AF_INET) return undefined;
  const attributes = new Attributes(bytes, message.at + ADDRESS_BYTES, message.end);
  // On a point-to-point link IFA_ADDRESS is the peer's.
  const address = attributes.address(IFA_LOCAL) ?? attributes.address(IFA_ADDRESS);
  if (address === undefined) return undefined;
  return {
    interfaceIndex: readNative32(bytes, message.at + 4),
    address,
    prefixLength: bytes[message.at + 1],
    scope: bytes[message.at + 3],
    isSecondary: (bytes[message.at + 2] & IFA_F_SECONDARY) !== 0,
  };
}

/** linux/rtnetlink.h: RTN_UNICAST, _LOCAL, _BROADCAST and _MULTICAST; all others deliver nothing. */
const routeKinds: Record<number, Route["kind"]> = { 1: "unicast", 2: "local", 3: "broadcast", 5: "multicast" };

/** The IPv4 route that a message describes. */
export function readRoute(bytes: Bytes, message: NetlinkMessage): Route | undefined {
  if (message.end - message.at < ROUTE_BYTES || bytes[message.at] !== AF_INET) return undefined;
  const attributes = new Attributes(bytes, message.at + ROUTE_BYTES, message.end);
  return {
    kind: routeKinds[bytes[message.at + 7]] ?? "unreachable",
    interfaceIndex: attributes.number32(RTA_OIF) ?? 0,
    gateway: attributes.address(RTA_GATEWAY),
    preferredSource: attributes.address(RTA_PREFSRC),
    mtuBytes: attributes.nested(RTA_METRICS).number32(RTAX_MTU),
  };
}

/** The IPv4 neighbour that a message describes. */
export function readNeighbour(bytes: Bytes, message: NetlinkMessage): Neighbour | undefined {
  if (message.end - message.at < NEIGHBOUR_BYTES || bytes[message.at] !== AF_INET) return undefined;
  const attributes = new Attributes(bytes, message.at + NEIGHBOUR_BYTES, message.end);
  const address = attributes.address(NDA_DST);
  if (address === undefined) return undefined;
  const state = readNative16(bytes, message.at + 8);
  return {
    interfaceIndex: readNative32(bytes, message.at + 4),
    address,
    isUsable: (state & NUD_VALID) !== 0,
    hasFailed: (state & NUD_FAILED) !== 0,
    isPermanent: (state & NUD_PERMANENT) !== 0,
    state,
    hardwareAddress: attributes.bytesOf(NDA_LLADDR, HARDWARE_ADDRESS_BYTES),
  };
}

/** The change that a message tells of; undefined when it is none of ours. */
export function readEvent(bytes: Bytes, message: NetlinkMessage): RouteEvent | undefined {
  switch (message.type) {
    case type.newLink:
    case type.deleteLink:
      return linkEvent(message.type === type.newLink, readLink(bytes, message));
    case type.newAddress:
    case type.deleteAddress:
      return addressEvent(message.type === type.newAddress, readAddress(bytes, message));
    case type.newNeighbour:
    case type.deleteNeighbour:
      return neighbourEvent(message.type === type.newNeighbour, readNeighbour(bytes, message));
    case type.newRoute:
    case type.deleteRoute:
      return readRoute(bytes, message) === undefined ? undefined : { kind: "route" };
    default:
      return undefined;
  }
}

function linkEvent(isThere: boolean, link: Link | undefined): RouteEvent | undefined {
  if (link === undefined) return undefined;
  return isThere ? { kind: "link", link } : { kind: "link gone", link };
}

function addressEvent(isThere: boolean, address: InterfaceAddress | undefined): RouteEvent | undefined {
  if (address === undefined) return undefined;
  return isThere ? { kind: "address", address } : { kind: "address gone", address };
}

function neighbourEvent(isThere: boolean, neighbour: Neighbour | undefined): RouteEvent | undefined {
  if (neighbour === undefined) return undefined;
  return isThere ? { kind: "neighbour", neighbour } : { kind: "neighbour gone", neighbour };
}

export class RouteSocket {
  private constructor(private readonly kernel: NetlinkClient) {}

  /** Opens a socket for questions and, when `loop` is given, calls `onEvent` for every change from now on. */
  static open(this: void, loop?: EventLoop, onEvent?: (this: void, event: RouteEvent) => void): Outcome<RouteSocket> {
    const [kernel, problem] =
      loop === undefined || onEvent === undefined
        ? NetlinkClient.open(NETLINK_ROUTE)
        : NetlinkClient.follow<RouteEvent>(NETLINK_ROUTE, { loop, groups: CHANGES, read: readEvent, onEvent });
    if (kernel === undefined) return fail(problem);
    return succeed(new RouteSocket(kernel));
  }

  /** All links. */
  links(): Outcome<Link[]> {
    const request = new NetlinkRequest(type.getLink, messageFlag.request + messageFlag.dump);
    request.number8(AF_UNSPEC).number8(0).number16(0).number32(0).number32(0).number32(0);
    return this.kernel.dump(request, "links cannot be listed", readLink);
  }

  /** All IPv4 addresses of this host. */
  addresses(): Outcome<InterfaceAddress[]> {
    const request = new NetlinkRequest(type.getAddress, messageFlag.request + messageFlag.dump);
    request.number8(AF_INET).number8(0).number16(0).number32(0);
    return this.kernel.dump(request, "addresses cannot be listed", readAddress);
  }

  /** All IPv4 neighbours. */
  neighbours(): Outcome<Neighbour[]> {
    const request = new NetlinkRequest(type.getNeighbour, messageFlag.request + messageFlag.dump);
    request.number8(AF_INET).number8(0).number16(0).number32(0).number16(0).number8(0).number8(0);
    return this.kernel.dump(request, "neighbours cannot be listed", readNeighbour);
  }

  /**
   * The kernel's route for one destination (a word), through `outInterface` when given (an index). No route is an
   * error, also where the kernel, told an interface, would take any destination to be on that link.
   */
  route(destination: number, outInterface?: number): Outcome<Route> {
    if (outInterface !== undefined) {
      const [match, problem] = this.askRoute(destination, outInterface, RTM_F_FIB_MATCH);
      if (match === undefined) return fail(problem);
    }
    return this.askRoute(destination, outInterface, 0);
  }

  /**
   * Has the kernel find or confirm a neighbour's hardware address, as if it had a packet to send; what comes of it is
   * an event.
   */
  resolve(interfaceIndex: number, address: number): Outcome<true> {
    const flags = messageFlag.request + messageFlag.acknowledge + messageFlag.create + messageFlag.replace;
    const request = new NetlinkRequest(type.newNeighbour, flags);
    request.number8(AF_INET).number8(0).number16(0).number32(interfaceIndex);
    request.number16(0).number8(NTF_USE).number8(0);
    request.attributeAddress(NDA_DST, address);
    return this.kernel.command(request, "neighbour cannot be looked for");
  }

  close(): void {
    this.kernel.close();
  }

  private askRoute(destination: number, outInterface: number | undefined, flags: number): Outcome<Route> {
    const request = new NetlinkRequest(type.getRoute, messageFlag.request);
    request.number8(AF_INET).number8(ADDRESS_BITS).number8(0).number8(0);
    request.number8(0).number8(0).number8(0).number8(0).number32(flags);
    request.attributeAddress(RTA_DST, destination);
    if (outInterface !== undefined) request.attribute32(RTA_OIF, outInterface);
    return this.kernel.answer(request, "no route", readRoute);
  }
}
