// SPDX-License-Identifier: GPL-2.0-only
// The IKE daemons that an endpoint's tunnels belong to: one driver for each, however many tunnels it has, and whether its
// timers are those that we were told.

import type { EventLoop } from "../system/event-loop";
import type { IkeConnection, IkeDaemon } from "../watchdog/ike-daemon";
import { Libreswan } from "../watchdog/libreswan";
import { StrongSwan } from "../watchdog/strongswan";
import type { WatchedTunnel } from "../watchdog/watched-tunnel";
import type { TunnelConfiguration } from "./endpoint-configuration";

/** A daemon whose timers are not known is asked again after this. */
const ASK_TIMERS_MS = 60_000;

type DaemonChoice = Pick<TunnelConfiguration, "daemon" | "daemonControl">;

export class EndpointDaemons {
  private readonly drivers = new LuaMap<string, IkeDaemon>();
  private timersDueMs = 0;

  constructor(private readonly loop: EventLoop) {}

  driverOf(choice: DaemonChoice): IkeDaemon {
    const name = nameOf(choice);
    const known = this.drivers.get(name);
    if (known !== undefined) return known;
    const driver = choice.daemon === "libreswan" ? this.libreswan(choice) : this.strongSwan(choice);
    this.drivers.set(name, driver);
    return driver;
  }

  /** Drivers that none of these needs are ended, and all daemons' timers are asked for anew. */
  keepOnly(choices: readonly DaemonChoice[]): void {
    const names = choices.map((choice) => nameOf(choice));
    for (const [name, driver] of this.drivers) {
      if (!names.includes(name)) {
        driver.close();
        this.drivers.delete(name);
      }
    }
    this.timersDueMs = 0;
  }

  /** To be called a few times a second. */
  tick(nowMs: number): void {
    for (const [, driver] of this.drivers) driver.tick(nowMs);
  }

  /** The inequalities between timers hold only when the daemons have those that we were told. Asks them when it is time. */
  compareTimers(tunnels: readonly WatchedTunnel[], nowMs: number): void {
    if (nowMs < this.timersDueMs) return;
    this.timersDueMs = Infinity;
    for (const [, driver] of this.drivers) {
      driver.list((connections) => {
        if (connections === undefined) this.timersDueMs = nowMs + ASK_TIMERS_MS;
        else compareTimers(tunnels, driver, connections);
      });
    }
  }

  close(): void {
    for (const [, driver] of this.drivers) driver.close();
  }

  private libreswan({ daemonControl }: DaemonChoice): IkeDaemon {
    const place = daemonControl === undefined ? [] : ["--rundir", daemonControl];
    return new Libreswan(this.loop, ["ipsec", "whack", ...place]);
  }

  private strongSwan({ daemonControl }: DaemonChoice): IkeDaemon {
    const place = daemonControl === undefined ? [] : ["--uri", `unix://${daemonControl}`];
    return new StrongSwan(this.loop, "swanctl", place);
  }
}

function nameOf({ daemon, daemonControl }: DaemonChoice): string {
  return `${daemon} ${daemonControl ?? ""}`;
}

function compareTimers(
  tunnels: readonly WatchedTunnel[],
  driver: IkeDaemon,
  connections: readonly IkeConnection[],
): void {
  for (const tunnel of tunnels) {
    if (tunnel.daemon === driver) {
      const connection = connections.find(({ name }) => name === tunnel.settings.connection);
      tunnel.timerProblem = timerProblem(tunnel, connection);
    }
  }
}

function timerProblem({ settings }: WatchedTunnel, connection: IkeConnection | undefined): string | undefined {
  if (connection === undefined) return `the daemon has no connection ${settings.connection}`;
  const { timers } = connection;
  if (timers === undefined) return undefined;
  const { keylifeMs, marginMs, fuzz } = settings.parameters;
  const isSame = timers.keylifeMs === keylifeMs && timers.marginMs === marginMs && timers.fuzz === fuzz;
  if (isSame) return undefined;
  const has = `keylife_s ${timers.keylifeMs / 1000}, margin_s ${timers.marginMs / 1000}, fuzz_percent ${timers.fuzz * 100}`;
  return `the daemon's timers are others: ${has}; set these, or the daemon's`;
}
