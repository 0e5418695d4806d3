// SPDX-License-Identifier: GPL-2.0-only
// The banner of a login: short, narrow, and there in every case.

import { healthReport } from "../../../src/app/report/health-report";
import { statusReport } from "../../../src/app/report/status-report";
import { displayWidth } from "../../../src/app/text/layout";
import { bannerView } from "../../../src/app/view/banner-view";
import { routerWithWaitingClient } from "./sample-router";

describe("`vpnmasq banner`", () => {
  it("reads like this", () => {
    const router = routerWithWaitingClient();
    assert.same(
      [
        "vpnmasq 0.1.0: ok: forwarding",
        "  LAN eth0 192.168.1.1                  WAN eth1 203.0.113.1",
        "  1 tunnel epoch up, 2 waiting          2 IKE sessions, up for 3 m 5 s",
        "  vpnmasq watch: live   vpnmasq explain: why   vpnmasq support: for who helps",
      ],
      bannerView(healthReport(router), statusReport(router)),
    );
  });

  it("is there when the router is not", () => {
    const meaning = `no vpnmasq router answers at ${string.rep("/long", 20)}`;
    const lines = bannerView({ health: "absent", reason: "no-router", meaning }, undefined);
    assert.equal(2, lines.length);
    for (const line of lines) assert.is_true(displayWidth(line) <= 80);
  });

  it("stays narrow with the longest names and numbers", () => {
    const status = statusReport(routerWithWaitingClient());
    const link = { ...status.wan, name: "interface-15-ch", address: "198.151.100.100", up: false };
    const full = { ...status, lan: link, wan: link, esp: { ...status.esp, established: 1048576, waiting: 99999 } };
    const lines = bannerView(healthReport(routerWithWaitingClient()), full);
    for (const line of lines) assert.is_true(displayWidth(line) <= 80, line);
    assert.is_true(lines.length <= 6);
  });
});
