// SPDX-License-Identifier: GPL-2.0-only
// What the commands print, to the letter, and that it fits 80 columns.

import { countersReport } from "../../../src/app/report/decision-report";
import { explainReport } from "../../../src/app/report/explain-report";
import { statusReport } from "../../../src/app/report/status-report";
import { type TableName, type TableReport, tableReport } from "../../../src/app/report/table-report";
import { displayWidth } from "../../../src/app/text/layout";
import { countersView, explainView } from "../../../src/app/view/explain-view";
import { statusView } from "../../../src/app/view/status-view";
import { tableView } from "../../../src/app/view/table-view";
import { routerWithWaitingClient, SampleRouter } from "./sample-router";

function table(router: SampleRouter, name: TableName): TableReport {
  return tableReport(router, name, { offset: 0, limit: 200 });
}

describe("`vpnmasq status`", () => {
  it("reads like this", () => {
    const report = { ...statusReport(routerWithWaitingClient()), resident_bytes: 6_500_000 };
    assert.same(
      [
        "vpnmasq 0.1.0, scope vpn, up for 3 m 5 s, 6.2 MiB of memory",
        "LAN      eth0    192.168.1.1      up, MTU 1500, in 2.0 KiB, out 1.0 KiB",
        "WAN      eth1    203.0.113.1      up, MTU 1500, in 2.0 KiB, out 1.0 KiB",
        "IKE      2 of 1024 sessions",
        "ESP      3 of 4096 items: 1 established, 1 outstanding, 1 waiting",
        "Held     1 packet, 0 datagrams in fragments",
        "Kernel   somebody else's rules",
        "Offload  LAN generic XDP",
        "         WAN tcx (native XDP: not supported)",
        "         4 directions of tunnels; 12 packets, 4.0 KiB so far",
        "Start    no snapshot was found: tunnels older than that are learned from their",
        "         packets",
        "Config   /etc/vpnmasq.json",
      ],
      statusView(report),
    );
  });

  it("ends with what was said about the configuration by whoever made it", () => {
    const file = os.tmpname();
    const [notes] = io.open(`${file}.notes`, "w");
    notes!.write("firewall: flow_offloading_hw is on\nrouter: the last good configuration goes on\n");
    notes!.close();
    const router = Object.assign(routerWithWaitingClient(), { configPath: file });
    assert.same(
      [
        `Config   ${file}`,
        "         firewall: flow_offloading_hw is on",
        "         router: the last good configuration goes on",
      ],
      statusView(statusReport(router)).slice(-3),
    );
    os.remove(`${file}.notes`);
    os.remove(file);
  });
});

describe("`vpnmasq table esp`", () => {
  it("reads like this, with rates since a moment before", () => {
    const router = routerWithWaitingClient();
    const earlier = table(router, "esp");
    router.nowIs += 500;
    router.sends(0xc0a8010a - 0x100000000, 0x1001, 614400);
    assert.same(
      [
        "ESP: 3 of 4096 items",
        "",
        "192.168.1.10 > 198.51.100.1",
        "  out  0x00001001    601.4 KiB      1.2 MiB/s  established, 2 m 6 s old",
        "  in   0x00002001        700 B              -  answer to its first packet",
        "                                               last packet 0.0 s ago",
        "  out  0x00001002        100 B              -  outstanding, 1.0 s old",
        "  in   unknown             0 B              -  no answer yet",
        "                                               1 other waiting: 4 more packets",
        "                                               may go; given up in 3.0 s",
        "",
        "192.168.1.11 > 198.51.100.1",
        "  out  0x00001003          0 B              -  waiting, 1.0 s old",
        "  in   unknown             0 B              -  no answer yet",
        "                                               its packets are held: place 1 of",
        "                                               1; 192.168.1.10 has the turn for",
        "                                               3.0 s at most",
      ],
      tableView(table(router, "esp"), earlier),
    );
  });

  it("says so when it is a part", () => {
    const report = tableReport(routerWithWaitingClient(), "esp", { offset: 1, limit: 1 });
    assert.equal("ESP: 3 of 4096 items; 1 shown from 1 on (--offset, --limit)", tableView(report, undefined)[0]);
  });
});

