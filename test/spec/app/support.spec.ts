// SPDX-License-Identifier: GPL-2.0-only
// Who is asked for help's sake, and masking: one name for one address wherever it stands, and nothing else changed.

import { collectSupport, Mask, type SupportBundle, supportView } from "../../../src/app/support";

const NOWHERE = { router: "/nonexistent/control.sock", endpoint: "/nonexistent/endpoint.sock" };

describe("what is collected for who helps", () => {
  it("says that nobody answers, and of whom", () => {
    const bundle = collectSupport(NOWHERE);
    assert.matches("^no vpnmasq router answers", bundle.problem!);
    assert.matches("^no vpnmasq endpoint answers", bundle.endpoint!.problem!);
  });

  it("does not ask for an endpoint where only the router is named", () => {
    assert.is_nil(collectSupport({ router: NOWHERE.router, endpoint: undefined }).endpoint);
    assert.is_nil(collectSupport({ router: undefined, endpoint: NOWHERE.endpoint }).problem);
  });

  it("has the endpoint's parts under its name", () => {
    const bundle: SupportBundle = { ...collectSupport({ router: undefined, endpoint: undefined }) };
    bundle.endpoint = {
      configuration: { role: "client", "timers.max_idle_ms": 10000 },
      explain: [],
      log: ["2026-01-01 00:00:00 notice: endpoint, client of office"],
      kernel_errors: ["XfrmInNoStates 7"],
    };
    const text = supportView(bundle).join("\n");
    assert.is_not_nil(
      string.find(text, '== Endpoint: configuration\nrole "client"\ntimers.max_idle_ms 10000', 1, true)[0],
    );
    assert.is_not_nil(string.find(text, "refused\nXfrmInNoStates 7\n\n== Endpoint: log\n2026", 1, true)[0]);
  });
});

describe("masking", () => {
  it("gives an address the same name everywhere, and tells private from public", () => {
    const mask = new Mask();
    assert.same(
      { a: ["private-1", "public-2"], b: "from private-1 to public-2, not private-3/24", count: 5 },
      mask.value({
        a: ["192.168.1.10", "198.51.100.1"],
        b: "from 192.168.1.10 to 198.51.100.1, not 172.16.0.0/24",
        count: 5,
      }),
    );
  });

  it("leaves alone what is no address", () => {
    const mask = new Mask();
    assert.same(
      { a: "Linux 6.1.0-18", b: "1.2.3.400", c: "0xc0ffee01" },
      mask.value({ a: "Linux 6.1.0-18", b: "1.2.3.400", c: "0xc0ffee01" }),
    );
  });

  it("knows the private ranges to their ends", () => {
    const mask = new Mask();
    const names = mask.value(["172.31.255.255", "172.32.0.0", "100.64.0.0", "100.128.0.0", "10.0.0.1", "127.0.0.1"]);
    assert.same(["private-1", "public-2", "private-3", "public-4", "private-5", "private-6"], names);
  });
});
