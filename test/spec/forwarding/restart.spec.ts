// SPDX-License-Identifier: GPL-2.0-only
// The router killed and started again: what was established works at once; a snapshot that is not to be trusted is
// refused with the reason; a bad configuration never replaces the one that runs.

import { esp, ike, ipv4 } from "../frame";
import { espOn, isEsp, udpTo } from "./packet-match";
import { RouterProcess, SIGNAL, waitUntil } from "./router-process";
import { CLIENT_1, CLIENT_2, ROUTER_WAN, SERVER, Site } from "./site";

/** RFC 7296 §3.1: exchange types and flags. */
const IKE_AUTH = 35;
const INFORMATIONAL = 37;
const FROM_INITIATOR = 0x08;
const RESPONSE = 0x20;

describe("a router that ends and starts again", () => {
  let site: Site;
  let router: RouterProcess;

  before_each(() => {
    site = new Site();
    router = new RouterProcess(site.router);
  });

  after_each(() => {
    router.remove();
    site.close();
  });

  const cookiesOf = (index: number): { initiatorCookie: string; responderCookie: string } => ({
    initiatorCookie: `111111111111111${index}`,
    responderCookie: `aaaaaaaaaaaaaaa${index}`,
  });

  /** For each client an IKE session and an ESP epoch: 0x1001 and 0x1002 out, 0x2001 and 0x2002 in. */
  function establish(): void {
    for (const [index, client] of site.clients.entries()) {
      const { initiatorCookie } = cookiesOf(index);
      client.send(ipv4({ from: client.address, to: SERVER, carrying: ike({ initiatorCookie }) }));
      site.server.expect(udpTo(500));
      const answer = ike({ ...cookiesOf(index), flags: RESPONSE });
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: answer }));
      client.expect(udpTo(500));
      const child = ike({ ...cookiesOf(index), exchangeType: IKE_AUTH, messageId: 1, flags: FROM_INITIATOR });
      client.send(ipv4({ from: client.address, to: SERVER, carrying: child }));
      site.server.expect(udpTo(500));
      client.send(ipv4({ from: client.address, to: SERVER, carrying: esp({ spi: 0x1001 + index }) }));
      site.server.expect(espOn(0x1001 + index));
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001 + index }) }));
      client.expect(espOn(0x2001 + index));
    }
  }

  /** What the server sends on each epoch and session reaches its client. */
  function expectEstablished(sequence: number): void {
    for (const [index, client] of site.clients.entries()) {
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001 + index, sequence }) }));
      client.expect(espOn(0x2001 + index));
      const probe = ike({ ...cookiesOf(index), exchangeType: INFORMATIONAL, messageId: 0 });
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: probe }));
      client.expect(udpTo(500));
    }
  }

  it("goes on with every tunnel after kill -9 under traffic, from the server's first packet", () => {
    router.start();
    establish();
    for (const sequence of $range(2, 30)) {
      site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001, sequence }) }));
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001, sequence }) }));
      if (sequence === 20) router.signal(SIGNAL.KILL);
    }
    router.end();
    router.start();
    assert.is_true(router.waitForLog("restored 2 ESP items and 2 IKE"), router.log());
    for (const client of site.clients) client.clear();
    expectEstablished(40);
    assert.is_true(site.clients[1].isSpared(isEsp));
  });

  it("goes on after an orderly end, too", () => {
    router.start();
    establish();
    router.stop();
    router.start();
    expectEstablished(40);
  });

  it("keeps what is whole of a torn snapshot, and says what it refused", () => {
    router.start();
    establish();
    router.kill();
    site.router.shell(`truncate -s -7 ${router.journal}`);
    router.start();
    assert.is_true(router.waitForLog("restore: "));
    assert.is_true(router.waitForLog("cut off: the last line"));
    const { restored } = router.status();
    assert.equal(3, restored.esp + restored.ike);
  });

  it("refuses a file of somebody else, keeps it aside and works", () => {
    site.router.shell(`mkdir -p ${router.folder}/state && echo 'root:x:0:0' >${router.journal}`);
    router.start();
    assert.is_true(router.waitForLog("restore: "));
    assert.is_true(router.waitForLog("journal.refused"));
    assert.equal("root:x:0:0", site.router.output(`cat ${router.journal}.refused`));
    establish();
  });

  it("refuses a snapshot that is older than anything it could still know", () => {
    router.start();
    establish();
    router.kill();
    const clock = `local c = require("src.system.clock"); local now = c.monotonicMs
      c.monotonicMs = function() return now() + 2 * 86400 * 1000 end
      local wall = c.wallClockMs; c.wallClockMs = function() return wall() + 2 * 86400 * 1000 end`;
    router.launch(`package.path = "./?.lua;" .. package.path ${clock}`);
    assert.is_true(router.waitForLog("restore: "));
    assert.is_true(waitUntil(() => router.status().restored.esp === 0));
  });

  it("keeps the running configuration when a reload brings a bad one, and says so", () => {
    router.start();
    establish();
    router.writeConfiguration('{ "lan": "lan0", "wan": "wan0", "scoop": "all" }');
    router.signal(SIGNAL.HUP);
    assert.is_true(router.waitForLog('reload: scoop: there is no such key; did you mean "scope"?'));
    assert.is_true(router.waitForLog("reload: the running configuration is kept"));
    assert.is_false(router.status().reload!.ok);
    expectEstablished(40);
    router.configure({ own_peers: [SERVER] });
    router.signal(SIGNAL.HUP);
    assert.is_true(router.waitForLog("reload: done"));
    const isKernels = waitUntil(() => {
      site.clients[1].send(ipv4({ from: CLIENT_2, to: SERVER, carrying: esp({ spi: 0x1002, sequence: 2 }) }));
      return site.server.isSpared(isEsp);
    });
    assert.is_true(isKernels, "the router's own peer is the kernel's now");
  });

  it("works while all garbage is collected in every round", () => {
    router.start({ collectsGarbage: true });
    establish();
    for (const sequence of $range(2, 200)) {
      const [first, second] = site.clients;
      first.send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001, sequence }) }));
      second.send(ipv4({ from: CLIENT_2, to: SERVER, carrying: esp({ spi: 0x1002, sequence }) }));
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2001, sequence }) }));
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x2002, sequence }) }));
      site.server.expect(isEsp);
      site.server.expect(isEsp);
      first.expect(espOn(0x2001));
      second.expect(espOn(0x2002));
    }
    assert.equal(0, router.stop());
  });
});
