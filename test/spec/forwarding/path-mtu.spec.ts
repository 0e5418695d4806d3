// SPDX-License-Identifier: GPL-2.0-only
// A WAN that carries less than the LAN: 1400 bytes. What may not be cut is refused with the size that fits.

import { counting, esp, fragmentsOf, ipv4, type Octets, udp, wrongChecksums } from "../frame";
import { transfer } from "./bulk-transfer";
import { icmpOf, isEsp, isFragment, number16, quotedBy, sourceOf } from "./packet-match";
import { RouterProcess } from "./router-process";
import { CLIENT_1, CLIENT_2, ROUTER_LAN, ROUTER_WAN, SERVER, Site } from "./site";

const MTU_BYTES = 1400;

/** The payload of the datagram that these fragments make. */
function joined(fragments: readonly Octets[]): Octets {
  const payload: Octets = [];
  for (const fragment of fragments) {
    const offset = (number16(fragment, 6) & 0x1fff) * 8;
    for (const [index, octet] of fragment.slice(20).entries()) payload[offset + index] = octet;
  }
  return payload;
}

for (const scope of ["vpn", "all"]) {
  describe(`a narrow WAN, scope ${scope}`, () => {
    let site: Site;
    let router: RouterProcess;

    setup(() => {
      site = new Site();
      site.router.ip(`link set wan0 mtu ${MTU_BYTES}`);
      site.server.namespace.ip(`link set eth0 mtu ${MTU_BYTES}`);
      router = new RouterProcess(site.router, { scope }).start();
    });

    teardown(() => {
      router.remove();
      site.close();
    });

    before_each(() => {
      for (const station of [...site.clients, site.server]) station.clear();
    });

    it("refuses ESP that must not be cut, and names the size that fits", () => {
      const [client] = site.clients;
      const packet = { from: CLIENT_1, to: SERVER, dontFragment: true };
      const large = ipv4({ ...packet, carrying: esp({ spi: 0x1100, payload: counting(1472) }) });
      client.send(large);
      const answer = client.expect(icmpOf(3, 4));
      assert.equal(MTU_BYTES, number16(answer, 26));
      assert.equal(ROUTER_LAN, sourceOf(answer));
      assert.same(large.slice(0, 28), quotedBy(answer).slice(0, 28));
      assert.same([], wrongChecksums(answer));
      client.send(ipv4({ ...packet, carrying: esp({ spi: 0x1100, payload: counting(MTU_BYTES - 28) }) }));
      assert.equal(MTU_BYTES, site.server.expect(isEsp).length);
    });

    it("cuts ESP that may be cut, with identifications of its own", () => {
      const identifications: number[] = [];
      for (const client of site.clients) {
        const carrying = esp({ spi: 0x2100, payload: counting(1472) });
        client.send(ipv4({ from: client.address, to: SERVER, identification: 0x4444, carrying }));
        const pieces = [site.server.expect(isFragment), site.server.expect(isFragment)];
        for (const piece of pieces) assert.same([], wrongChecksums(piece));
        assert.same(carrying.octets([], []), joined(pieces));
        assert.equal(ROUTER_WAN, sourceOf(pieces[1]));
        assert.equal(number16(pieces[0], 4), number16(pieces[1], 4));
        identifications.push(number16(pieces[0], 4));
        site.server.send(
          ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x3100 + identifications.length }) }),
        );
        client.expect(isEsp);
      }
      assert.not_equal(identifications[0], identifications[1]);
    });

    it("cuts fragments again", () => {
      const [client] = site.clients;
      const carrying = esp({ spi: 0x2100, sequence: 5, payload: counting(2900) });
      const whole = ipv4({ from: CLIENT_1, to: SERVER, identification: 0x5555, carrying });
      for (const fragment of fragmentsOf(whole, 1480)) client.send(fragment);
      const pieces = [1, 2, 3, 4].map(() => site.server.expect(isFragment));
      assert.same(carrying.octets([], []), joined(pieces));
    });
  });
}

describe("a narrow WAN under TCP and UDP", () => {
  let site: Site;
  let router: RouterProcess;

  setup(() => {
    site = new Site();
    site.router.ip(`link set wan0 mtu ${MTU_BYTES}`);
    router = new RouterProcess(site.router, { scope: "all" }).start();
  });

  teardown(() => {
    router.remove();
    site.close();
  });

  it("makes a client's TCP send smaller segments, also when it sends large frames with options", () => {
    const hosts = { client: site.clients[0].namespace, server: site.server.namespace, address: SERVER };
    assert.is_nil(transfer({ ...hosts, port: 7001, totalBytes: 4 << 20, direction: "up" }));
    assert.equal(0, router.status().wan.dropped);
    const route = hosts.client.output(`ip route get ${SERVER}`);
    assert.is_not_nil(string.find(route, `mtu ${MTU_BYTES}`, 1, true)[0], route);
  });

  it("cuts UDP", () => {
    const [, client] = site.clients;
    const payload = counting(1470);
    const carrying = udp({ fromPort: 5001, toPort: 9001, payload });
    client.send(ipv4({ from: CLIENT_2, to: SERVER, carrying }));
    const pieces = [site.server.expect(isFragment), site.server.expect(isFragment)];
    assert.same(payload, joined(pieces).slice(8));
  });
});
