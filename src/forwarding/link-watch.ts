// SPDX-License-Identifier: GPL-2.0-only
// The two interfaces as the kernel has them now: there or not, up or not, their addresses; followed at run time.

import type { InterfaceAddress, Link, RouteEvent, RouteSocket } from "../system/rtnetlink";
import { type Prefix, prefixMask } from "../wire/address";

/** linux/rtnetlink.h RT_SCOPE_UNIVERSE: an address that is valid beyond the link. */
const SCOPE_GLOBAL = 0;

export class LinkWatch {
  private readonly byIndex = new LuaMap<number, Link>();
  private addresses: InterfaceAddress[] = [];

  /**
   * @param lanName, wanName interfaces, which may not exist yet
   */
  constructor(
    private readonly lanName: string,
    private readonly wanName: string,
  ) {}

  /** Asks the kernel for everything. An error is a line for people; what was known is kept then. */
  read(routes: RouteSocket): string | undefined {
    const [links, linkProblem] = routes.links();
    if (links === undefined) return linkProblem;
    const [addresses, addressProblem] = routes.addresses();
    if (addresses === undefined) return addressProblem;
    for (const [index] of this.byIndex) this.byIndex.delete(index);
    for (const link of links) this.byIndex.set(link.index, link);
    this.addresses = addresses;
    return undefined;
  }

  /** Follows a change; true when it is about links or addresses. */
  apply(event: RouteEvent): boolean {
    if (event.kind === "link") this.byIndex.set(event.link.index, event.link);
    else if (event.kind === "link gone") this.byIndex.delete(event.link.index);
    else if (event.kind === "address") this.addresses = [...this.without(event.address), event.address];
    else if (event.kind === "address gone") this.addresses = this.without(event.address);
    else return false;
    return true;
  }

  lan(): Link | undefined {
    return this.named(this.lanName);
  }

  wan(): Link | undefined {
    return this.named(this.wanName);
  }

  /** The address that clients share: the WAN's first global one. */
  wanAddress(): number | undefined {
    const onWan = this.of(this.wan()).filter((address) => address.scope === SCOPE_GLOBAL);
    const primary = onWan.find((address) => !address.isSecondary) ?? onWan[0];
    return primary?.address;
  }

  /** The LAN's first address: ICMP errors to clients come from it. */
  lanAddress(): number | undefined {
    return this.of(this.lan())[0]?.address;
  }

  /** The networks that the LAN's addresses are in. */
  lanNetworks(): Prefix[] {
    return this.of(this.lan()).map((address) => ({
      network: address.address & prefixMask(address.prefixLength),
      lengthBits: address.prefixLength,
    }));
  }

  /** Every address of this host, on whatever interface, in a stable order. */
  localAddresses(): number[] {
    const seen = new Set(this.addresses.map((address) => address.address));
    return [...seen].sort((one, other) => one - other);
  }

  private named(name: string): Link | undefined {
    for (const [, link] of this.byIndex) {
      if (link.name === name) return link;
    }
    return undefined;
  }

  private of(link: Link | undefined): InterfaceAddress[] {
    if (link === undefined) return [];
    return this.addresses.filter((address) => address.interfaceIndex === link.index);
  }

  private without(gone: InterfaceAddress): InterfaceAddress[] {
    return this.addresses.filter(
      (known) => known.address !== gone.address || known.interfaceIndex !== gone.interfaceIndex,
    );
  }
}
