// SPDX-License-Identifier: GPL-2.0-only
// What a person reads when the router cannot do its work, or not all of it.

import { esp, ipv4 } from "../frame";
import { espOn } from "./packet-match";
import { RouterProcess, waitUntil } from "./router-process";
import { CLIENT_1, SERVER, Site } from "./site";

/** sysexits.h */
const EX_UNAVAILABLE = 69;
const EX_NOPERM = 77;
const EX_CONFIG = 78;

describe("a router that lacks something", () => {
  let site: Site;
  let router: RouterProcess;

  setup(() => {
    site = new Site();
  });

  teardown(() => {
    site.close();
  });

  before_each(() => {
    router = new RouterProcess(site.router);
  });

  after_each(() => {
    router.remove();
  });

  it("says which key is wrong, and does not start", () => {
    router.configure({ scope: "everything" });
    router.launch();
    assert.equal(EX_CONFIG, router.end());
    assert.matches('scope: "everything" is not accepted; use "vpn" or "all"', router.log());
  });

  it("says that it needs root", () => {
    site.router.shell(`chmod 777 ${router.folder}`);
    router.launch('require("ffi").cdef("int setuid(unsigned id);") require("ffi").C.setuid(65534)');
    assert.equal(EX_NOPERM, router.end());
    assert.matches("the router needs root", router.log());
  });

  it("does not start beside another one that has its control socket", () => {
    router.start();
    const first = router.pid;
    router.launch();
    assert.equal(EX_UNAVAILABLE, router.end());
    assert.is_true(router.waitForLog("another server answers there"));
    router.pid = first;
    assert.equal("vpn", router.status().scope);
  });

  it("works without nft and says what that costs and how to end it, until nft is there", () => {
    router.shadowProgram("nft", "echo 'Error: syntax error, unexpected newline' >&2; echo 'more' >&2; exit 1");
    router.start();
    assert.is_true(router.waitForLog("the kernel's rules are not in place"));
    assert.is_true(router.waitForLog("nft: Error: syntax error, unexpected newline; install nftables, or set"));
    assert.matches("NOT in place", router.status().kernel_rules);
    site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001 }) }));
    site.server.expect(espOn(0x1001));
    site.router.shell(`rm ${router.folder}/bin/nft`);
    assert.is_true(waitUntil(() => string.find(router.status().kernel_rules, "NOT")[0] === undefined, 7000));
  });

  it("says that nobody is a client while the LAN has no address", () => {
    site.router.ip("addr flush dev lan0");
    router.start();
    assert.is_true(router.waitForLog("lan0: no IPv4 address, so nobody is a client"));
  });
});
