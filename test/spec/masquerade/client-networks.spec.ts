// SPDX-License-Identifier: GPL-2.0-only
// Which addresses may be clients.

import { ClientNetworks } from "../../../src/masquerade/client-networks";
import type { Prefix } from "../../../src/wire/address";
import { address } from "../frame";

function networks(...prefixes: [string, number][]): ClientNetworks {
  const clients = new ClientNetworks();
  clients.set(prefixes.map(([network, lengthBits]): Prefix => ({ network: address(network), lengthBits })));
  return clients;
}

describe("The clients' networks", () => {
  it("hold nobody before they are known", () => {
    const clients = new ClientNetworks();
    for (const text of ["0.0.0.0", "192.168.1.1", "255.255.255.255"]) assert.is_false(clients.holds(address(text)));
  });

  it("hold the first to the last address of one network and none beside it", () => {
    const clients = networks(["192.168.1.0", 24]);
    for (const text of ["192.168.1.0", "192.168.1.77", "192.168.1.255"]) assert.is_true(clients.holds(address(text)));
    for (const text of ["192.168.0.255", "192.168.2.0", "0.0.0.0"]) assert.is_false(clients.holds(address(text)));
  });

  it("hold the addresses of each of several networks", () => {
    const clients = networks(["10.0.0.0", 8], ["192.168.1.0", 24], ["172.16.0.4", 30]);
    for (const text of ["10.200.3.4", "192.168.1.9", "172.16.0.7"]) assert.is_true(clients.holds(address(text)));
    for (const text of ["11.0.0.1", "192.168.2.9", "172.16.0.8"]) assert.is_false(clients.holds(address(text)));
  });

  it("may be single addresses, also the highest one", () => {
    const clients = networks(["255.255.255.255", 32], ["192.0.2.1", 32]);
    assert.is_true(clients.holds(address("255.255.255.255")));
    assert.is_true(clients.holds(address("192.0.2.1")));
    assert.is_false(clients.holds(address("255.255.255.254")));
  });

  it("may be everything", () => {
    assert.is_true(networks(["0.0.0.0", 0]).holds(address("203.0.113.7")));
  });

  it("are replaced as a whole", () => {
    const clients = networks(["10.0.0.0", 8], ["192.168.1.0", 24]);
    clients.set([{ network: address("172.16.0.0"), lengthBits: 12 }]);
    assert.is_false(clients.holds(address("10.0.0.1")));
    assert.is_false(clients.holds(address("192.168.1.1")));
    assert.is_true(clients.holds(address("172.20.0.1")));
    assert.equal(1, clients.list().length);
    clients.set([]);
    assert.is_false(clients.holds(address("172.20.0.1")));
  });
});
