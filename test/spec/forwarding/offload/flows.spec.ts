// SPDX-License-Identifier: GPL-2.0-only
// Sessions of TCP and UDP in the fast path: in the kernel while nothing turns, with the daemon when anything does.

import { askRouter } from "../../../../src/app/control-client";
import type { FlowItem } from "../../../../src/app/report/flow-report";
import type { TableReport } from "../../../../src/app/report/table-report";
import { counting, ipv4, type Octets, tcp, udp, type UdpOptions, wrongChecksums } from "../../frame";
import { transfer } from "../bulk-transfer";
import { destinationOf, number16, ofProtocol, PROTOCOL, sourceOf, udpTo } from "../packet-match";
import { RouterProcess, waitUntil } from "../router-process";
import { CLIENT_1, CLIENT_2, GATEWAY, ROUTER_WAN, SERVER, Site } from "../site";
import type { Station } from "../station";

const BULK_BYTES = 4 * 1024 * 1024;
const CLIENT_PORT = 4001;
const SERVER_PORT = 9001;
const OTHER_GATEWAY = "198.51.100.9";

for (const choice of ["xdp", "tcx", "tc"] as const) {
  describe(`a router in scope all that offloads at ${choice}`, () => {
    let site: Site;
    let router: RouterProcess;

    const offloaded = () => router.status().offload;

    const isTcp = ofProtocol(PROTOCOL.tcp);

    function begin(isSilent: boolean): void {
      site = new Site();
      if (isSilent) for (const station of [...site.clients, site.server]) station.silence();
      router = new RouterProcess(site.router, { scope: "all", offload: choice }).start();
      if (!waitUntil(() => offloaded().lan.place !== undefined)) error(router.log(), 0);
    }

    after_each(() => {
      router.remove();
      site.close();
    });

    function awaitEntries(entries: number): void {
      if (!waitUntil(() => offloaded().entries === entries)) error(`not ${entries} but ${offloaded().entries}`, 0);
    }

    function sessions(): FlowItem[] {
      const request = { command: "table", table: "flows", offset: 0, limit: 10 } as const;
      const [report, problem] = askRouter<TableReport>(router.control, request);
      if (report === undefined) error(problem, 0);
      return report.items as FlowItem[];
    }

    /** A datagram of a client as the server sees it. */
    function ask(client: Station, more: Partial<UdpOptions> = {}): Octets {
      const carrying = udp({ fromPort: CLIENT_PORT, toPort: SERVER_PORT, payload: counting(40), ...more });
      client.send(ipv4({ from: client.address, to: SERVER, carrying }));
      return site.server.expect(udpTo(SERVER_PORT));
    }

    /** The server's answer to what came from a port of the router's, as the client sees it. */
    function answer(client: Station, port: number, more: Partial<UdpOptions> = {}): Octets {
      const carrying = udp({ fromPort: SERVER_PORT, toPort: port, payload: counting(50), ...more });
      site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying }));
      return client.expect(udpTo(CLIENT_PORT));
    }

    /** A question, its answer, and one more question: what the kernel is then given. @returns the router's port for it */
    function converse(client: Station): number {
      const port = number16(ask(client), 20);
      answer(client, port);
      ask(client);
      return port;
    }

    /** A segment from the first client or to it, as it arrives. */
    function segment(isOut: boolean, flags: string, payload: Octets = []): Octets {
      const [fromPort, toPort] = isOut ? [CLIENT_PORT, 443] : [443, CLIENT_PORT];
      const carrying = tcp({ fromPort, toPort, flags, payload });
      if (!isOut) {
        site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying }));
        return site.clients[0].expect(isTcp);
      }
      site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying }));
      return site.server.expect(isTcp);
    }

    function connect(): void {
      segment(true, "S");
      segment(false, "SA");
      segment(true, "A");
      awaitEntries(2);
    }

    it("forwards UDP of two clients with one port both ways, with the ports that they got, and counts it", () => {
      begin(true);
      const ports = site.clients.map((client) => converse(client));
      assert.not_equal(ports[0], ports[1]);
      awaitEntries(4);
      const known = router.counted("flow-known");
      const bytes = sessions().map((session) => session.bytes);
      for (const [index, client] of site.clients.entries()) {
        const there = ask(client);
        assert.equal(ROUTER_WAN, sourceOf(there));
        assert.equal(ports[index], number16(there, 20));
        assert.equal(63, there[8]);
        assert.same([], wrongChecksums(there));
        const here = answer(client, ports[index]);
        assert.equal(client.address, destinationOf(here));
        assert.same([], wrongChecksums(here));
      }
      assert.is_true(waitUntil(() => offloaded().packets === 4));
      assert.equal(4, router.counted("flow-known") - known);
      const passed = sessions().map((session, index) => session.bytes - bytes[index]);
      assert.same([68 + 78, 68 + 78], passed);
    });

    it("leaves a UDP checksum out where the sender did", () => {
      begin(true);
      const [client] = site.clients;
      const port = converse(client);
      awaitEntries(2);
      assert.equal(0, number16(ask(client, { checksum: "none" }), 26));
      assert.equal(0, number16(answer(client, port, { checksum: "none" }), 26));
      assert.is_true(waitUntil(() => offloaded().packets === 2));
    });

    it("leaves packets to the daemon whose checksum was left to hardware", () => {
      begin(true);
      const [client] = site.clients;
      const port = converse(client);
      awaitEntries(2);
      ask(client, { checksum: "partial" });
      answer(client, port, { checksum: "partial" });
      ask(client);
      assert.is_true(waitUntil(() => offloaded().packets > 0));
      assert.equal(1, offloaded().packets);
    });

    it("does not bother with a question that has one answer", () => {
      begin(true);
      const [client] = site.clients;
      answer(client, number16(ask(client), 20));
      assert.equal(1, sessions().length);
      assert.equal(0, offloaded().entries);
    });

    it("forwards TCP while it is established, and not what ends it or begins anew", () => {
      begin(true);
      connect();
      for (const payload of [[], counting(100), counting(1400)]) {
        assert.same([], wrongChecksums(segment(true, "PA", payload)));
        assert.same([], wrongChecksums(segment(false, "A", payload)));
      }
      assert.is_true(waitUntil(() => offloaded().packets === 6));
      segment(false, "R");
      awaitEntries(0);
      assert.equal("reset", sessions()[0].phase);
      segment(true, "A");
      awaitEntries(2);
      segment(true, "FA");
      awaitEntries(0);
      segment(false, "FA");
      segment(true, "A");
      assert.equal("closed", sessions()[0].phase);
      assert.equal(0, offloaded().entries);
      connect();
    });

    it("knows from the kernel how long a session has been silent", () => {
      begin(true);
      connect();
      const before = sessions()[0].idle_ms;
      assert.is_true(waitUntil(() => sessions()[0].idle_ms >= before + 300));
      segment(true, "A");
      assert.is_true(waitUntil(() => offloaded().packets === 1));
      assert.is_true(sessions()[0].idle_ms < before + 300);
    });

    it("turns packets between clients round itself", () => {
      begin(true);
      const [first, second] = site.clients;
      const port = number16(ask(first), 20);
      const carrying = udp({ fromPort: 4002, toPort: port });
      const back = udp({ fromPort: CLIENT_PORT, toPort: 4002 });
      for (const _ of $range(1, 3)) {
        first.send(ipv4({ from: CLIENT_1, to: ROUTER_WAN, carrying: back }));
        second.send(ipv4({ from: CLIENT_2, to: ROUTER_WAN, carrying }));
        assert.equal(ROUTER_WAN, sourceOf(first.expect(udpTo(CLIENT_PORT))));
      }
      assert.equal(0, offloaded().entries);
    });

    it("follows routes to another gateway", () => {
      begin(true);
      connect();
      site.server.namespace.ip(`addr add ${OTHER_GATEWAY}/24 dev eth0`);
      site.router.ip(`route replace ${SERVER}/32 via ${OTHER_GATEWAY}`, `route del default via ${GATEWAY}`);
      const before = offloaded().packets;
      const isBack = waitUntil(() => {
        segment(true, "A");
        return offloaded().packets > before + 1;
      });
      assert.is_true(isBack, router.log());
    });

    it("carries TCP in large frames with unfinished checksums, each way, unharmed", () => {
      begin(false);
      const hosts = { client: site.clients[0].namespace, server: site.server.namespace, address: SERVER };
      assert.is_nil(transfer({ ...hosts, port: 7001, totalBytes: BULK_BYTES, direction: "up" }));
      assert.is_nil(transfer({ ...hosts, port: 7002, totalBytes: BULK_BYTES, direction: "down" }));
    });
  });
}
