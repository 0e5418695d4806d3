// SPDX-License-Identifier: GPL-2.0-only
// The watch over tunnels, on a kernel and IKE daemons that only write down what is asked of them.

import type { ServerAnswers } from "../../../src/epoch/ladder";
import type { EpochParameters } from "../../../src/epoch/parameters";
import { fail, type Outcome, succeed } from "../../../src/system/outcome";
import type { Policy } from "../../../src/system/xfrm-message";
import type { EpochSas } from "../../../src/watchdog/epoch-pairing";
import type { IkeDaemon, ListHandler, Presence, ReportHandler } from "../../../src/watchdog/ike-daemon";
import type { PinPlacement } from "../../../src/watchdog/pins";
import type { PinnedTunnel } from "../../../src/watchdog/pin-policy";
import { Watchdog } from "../../../src/watchdog/watchdog";
import { type TunnelSettings, WatchedTunnel } from "../../../src/watchdog/watched-tunnel";
import { CLIENT, SERVER } from "../epoch/tunnel-run";
import { address } from "../frame";
import { LOCAL, PEER } from "./fake-xfrm";
import { prefix } from "./prefix";

class FakeDaemon implements IkeDaemon {
  readonly name = "libreswan";
  orders: string[] = [];
  hasNewEpoch: (() => boolean) | undefined;

  presence(): Presence {
    return "there";
  }

  trouble(): string | undefined {
    return undefined;
  }

  list(done: ListHandler): void {
    done([], undefined);
  }

  rekeyChild(connection: string, hasNewEpoch: (this: void) => boolean, done: ReportHandler): void {
    this.orders.push(`rekey ${connection}`);
    this.hasNewEpoch = hasNewEpoch;
    done({ text: "rekeyed, it says", problem: undefined });
  }

  initiate(connection: string): void {
    this.orders.push(`initiate ${connection}`);
  }

  restartIke(connection: string): void {
    this.orders.push(`new-ike ${connection}`);
  }

  tick(): void {
    this.orders.push();
  }

  close(): void {
    this.orders.push();
  }
}

function settings(name: string, remote: string, parameters: EpochParameters): TunnelSettings {
  return {
    name,
    connection: `${name}-connection`,
    local: undefined,
    peer: undefined,
    localNetworks: [prefix("10.0.1.1/32")],
    remoteNetworks: [prefix(remote)],
    ping: { source: address("10.0.1.1"), target: prefix(remote).network + 1 },
    parameters,
  };
}

function epoch(outSpi: number, reqid = 1): EpochSas {
  const peers = { local: LOCAL, peer: PEER, reqid };
  return { peers, outSpi, inSpi: outSpi + 1000, mode: "tunnel", mark: undefined, interfaceId: 0 };
}

function daemonPolicy(reqid: number, destination: string): Policy {
  const anyPort = { value: 0, mask: 0 };
  const [source, target] = [prefix("10.0.1.1/32"), prefix(destination)];
  return {
    selector: { source, destination: target, protocol: 0, sourcePort: anyPort, destinationPort: anyPort },
    direction: "out",
    mark: undefined,
    interfaceId: 0,
    priority: 1757393,
    isBlocking: false,
    templates: [{ source: LOCAL, destination: PEER, spi: 0, protocol: 50, mode: "tunnel", reqid }],
    hardLifetimeSeconds: Infinity,
  };
}

class World {
  nowMs = 1000;
  obstacle = "";
  way = "by the gateway";
  answers: ServerAnswers = "unknown";
  pingProblem: string | undefined;
  policies: Policy[] = [];
  readonly daemon = new FakeDaemon();
  /** What was done, in order: placements, pings, news. */
  readonly done: string[] = [];
  readonly tunnels: WatchedTunnel[];
  readonly watchdog: Watchdog;
  private readonly placements = new LuaMap<string, string>();

  constructor(all: readonly TunnelSettings[]) {
    this.tunnels = all.map((one) => new WatchedTunnel(one, this.daemon, () => 0.5, this.nowMs));
    this.watchdog = new Watchdog(this.tunnels, {
      pins: this,
      policies: () => succeed(this.policies),
      ping: () => this.ping(),
      obstacle: () => this.obstacle,
      way: () => this.way,
      answers: () => this.answers,
      onNews: (tunnel, text) => {
        this.done.push(`${tunnel.settings.name} ${tunnel.machine.state}: ${text}`);
      },
    });
    this.watchdog.readPolicies(this.nowMs);
  }

  place({ name }: PinnedTunnel, { data, ping }: PinPlacement): Outcome<true> {
    const text = `${name} data ${data === "hold" ? "hold" : data.outSpi}, ping ${ping?.outSpi ?? "nowhere"}`;
    if (this.placements.get(name) !== text) this.done.push(text);
    this.placements.set(name, text);
    return succeed(true as const);
  }

