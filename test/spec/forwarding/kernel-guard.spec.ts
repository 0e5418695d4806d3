// SPDX-License-Identifier: GPL-2.0-only
// The kernel's rules of a running router: there while it runs, gone however it ends, never lost to the one before.

import { esp, ipv4 } from "../frame";
import { icmpOf } from "./packet-match";
import { RouterProcess, SIGNAL, sleepMs, waitUntil } from "./router-process";
import { ROUTER_WAN, SERVER, Site } from "./site";

const PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range";
/** Longer than a guard needs to clean up. */
const GUARD_MS = 900;

describe("the kernel's rules", () => {
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

  const hasTable = (): boolean => site.router.output("nft list tables netdev") === "table netdev vpnmasq";
  const isGone = (): boolean => site.router.output("nft list tables") === "";
  const portRange = (): string => site.router.output(`tr '\\t' - <${PORT_RANGE}`);

  it("are there while the router runs, and gone when it was told to end", () => {
    router.start();
    assert.is_true(hasTable());
    assert.equal(0, router.stop());
    assert.is_true(isGone());
  });

  it("are gone after kill -9", () => {
    router.start();
    router.kill();
    assert.is_true(waitUntil(isGone));
  });

  it("are gone after kill -9 even if everything with it gets SIGTERM", () => {
    router.start();
    const guards = site.router.output(`grep -l vpnmasq-guard /proc/[0-9]*/cmdline 2>/dev/null | cut -d / -f 3`);
    for (const [guard] of string.gmatch(guards, "%d+")) {
      if (site.router.output(`readlink /proc/${guard}/ns/net`) === site.router.output("readlink /proc/self/ns/net")) {
        site.router.shell(`kill -TERM ${guard}`);
      }
    }
    router.kill();
    assert.is_true(waitUntil(isGone));
  });

  it("stay when a router is started right after kill -9, though the old one's are still being removed", () => {
    router.shadowProgram("nft", 'case "$*" in *vpnmasq*|*handle*) sleep 0.3 ;; esac; exec /usr/sbin/nft "$@"');
    router.start();
    router.kill();
    router.start();
    sleepMs(GUARD_MS);
    assert.is_true(hasTable());
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x7777 }) }));
    assert.is_true(site.server.isSpared(icmpOf(3)));
  });

  it("replace what an older router left behind", () => {
    site.router.shell("nft 'table netdev vpnmasq { chain stale { }; }'");
    router.start();
    assert.is_nil(string.find(site.router.output("nft list ruleset"), "stale", 1, true)[0]);
    router.stop();
    assert.is_true(isGone());
  });

  it("are what keeps the kernel from answering", () => {
    router.configure({ kernel_rules: "none" });
    router.start();
    assert.is_true(isGone());
    site.server.send(ipv4({ from: SERVER, to: ROUTER_WAN, carrying: esp({ spi: 0x7777 }) }));
    site.server.expect(icmpOf(3, 2));
  });

  it("come with a port range of the router's own in scope all, which ends with them", () => {
    router.configure({ scope: "all" });
    const before = portRange();
    router.start();
    assert.equal("61000-65535", portRange());
    router.kill();
    router.start();
    sleepMs(GUARD_MS);
    assert.equal("61000-65535", portRange());
    router.signal(SIGNAL.TERM);
    router.end();
    assert.equal(before, portRange());
  });
});
