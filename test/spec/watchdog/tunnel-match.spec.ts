// SPDX-License-Identifier: GPL-2.0-only
// Whose epoch it is: by outer addresses where that is enough, by what the daemon's policies carry where it is not.

import type { Policy } from "../../../src/system/xfrm-message";
import { type TunnelDescription, trafficFor, tunnelOf } from "../../../src/watchdog/tunnel-match";
import { address } from "../frame";
import { LOCAL, PEER } from "./fake-xfrm";
import { prefix } from "./prefix";

const ANY_PORT = { value: 0, mask: 0 };

/** A policy as an IKE daemon makes it. */
function policy(reqid: number, source: string, destination: string): Policy {
  const selector = {
    source: prefix(source),
    destination: prefix(destination),
    protocol: 0,
    sourcePort: ANY_PORT,
    destinationPort: ANY_PORT,
  };
  return {
    selector,
    direction: "out",
    mark: undefined,
    interfaceId: 0,
    priority: 1757393,
    isBlocking: false,
    templates: [{ source: LOCAL, destination: PEER, spi: 0, protocol: 50, mode: "tunnel", reqid }],
    hardLifetimeSeconds: Infinity,
  };
}

function tunnel(changes: Partial<TunnelDescription>): TunnelDescription {
  return { local: undefined, peer: undefined, localNetworks: [], remoteNetworks: [], ping: undefined, ...changes };
}

const peers = (reqid: number): { local: number; peer: number; reqid: number } => ({ local: LOCAL, peer: PEER, reqid });

describe("an epoch", () => {
  const one = tunnel({ ping: { source: address("10.99.0.1"), target: address("10.0.1.1") } });
  const two = tunnel({
    localNetworks: [prefix("10.99.0.0/24")],
    remoteNetworks: [prefix("10.0.2.0/24")],
  });
  const policies = [policy(1, "10.99.0.0/24", "10.0.1.1/32"), policy(2, "10.99.0.0/24", "10.0.2.1/32")];

  it("of two clients behind one address belongs to the tunnel that carries what its policies do", () => {
    assert.equal(one, tunnelOf([one, two], peers(1), policies));
    assert.equal(two, tunnelOf([one, two], peers(2), policies));
  });

  it("waits for its policy where more than one tunnel could own it", () => {
    assert.is_nil(tunnelOf([one, two], peers(3), policies));
    assert.equal(one, tunnelOf([one], peers(3), policies));
  });

  it("of other peers, or of other traffic between the same peers, is nobody's", () => {
    assert.is_nil(tunnelOf([tunnel({ peer: address("192.0.2.1") })], peers(1), policies));
    assert.is_nil(tunnelOf([tunnel({ local: address("192.0.2.1") })], peers(1), policies));
    assert.is_nil(tunnelOf([two], peers(1), policies));
  });
});

describe("a tunnel's traffic", () => {
  const policies = [policy(1, "10.99.0.0/24", "10.0.1.1/32"), policy(2, "10.99.0.0/24", "10.0.2.1/32")];

  it("is what was configured, before there is any epoch", () => {
    const networks = {
      localNetworks: [prefix("10.99.0.0/24")],
      remoteNetworks: [prefix("10.0.1.0/24"), prefix("10.0.2.0/24")],
    };
    const traffic = trafficFor(tunnel(networks), undefined, policies)!;
    assert.same(
      networks.remoteNetworks,
      traffic.selectors.map(({ destination }) => destination),
    );
  });

  it("is what the daemon's policies say otherwise, and unknown without", () => {
    const traffic = trafficFor(tunnel({}), peers(2), policies)!;
    assert.same(
      [policies[1].selector],
      traffic.selectors.map((selector) => selector),
    );
    assert.is_nil(trafficFor(tunnel({}), undefined, policies));
    assert.is_nil(trafficFor(tunnel({}), peers(3), policies));
  });
});