  withdraw(name: string): void {
    this.done.push(`${name} withdrawn`);
    this.placements.delete(name);
  }

  appear(which: EpochSas): EpochSas {
    this.watchdog.report({ kind: "appeared", epoch: which }, this.nowMs);
    return which;
  }

  use(which: EpochSas): void {
    this.watchdog.report({ kind: "used", epoch: which }, this.nowMs);
  }

  goes(which: EpochSas): void {
    this.watchdog.report({ kind: "gone", epoch: which }, this.nowMs);
  }

  pass(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      this.nowMs += 100;
      this.watchdog.tick(this.nowMs);
    }
  }

  take(): string[] {
    return this.done.splice(0, this.done.length);
  }

  private ping(): Outcome<true> {
    if (this.pingProblem !== undefined) return fail(this.pingProblem);
    this.done.push("ping");
    return succeed(true as const);
  }
}

describe("the watch over a client's tunnel", () => {
  let world: World;

  before_each(() => {
    world = new World([settings("office", "10.99.0.0/24", CLIENT)]);
  });

  it("holds data from the start, pins the ping before it is sent, and lets data go at the answer", () => {
    assert.same(["office data hold, ping nowhere"], world.take());
    const first = world.appear(epoch(1));
    assert.same(["office data hold, ping 1", "office confirming: a new epoch has come", "ping"], world.take());
    assert.same([1001], world.watchdog.awaited(world.nowMs));
    world.use(first);
    assert.same(["office data 1, ping nowhere", "office up: the epoch was answered"], world.take());
    assert.same([], world.watchdog.awaited(world.nowMs));
  });

  it("keeps data on the old epoch after a rekey until the new one is answered", () => {
    world.use(world.appear(epoch(1)));
    world.take();
    const second = world.appear(epoch(2));
    assert.equal("office data 1, ping 2", world.take()[0]);
    world.use(second);
    assert.equal("office data 2, ping nowhere", world.take()[0]);
  });

  it("does not tell of probes of an idle tunnel that are answered", () => {
    const first = world.appear(epoch(1));
    world.use(first);
    world.take();
    world.pass(CLIENT.maxIdleMs + 200);
    assert.same(["office data 1, ping 1", "ping"], world.take());
    world.use(first);
    assert.same(["office data 1, ping nowhere"], world.take());
  });

  it("orders a rekey when pings are not answered, and believes in the epoch only", () => {
    world.use(world.appear(epoch(1)));
    world.pass(60_000);
    assert.equal("rekey office-connection", world.daemon.orders[0]);
    assert.equal("rekeyed, it says", world.tunnels[0].daemonText);
    assert.is_false(world.daemon.hasNewEpoch!());
    assert.equal("recovering", world.tunnels[0].machine.state);
    world.pass(100);
    const second = world.appear(epoch(2));
    assert.is_true(world.daemon.hasNewEpoch!());
    assert.not_equal("up", world.tunnels[0].machine.state);
    world.use(second);
    assert.equal("up", world.tunnels[0].machine.state);
    assert.equal(1, world.tunnels[0].machine.outages.recoveries);
  });

  it("orders nothing while there is no way to the peer", () => {
    world.use(world.appear(epoch(1)));
    world.obstacle = "eth0 is down";
    world.pass(120_000);
    assert.same([], world.daemon.orders);
  });

  it("pings soon when packets go out in vain", () => {
    const first = world.appear(epoch(1));
    world.use(first);
    world.take();
    world.watchdog.report({ kind: "unanswered", epoch: first }, world.nowMs);
    world.pass(3 * CLIENT.pingTimeMinMs + 100);
    assert.same(["office data 1, ping 1", "ping"], world.take());
  });

  it("asks for evidence while a tunnel is in doubt, and heeds it", () => {
    const first = world.appear(epoch(1));
    assert.same([PEER], world.watchdog.doubtfulPeers());
    assert.same([], world.watchdog.workingPeers());
    world.use(first);
    assert.same([], world.watchdog.doubtfulPeers());
    assert.same([PEER], world.watchdog.workingPeers());
    world.answers = "no";
    world.pass(30_000);
    assert.same([PEER], world.watchdog.doubtfulPeers());
    assert.same([], world.daemon.orders);
  });

  it("starts a new IKE session at once when the way out became another one since the last answer", () => {
    world.use(world.appear(epoch(1)));
    world.way = "by another gateway";
    world.pass(30_000);
    assert.equal("new-ike office-connection", world.daemon.orders[0]);
  });

  it("forgets that the way out became another one when the tunnel is answered by it", () => {
    const first = world.appear(epoch(1));
    world.use(first);
    world.way = "by another gateway";
    world.use(first);
    world.pass(30_000);
    assert.equal("rekey office-connection", world.daemon.orders[0]);
  });

  it("tells why a ping could not be sent", () => {
    world.pingProblem = "ICMP cannot be sent from 10.0.1.1";
    world.appear(epoch(1));
    assert.equal(0, world.tunnels[0].pingsSent);
    assert.equal(world.pingProblem, world.tunnels[0].pingProblem!);
  });

  it("adopts an epoch that was answered before, and goes on sending on it", () => {
    world.take();
    world.watchdog.report({ kind: "found", epoch: epoch(1), ageMs: 5000, isAnswered: true }, world.nowMs);
    assert.equal("office data 1, ping 1", world.take()[0]);
  });

  it("lets what is held go by the newest epoch when it ends", () => {
    world.appear(epoch(1));
    world.take();
    assert.is_true(world.watchdog.release(world.tunnels, world.nowMs));
    assert.same(["office data 1, ping nowhere"], world.take());
  });

  it("pins what the daemon's policies carry when nothing is configured, as soon as they are there", () => {
    const open = { ...settings("open", "10.99.0.0/24", CLIENT), localNetworks: [], remoteNetworks: [] };
    world = new World([open]);
    world.appear(epoch(1));
    assert.same(["open confirming: a new epoch has come", "ping"], world.take());
    world.policies = [daemonPolicy(1, "10.99.0.0/24")];
    world.watchdog.handle({ kind: "policy", policy: world.policies[0] }, world.nowMs);
    assert.same(["open data hold, ping 1"], world.take());
  });
});

