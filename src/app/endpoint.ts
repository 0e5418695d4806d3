// SPDX-License-Identifier: GPL-2.0-only
// The role `endpoint`, put together: configuration, kernel, IKE daemons, hook and control socket around one loop.
//
// The kernel's IPsec is the only truth: SAs and policies tell what is there, whatever the IKE daemons say, and what is
// there at the start is adopted. Nothing is kept on disk.

import type { TunnelState } from "../epoch/tunnel";
import { monotonicMs, wallClockMs } from "../system/clock";
import { EventLoop } from "../system/event-loop";
import { Log } from "../system/log";
import { fail, type Outcome, succeed } from "../system/outcome";
import { effectiveUserId } from "../system/process";
import { randomWord } from "../system/random";
import { EchoSocket } from "../system/echo-socket";
import { type RouteEvent, RouteSocket } from "../system/rtnetlink";
import { type SignalName, Signals } from "../system/signals";
import { XfrmSocket } from "../system/xfrm";
import type { XfrmEvent } from "../system/xfrm-message";
import { Hook } from "../watchdog/hook";
import { HoldLoss } from "../watchdog/hold-loss";
import { Pinger } from "../watchdog/pinger";
import { type HoldCounts, Pins, PINS_EVENTS } from "../watchdog/pins";
import { ServerEcho } from "../watchdog/server-echo";
import { SA_MONITOR_EVENTS, SaMonitor } from "../watchdog/sa-monitor";
import { Watchdog } from "../watchdog/watchdog";
import { WatchedTunnel } from "../watchdog/watched-tunnel";
import { WayOut } from "../watchdog/way-out";
import { formatAddress } from "../wire/address";
import { unsigned } from "../wire/word";
import { ControlServer } from "./control-server";
import {
  type EndpointConfiguration,
  loadEndpointConfiguration,
  type TunnelConfiguration,
} from "./endpoint-configuration";
import { ENDPOINT_KEYS } from "./endpoint-keys";
import { EndpointDaemons } from "./endpoint-daemons";
import { isSameTunnel, takeLiveEndpointKeys } from "./endpoint-reload";
import { answerEndpointLine } from "./endpoint-request";
import type { EndpointState } from "./endpoint-state";
import { needsRestart } from "./document-key";
import { acceptReload, refuseReload, type ReloadReport } from "./reload";
import { EXIT_CONFIGURATION, EXIT_NO_PERMISSION, EXIT_UNAVAILABLE } from "./exit-status";
import { ProcdWatchdog } from "./procd-watchdog";

/** States in which a tunnel carries nothing. */
const LOST: readonly TunnelState[] = ["down", "recovering"];

/** Between two ticks: while an answer is awaited, held data waits for it too; else timers need no better. */
const AWAITING_TICK_MS = 20;
const TICK_MS = 100;
/** What events failed to tell is noticed after so long. */
const LOOK_AT_ALL_MS = 1000;
/** A client's silence is measured this exactly: half of `traffic_idle_ms`. A client has few SAs to look at. */
const LOOK_FOR_SILENCE_MS = 250;
/** What is held leaves within a tick of the kernel's clock, which is 10 ms at most. */
const RELEASE_MS = 20;
const WORDS = 0x100000000;

/** Runs until told to end. @returns the exit status. */
export function runEndpoint(configPath: string): number {
  const [config, problems] = loadEndpointConfiguration(configPath);
  if (config === undefined) {
    for (const problem of problems) io.stderr.write(`vpnmasq: ${configPath}: ${problem}\n`);
    return EXIT_CONFIGURATION;
  }
  if (effectiveUserId() !== 0) {
    io.stderr.write("vpnmasq: the endpoint needs root: it reads the kernel's SAs and adds policies\n");
    return EXIT_NO_PERMISSION;
  }
  const log = new Log({ level: config.logLevel, to: config.log, name: "vpnmasq-endpoint" });
  const [endpoint, problem] = Endpoint.start(config, configPath, log);
  if (endpoint === undefined) {
    log.error(problem);
    return EXIT_UNAVAILABLE;
  }
  endpoint.run();
  return 0;
}

