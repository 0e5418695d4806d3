// SPDX-License-Identifier: GPL-2.0-only
// The links and addresses that count, followed over changes that a kernel of the spec's own tells of.

import { LinkWatch } from "../../../src/forwarding/link-watch";
import { fail, type Outcome, succeed } from "../../../src/system/outcome";
import type { InterfaceAddress, Link, RouteSocket } from "../../../src/system/rtnetlink";
import { address } from "../frame";

const GLOBAL = 0;
const LINK = 253;

function link(index: number, name: string): Link {
  return { index, name, isUp: true, isRunning: true, mtuBytes: 1500, hardwareType: 1, hardwareAddress: undefined };
}

function on(interfaceIndex: number, text: string, changes: Partial<InterfaceAddress> = {}): InterfaceAddress {
  const usual = { prefixLength: 24, scope: GLOBAL, isSecondary: false };
  return { interfaceIndex, address: address(text), ...usual, ...changes };
}

/** A kernel that answers with these. */
function kernel(links: Link[], addresses: InterfaceAddress[]): RouteSocket {
  const answers = {
    links: (): Outcome<Link[]> => succeed(links),
    addresses: (): Outcome<InterfaceAddress[]> => succeed(addresses),
  };
  return answers as unknown as RouteSocket;
}

describe("the watch on the two links", () => {
  let watch: LinkWatch;

  before_each(() => {
    watch = new LinkWatch("lan0", "wan0");
    const addresses = [on(2, "10.7.0.1"), on(3, "198.51.100.1"), on(1, "127.0.0.1", { scope: 254, prefixLength: 8 })];
    watch.read(kernel([link(1, "lo"), link(2, "lan0"), link(3, "wan0")], addresses));
  });

  it("knows links by name and what is on them", () => {
    assert.equal(2, watch.lan()!.index);
    assert.equal(3, watch.wan()!.index);
    assert.equal(address("10.7.0.1"), watch.lanAddress());
    assert.equal(address("198.51.100.1"), watch.wanAddress());
    assert.same([{ network: address("10.7.0.0"), lengthBits: 24 }], watch.lanNetworks());
    assert.equal(3, watch.localAddresses().length);
  });

  it("follows a link that goes and comes back with another index, or gets another name", () => {
    assert.is_true(watch.apply({ kind: "link gone", link: link(3, "wan0") }));
    assert.is_nil(watch.wan());
    assert.is_nil(watch.wanAddress());
    watch.apply({ kind: "link", link: link(9, "wan0") });
    assert.is_nil(watch.wanAddress());
    watch.apply({ kind: "address", address: on(9, "198.51.100.7") });
    assert.equal(address("198.51.100.7"), watch.wanAddress());
    watch.apply({ kind: "link", link: link(9, "old") });
    assert.is_nil(watch.wan());
  });

  it("takes a primary global address of the WAN before others", () => {
    watch.apply({ kind: "address gone", address: on(3, "198.51.100.1") });
    assert.is_nil(watch.wanAddress());
    watch.apply({ kind: "address", address: on(3, "169.254.0.9", { scope: LINK }) });
    assert.is_nil(watch.wanAddress());
    watch.apply({ kind: "address", address: on(3, "198.51.100.8", { isSecondary: true }) });
    assert.equal(address("198.51.100.8"), watch.wanAddress());
    watch.apply({ kind: "address", address: on(3, "198.51.100.9") });
    assert.equal(address("198.51.100.9"), watch.wanAddress());
  });

  it("counts an address once that the kernel tells of again", () => {
    watch.apply({ kind: "address", address: on(3, "198.51.100.1") });
    watch.apply({ kind: "address", address: on(2, "198.51.100.1") });
    assert.equal(3, watch.localAddresses().length);
    watch.apply({ kind: "address gone", address: on(2, "198.51.100.1") });
    assert.equal(address("198.51.100.1"), watch.wanAddress());
  });

  it("looks away from what is about neither links nor addresses", () => {
    assert.is_false(watch.apply({ kind: "route" }));
  });

  it("keeps what it knew when the kernel cannot be asked", () => {
    const silent = { links: (): Outcome<Link[]> => fail("links cannot be listed") } as unknown as RouteSocket;
    assert.equal("links cannot be listed", watch.read(silent));
    assert.equal(3, watch.wan()!.index);
  });
});
