// SPDX-License-Identifier: GPL-2.0-only
// A WAN without link header, as PPP has none: a tun device, whose far end is a descriptor.

import { bufferOf, counting, esp, ike, ipv4, type Octets, wrongChecksums } from "../frame";
import { Tunnel } from "../system/tunnel";
import { destinationOf, espOn, icmpOf, isEsp, number16, sourceOf, udpTo } from "./packet-match";
import { RouterProcess, waitUntil } from "./router-process";
import { CLIENT_1, ROUTER_WAN, SERVER, Site } from "./site";
import type { Matcher } from "./station";

describe("a router whose WAN is a tun device", () => {
  let site: Site;
  let tunnel: Tunnel;
  let router: RouterProcess;

  setup(() => {
    site = new Site({ withoutWan: true });
    tunnel = site.router.inside(() => new Tunnel());
    site.router.ip(
      `link set ${tunnel.name} mtu 1400`,
      `addr add ${ROUTER_WAN} peer 198.51.100.2 dev ${tunnel.name}`,
      `route add default dev ${tunnel.name}`,
    );
    router = new RouterProcess(site.router, { wan: tunnel.name }).start();
  });

  teardown(() => {
    router.remove();
    tunnel.close();
    site.close();
  });

  /** The next packet that comes out of the far end. */
  function expectBeyond(matches: Matcher): Octets {
    let packet: Octets = [];
    const isThere = waitUntil(() => {
      const text = tunnel.read();
      packet = [];
      for (const at of $range(1, string.len(text))) packet.push(string.byte(text, at));
      return packet.length > 0 && matches(packet);
    });
    assert.is_true(isThere, "no packet came out of the tunnel");
    return packet;
  }

  const sendFromBeyond = (packet: Octets): void => {
    tunnel.write(bufferOf(packet) as Parameters<Tunnel["write"]>[0], packet.length);
  };

  it("passes ESP and IKE both ways", () => {
    const [client] = site.clients;
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001 }) }));
    const there = expectBeyond(espOn(0x1001));
    assert.equal(ROUTER_WAN, sourceOf(there));
    assert.same([], wrongChecksums(there));
    sendFromBeyond(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001 }) }));
    assert.equal(CLIENT_1, destinationOf(client.expect(espOn(0x2001))));
    client.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: ike({ initiatorCookie: "1111111111111111" }) }));
    assert.equal(500, number16(expectBeyond(udpTo(500)), 20));
  });

  it("refuses what does not fit, and cuts what may be cut", () => {
    const [client] = site.clients;
    const large = { from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001, sequence: 2, payload: counting(1450) }) };
    client.send(ipv4({ ...large, dontFragment: true }));
    assert.equal(1400, number16(client.expect(icmpOf(3, 4)), 26));
    client.send(ipv4(large));
    assert.is_true(expectBeyond(isEsp).length <= 1400);
    assert.is_true(expectBeyond(isEsp).length < 200);
  });

  it("keeps the kernel from answering there, too", () => {
    sendFromBeyond(ipv4({ from: "203.0.113.99", to: ROUTER_WAN, carrying: esp({ spi: 0x7777 }) }));
    assert.is_true(waitUntil(() => router.counted("esp-unknown-rate") + router.counted("esp-unknown-spi") > 0));
    assert.equal("", tunnel.read());
  });
});