/** What is opened at the start and closed in the end. */
interface Kernel {
  readonly xfrm: XfrmSocket;
  readonly routes: RouteSocket;
}

class Endpoint implements EndpointState {
  readonly startedMs = monotonicMs();
  lastReload: ReloadReport | undefined;
  private readonly pins: Pins;
  private readonly monitor: SaMonitor;
  private readonly wayOut: WayOut;
  private readonly pinger = new Pinger();
  private readonly echo: ServerEcho;
  private readonly holdLoss = new HoldLoss();
  private readonly watchdog: Watchdog;
  private hook: Hook | undefined;
  private readonly procdWatchdog: ProcdWatchdog | undefined;
  private readonly daemons: EndpointDaemons;
  private control: ControlServer | undefined;
  private paceMs = 0;
  private slowDueMs = 0;

  private constructor(
    public config: EndpointConfiguration,
    readonly configPath: string,
    private readonly log: Log,
    private readonly loop: EventLoop,
    private readonly kernel: Kernel,
  ) {
    const { xfrm, routes } = kernel;
    this.wayOut = new WayOut(routes);
    this.pins = new Pins(xfrm);
    this.monitor = new SaMonitor(xfrm, {
      isLocal: (address) => this.wayOut.isOwn(address),
      onReport: (report) => {
        this.watchdog.report(report, monotonicMs());
      },
      awaitedIntervalMs: AWAITING_TICK_MS,
      allIntervalMs: config.role === "client" ? LOOK_FOR_SILENCE_MS : LOOK_AT_ALL_MS,
      wallClockMs,
    });
    this.echo = new ServerEcho(
      () =>
        EchoSocket.open(loop, (reply) => {
          this.echo.heard(reply, monotonicMs());
        }),
      randomWord() & 0xffff,
    );
    this.daemons = new EndpointDaemons(loop);
    this.watchdog = this.makeWatchdog();
    this.hook = this.hookOf(config);
    this.procdWatchdog = ProcdWatchdog.of(config.procdInstance, loop, log);
  }

  /** Everything that can fail for good. */
  static start(this: void, config: EndpointConfiguration, configPath: string, log: Log): Outcome<Endpoint> {
    const loop = new EventLoop();
    // The sockets are there before who listens to them.
    const listener: { endpoint?: Endpoint } = {};
    const [routes, routesProblem] = RouteSocket.open(loop, (event) => listener.endpoint?.followRoutes(event));
    if (routes === undefined) return fail(routesProblem);
    const [xfrm, problem] = XfrmSocket.follow(loop, SA_MONITOR_EVENTS | PINS_EVENTS, (event) =>
      listener.endpoint?.followXfrm(event),
    );
    if (xfrm === undefined) return fail(problem);
    const endpoint = new Endpoint(config, configPath, log, loop, { xfrm, routes });
    listener.endpoint = endpoint;
    const cause = endpoint.adopt();
    if (cause !== undefined) return fail(cause);
    return succeed(endpoint);
  }

  run(): void {
    const [, problem] = Signals.watch(this.loop, ["TERM", "INT", "HUP"], (name) => {
      this.obey(name);
    });
    if (problem !== undefined) this.log.error(problem);
    this.pace();
    const { role, tunnels } = this.config;
    this.log.notice(`endpoint, ${role} of ${tunnels.map(({ name }) => name).join(", ")}`);
    this.loop.run();
    this.close();
  }

  // What it shows of itself

  nowMs(): number {
    return monotonicMs();
  }

  tunnels(): readonly WatchedTunnel[] {
    return this.watchdog.tunnels;
  }

  holdOf({ settings }: WatchedTunnel): HoldCounts | undefined {
    return this.pins.countsOf(settings.name);
  }

