// SPDX-License-Identifier: GPL-2.0-only
// A router that is well, degraded, wedged, hung and gone, as `vpnmasq health` and its heartbeats show it.

import { askHealth } from "../../../src/app/health-command";
import { unsealed } from "../../../src/heartbeat/checked-line";
import { type Heartbeat, HEARTBEAT_MARK, readHeartbeat } from "../../../src/heartbeat/heartbeat";
import { monotonicMs } from "../../../src/system/clock";
import { outputOf, shell } from "../system/network";
import { esp, ipv4 } from "../frame";
import { espOn } from "./packet-match";
import { RouterProcess, SIGNAL, waitUntil } from "./router-process";
import { CLIENT_1, SERVER, Site } from "./site";

/** A wedge is proved in 3 s, and looked for once a second. */
const PROVED_MS = 8000;

/** A router whose loop turns, but which takes nothing out of the LAN's ring. */
const IGNORE_THE_LAN = `package.path = "./?.lua;" .. package.path
require("src.forwarding.forwarder").Forwarder.prototype.receiveFromLan = function() end`;

describe("the health of a running router", () => {
  let site: Site;
  let router: RouterProcess;

  before_each(() => {
    site = new Site();
    router = new RouterProcess(site.router);
    shell(`: >${router.folder}/console`);
    router.configure({ heartbeat: `${router.folder}/console`, heartbeat_interval_s: 1 });
  });

  after_each(() => {
    router.remove();
    site.close();
  });

  function send(sequence: number): void {
    site.clients[0].send(ipv4({ from: CLIENT_1, to: SERVER, carrying: esp({ spi: 0x1001, sequence }) }));
  }

  function heartbeats(): Heartbeat[] {
    const beats: Heartbeat[] = [];
    for (const [line] of string.gmatch(outputOf(`cat ${router.folder}/console`), "[^\n]+")) {
      const { text } = unsealed(line, HEARTBEAT_MARK);
      const beat = text === undefined ? "no-heartbeat" : readHeartbeat(text);
      if (typeof beat === "string") error(`"${line}" is no heartbeat: ${beat}`, 0);
      beats.push(beat);
    }
    return beats;
  }

  /** Waits until the router says so. */
  function becomes(health: string, reason: string): boolean {
    return waitUntil(() => {
      const now = askHealth(router.control);
      return now.health === health && now.reason === reason;
    }, PROVED_MS);
  }

  it("is ok while it forwards, and each heartbeat says so and counts on", () => {
    router.start();
    assert.is_true(becomes("ok", "none"));
    send(1);
    site.server.expect(espOn(0x1001));
    const hasCounted = (): boolean =>
      heartbeats().some(({ numbers }) => numbers.some(({ name, value }) => name === "lan" && value > 0));
    assert.is_true(waitUntil(hasCounted));
    for (const [index, { sequence }] of heartbeats().entries()) assert.equal(index + 1, sequence);
  });

  it("is degraded while the WAN is down, and ok again", () => {
    router.start();
    site.router.ip("link set wan0 down");
    assert.is_true(becomes("degraded", "wan-down"));
    site.router.ip("link set wan0 up");
    assert.is_true(becomes("ok", "none"));
  });

  it("is wedged when packets wait in a ring and none is taken", () => {
    router.launch(IGNORE_THE_LAN);
    assert.is_true(becomes("ok", "none"), router.log());
    send(1);
    assert.is_true(becomes("wedged", "lan-stuck"), router.log());
    assert.is_true(waitUntil(() => heartbeats().some(({ health }) => health === "wedged")));
  });

  it("is wedged when the program is stopped, which is known within two seconds", () => {
    router.start();
    assert.is_true(becomes("ok", "none"));
    shell(`kill -STOP ${router.pid}`);
    const askedMs = monotonicMs();
    const { health, reason } = askHealth(router.control);
    const tookMs = monotonicMs() - askedMs;
    shell(`kill -CONT ${router.pid}`);
    assert.equal("wedged no-answer", `${health} ${reason}`);
    assert.is_true(tookMs < 3000, `${tookMs} ms`);
  });

  it("is absent when there is no router", () => {
    router.start();
    router.signal(SIGNAL.KILL);
    router.end();
    assert.equal("absent", askHealth(router.control).health);
  });

  it("goes on forwarding when the console does not take its heartbeats", () => {
    shell(`rm ${router.folder}/console && mkfifo ${router.folder}/console`);
    router.start();
    assert.is_true(router.waitForLog("heartbeat: "));
    send(1);
    site.server.expect(espOn(0x1001));
    assert.equal("ok", askHealth(router.control).health);
  });
});