describe("tunnels that are changed while they are watched", () => {
  function renewed(world: World, changes: Partial<TunnelSettings>): WatchedTunnel {
    const all = { ...settings("office", "10.99.0.0/24", CLIENT), ...changes };
    return new WatchedTunnel(all, world.daemon, () => 0.5, world.nowMs);
  }

  it("keep their epochs and their data where they are, and are pinged", () => {
    const world = new World([settings("office", "10.99.0.0/24", CLIENT)]);
    const first = world.appear(epoch(1));
    world.use(first);
    world.take();
    const heir = renewed(world, { connection: "another" });
    world.watchdog.watch([heir], world.nowMs);
    assert.same(["office data 1, ping 1", "ping"], world.take());
    world.use(first);
    assert.equal("up", heir.machine.state);
    assert.equal("a new epoch has come", heir.events[0].text);
    world.goes(first);
    assert.equal("down", heir.machine.state);
  });

  it("are not touched when they are the same", () => {
    const world = new World([settings("office", "10.99.0.0/24", CLIENT)]);
    world.use(world.appear(epoch(1)));
    world.take();
    world.watchdog.watch(world.tunnels, world.nowMs);
    assert.same([], world.take());
  });

  it("lose their pins when they are not watched any more, and their epochs await another owner", () => {
    const world = new World([settings("office", "10.99.0.0/24", CLIENT)]);
    const first = world.appear(epoch(1));
    world.use(first);
    world.watchdog.watch([], world.nowMs);
    assert.is_true(world.take().includes("office withdrawn"));
    const again = renewed(world, {});
    world.watchdog.watch([again], world.nowMs);
    assert.equal("office data 1, ping 1", world.take()[0]);
    world.use(first);
    assert.equal("up", again.machine.state);
  });
});

describe("the watch over a server's tunnels", () => {
  const world = new World([
    settings("one", "10.1.0.0/24", { ...SERVER, clientLeadMs: 0 }),
    settings("two", "10.2.0.0/24", { ...SERVER, clientLeadMs: 0 }),
  ]);

  it("tells tunnels of clients behind one address apart by their policies, even when these come late", () => {
    const second = world.appear(epoch(7, 2));
    world.use(second);
    assert.same([], world.take());
    world.policies = [daemonPolicy(1, "10.1.0.0/24"), daemonPolicy(2, "10.2.0.0/24")];
    world.watchdog.handle({ kind: "policy", policy: world.policies[1] }, world.nowMs);
    assert.equal("two data hold, ping 7", world.take()[0]);
    assert.equal("up", world.tunnels[1].machine.state);
    assert.same([], world.tunnels[0].machine.epochs());
  });

  it("keeps data on the old epoch and answers pings on the new one until the client's packet comes", () => {
    const third = world.appear(epoch(8, 2));
    assert.equal("two data 7, ping 8", world.take()[0]);
    assert.same([1008], world.watchdog.awaited(world.nowMs));
    world.use(third);
    assert.equal("two data 8, ping 8", world.take()[0]);
  });

  it("holds nothing for a client that left", () => {
    for (const { outSpi } of [...world.tunnels[1].machine.epochs()]) {
      const sas = world.tunnels[1].sasOf(world.tunnels[1].machine.epochs().find((one) => one.outSpi === outSpi));
      world.goes(sas!);
    }
    assert.is_true(world.take().includes("two withdrawn"));
    world.pass(1000);
    assert.same([], world.take());
    assert.same([], world.daemon.orders);
  });
});