  discardedWhileHolding(): number {
    return this.holdLoss.discarded;
  }

  problemsOf(tunnel: WatchedTunnel): string[] {
    const problems: string[] = [];
    const add = (problem: string | undefined): void => {
      if (problem !== undefined) problems.push(problem);
    };
    const peer = tunnel.peerAddress();
    const obstacle = peer === undefined ? "" : this.wayOut.obstacle(peer);
    if (peer !== undefined && this.echo.answers(peer) === "no") {
      problems.push(`${formatAddress(peer)} answered echo requests before, and does not now`);
    }
    if (obstacle !== "") problems.push(`no way to ${formatAddress(peer!)}: ${obstacle}`);
    add(tunnel.daemon.trouble());
    if (tunnel.pinned === undefined && tunnel.machine.epochs().length > 0) {
      problems.push("the daemon has no policy for it, so data cannot be held; give its networks");
    }
    add(this.pins.problemOf(tunnel.settings.name));
    add(tunnel.pingProblem);
    add(this.echo.problem);
    add(tunnel.timerProblem);
    add(this.monitor.problem);
    return problems;
  }

  logTail(): readonly string[] {
    return this.log.tail();
  }

  // Start and end

  private makeWatchdog(): Watchdog {
    const tunnels = this.config.tunnels.map((tunnel) => this.watched(tunnel));
    return new Watchdog(tunnels, {
      pins: this.pins,
      policies: () => this.kernel.xfrm.policies(),
      ping: (path) => this.pinger.ping(path),
      obstacle: (peer) => this.wayOut.obstacle(peer),
      way: (peer) => this.wayOut.name(peer),
      answers: (peer) => this.echo.answers(peer),
      onNews: (tunnel, text, isNewState) => {
        this.tell(tunnel, text, isNewState);
      },
    });
  }

  private watched(tunnel: TunnelConfiguration): WatchedTunnel {
    const random = (): number => unsigned(randomWord()) / WORDS;
    return new WatchedTunnel(tunnel, this.daemons.driverOf(tunnel), random, monotonicMs());
  }

  private hookOf({ hook, hookTimeoutMs }: EndpointConfiguration): Hook | undefined {
    if (hook === undefined) return undefined;
    return new Hook(this.loop, hook, hookTimeoutMs, (problem) => {
      this.log.limited("warning", "hook", `hook ${hook}: ${problem}`);
    });
  }

  /** Takes over what is there; the reason when that cannot be. */
  private adopt(): string | undefined {
    const nowMs = monotonicMs();
    const [control, controlProblem] = ControlServer.listen(this.loop, this.config.control, (line) =>
      answerEndpointLine(this, line),
    );
    if (control === undefined) return controlProblem;
    this.control = control;
    const [, pinsProblem] = this.pins.start(nowMs);
    if (pinsProblem !== undefined) return pinsProblem;
    this.watchdog.readPolicies(nowMs);
    const [, problem] = this.monitor.start(nowMs);
    return problem;
  }

  private close(): void {
    if (this.watchdog.release(this.tunnels(), monotonicMs())) new EventLoop().runOnce(RELEASE_MS);
    this.pins.close();
    this.echo.close();
    this.daemons.close();
    this.hook?.close();
    this.procdWatchdog?.close();
    this.control?.close();
    this.kernel.xfrm.close();
    this.kernel.routes.close();
    this.log.notice("ended; the tunnels are the IKE daemon's alone");
    this.log.close();
  }

  // What happens to it

  private followXfrm(event: XfrmEvent): void {
    const nowMs = monotonicMs();
    // Pins first: a packet for an SA that is gone makes the kernel ask for another.
    this.pins.handle(event, nowMs);
    this.monitor.handle(event, nowMs);
    this.watchdog.handle(event, nowMs);
    this.pace();
  }

  private followRoutes(event: RouteEvent): void {
    this.wayOut.follow(event);
  }

  private obey(signal: SignalName): void {
    if (signal === "HUP") this.reload();
    else this.loop.stop();
  }