describe("`vpnmasq table ike`", () => {
  it("reads like this", () => {
    const router = new SampleRouter();
    assert.same(["IKE: 0 of 1024 sessions"], tableView(table(router, "ike"), undefined));
    router.hasSession(0x0a000002);
    assert.same(
      [
        "IKE: 1 of 1024 sessions",
        "",
        "10.0.0.2 > 198.51.100.1",
        "  IKEv2  initiator 112233440a000002  established, 1 m 5 s old",
        "         responder 5566778800000001  started by the client",
        "         2 packets out, 2 in         last packet 2.0 s ago",
      ],
      tableView(table(router, "ike"), undefined),
    );
  });
});

describe("`vpnmasq table flows`", () => {
  it("has a row for each session, that fits the screen at its longest", () => {
    const item = {
      protocol: "icmp",
      client: "192.168.100.100",
      client_port: 65535,
      mapped_port: 65535,
      server: "198.151.100.100",
      server_port: 65535,
      phase: "established",
      age_ms: 0,
      idle_ms: 59_000,
      expires_in_ms: 0,
      bytes: 0,
    };
    const report = { table: "flows", now_ms: 0, total: 1, capacity: 16384, offset: 0, items: [item] } as const;
    const lines = tableView(report, undefined);
    assert.equal("icmp  192.168.100.100:65535  65535  198.151.100.100:65535  established  59 s", lines[3]);
    for (const line of lines) assert.is_true(displayWidth(line) <= 80);
  });
});

describe("`vpnmasq explain`", () => {
  it("tells of nothing when nothing is out of the ordinary", () => {
    assert.same(
      ["Nothing is out of the ordinary: nobody waits, and no SPI has more than one", "owner."],
      explainView(explainReport(new SampleRouter(), undefined)!),
    );
  });

  it("tells who waits, for whom, and until when", () => {
    assert.same(
      [
        "Out of the ordinary now (explain CLIENT or SPI tells more of one):",
        "",
        "ESP 192.168.1.10 > 198.51.100.1, out 0x00001002, in unknown",
        "  state     outstanding, 0.5 s old, last packet 0.5 s ago",
        "  evidence  no answer yet",
        "  next      1 other waiting: 4 more packets may go; given up in 3.5 s",
        "",
        "ESP 192.168.1.11 > 198.51.100.1, out 0x00001003, in unknown",
        "  state     waiting, 0.5 s old, last packet 0.5 s ago",
        "  evidence  no answer yet",
        "  next      its packets are held: place 1 of 1; 192.168.1.10 has the turn for",
        "            3.5 s at most",
        "",
        "Decided lately, the last first",
        "  0.5 s     esp-waiting: 192.168.1.11 198.51.100.1 0x00001003",
        "            held: another client's new epoch with this server is answered first",
      ],
      explainView(explainReport(routerWithWaitingClient(), undefined)!),
    );
  });

  it("knows nothing of a stranger", () => {
    assert.same(["Nothing is known of 10.9.9.9."], explainView(explainReport(new SampleRouter(), "10.9.9.9")!));
  });
});

describe("`vpnmasq counters`", () => {
  it("has the most frequent first, and meanings that break within the screen", () => {
    const router = new SampleRouter();
    assert.same(["No packet has come yet."], countersView(countersReport(router)));
    router.counters.set("esp-first", 3);
    router.counters.set("esp-established", 123456);
    assert.same(
      [
        "Packets  Reason           Meaning",
        " 123456  esp-established  the SPI belongs to an established tunnel epoch",
        "      3  esp-first        first packet of a new epoch; its answer will tell the",
        "                          incoming SPI",
      ],
      countersView(countersReport(router)),
    );
  });
});