  private reload(): void {
    const [config, problems] = loadEndpointConfiguration(this.configPath);
    const nowMs = monotonicMs();
    if (config === undefined) {
      this.lastReload = refuseReload(this.log, problems, nowMs);
      return;
    }
    const waiting = needsRestart(ENDPOINT_KEYS, this.config.effective, config.effective);
    this.takeConfiguration(takeLiveEndpointKeys(this.config, config), nowMs);
    this.lastReload = acceptReload(this.log, waiting, nowMs);
  }

  /** Tunnels whose configuration is the same are not touched; the others begin as after a restart. */
  private takeConfiguration(config: EndpointConfiguration, nowMs: number): void {
    const before = this.config;
    this.config = config;
    this.log.level = config.logLevel;
    if (config.hook !== before.hook || config.hookTimeoutMs !== before.hookTimeoutMs) {
      this.hook?.close();
      this.hook = this.hookOf(config);
    }
    const tunnels = config.tunnels.map((tunnel) => {
      const index = before.tunnels.findIndex((other) => isSameTunnel(tunnel, other));
      return index >= 0 ? this.watchdog.tunnels[index] : this.watched(tunnel);
    });
    this.letGo(nowMs);
    this.watchdog.watch(tunnels, nowMs);
    this.daemons.keepOnly(config.tunnels);
    this.pace();
  }

  /** What tunnels hold that are not watched any more leaves by their newest epoch. */
  private letGo(nowMs: number): void {
    const names = this.config.tunnels.map(({ name }) => name);
    const left = this.tunnels().filter(({ settings }) => !names.includes(settings.name));
    if (this.watchdog.release(left, nowMs)) new EventLoop().runOnce(RELEASE_MS);
  }

  private tick(nowMs: number): void {
    this.wayOut.tick(nowMs);
    this.monitor.tick(nowMs);
    this.echo.tick(this.watchdog.doubtfulPeers(), this.watchdog.workingPeers(), nowMs);
    this.watchdog.tick(nowMs);
    this.pins.tick(nowMs);
    this.holdLoss.tick(this.pins.isHolding());
    this.daemons.tick(nowMs);
    this.hook?.tick(nowMs);
    this.procdWatchdog?.tick(nowMs);
    if (nowMs >= this.slowDueMs) this.slowTick(nowMs);
    this.pace();
  }

  private slowTick(nowMs: number): void {
    this.slowDueMs = nowMs + LOOK_AT_ALL_MS;
    for (const tunnel of this.tunnels()) {
      const { name } = tunnel.settings;
      for (const problem of this.problemsOf(tunnel)) {
        this.log.limited("warning", `${name} ${problem}`, `${name}: ${problem}`);
      }
    }
    this.daemons.compareTimers(this.tunnels(), nowMs);
  }

  /** Looks closely where an answer is awaited. */
  private pace(): void {
    const awaited = this.watchdog.awaited(monotonicMs());
    this.monitor.awaitOn(awaited);
    const paceMs = awaited.length > 0 ? AWAITING_TICK_MS : TICK_MS;
    if (paceMs === this.paceMs) return;
    this.paceMs = paceMs;
    this.loop.tick(paceMs, (nowMs) => {
      this.tick(nowMs);
    });
  }

  private tell(tunnel: WatchedTunnel, text: string, isNewState: boolean): void {
    const { settings, machine } = tunnel;
    const { name, connection } = settings;
    const level = isNewState && LOST.includes(machine.state) ? "warning" : "notice";
    this.log.write(level, `${name}: ${isNewState ? `${machine.state}: ` : ""}${text}`);
    if (!isNewState) return;
    const peer = tunnel.peerAddress();
    const PEER = peer === undefined ? "" : formatAddress(peer);
    this.hook?.run(name, { TUNNEL: name, STATE: machine.state, CAUSE: text, CONNECTION: connection, PEER });
  }
}
