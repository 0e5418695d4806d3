// SPDX-License-Identifier: GPL-2.0-only
// The role `router`, put together: configuration, kernel, rings, table, journal and control socket around one loop.
//
// Interfaces may appear, change and go at any time; `reconcile` compares what should be with what is and changes what
// differs, whatever the cause. It runs at the start, after each change that the kernel tells of, and after a reload.

import { Forwarder } from "../forwarding/forwarder";
import { KeptRules } from "../forwarding/kept-rules";
import { LinkWatch } from "../forwarding/link-watch";
import { type FilterMaker, Side } from "../forwarding/side";
import { lanFilter, wanFilter } from "../forwarding/tap-filter";
import { isSameTerritory, type Territory } from "../forwarding/territory";
import { Decisions } from "../masquerade/decisions";
import type { EspTracker } from "../masquerade/esp";
import type { IkeTracker } from "../masquerade/ike";
import type { Reason } from "../masquerade/reason";
import { NO_ADDRESS, Table } from "../masquerade/table";
import { monotonicMs, wallClockMs } from "../system/clock";
import { Compiler } from "../system/compiler";
import { EventLoop, FAILED, READABLE } from "../system/event-loop";
import { Log } from "../system/log";
import { fail, type Outcome, succeed } from "../system/outcome";
import { effectiveUserId } from "../system/process";
import { randomWord } from "../system/random";
import { type Link, type RouteEvent, RouteSocket } from "../system/rtnetlink";
import { type SignalName, Signals } from "../system/signals";
import { formatAddress } from "../wire/address";
import type { Health } from "../watchdog/forwarding-health";
import { DEFAULT_NAT_LOSS_LIMITS, type NatLoss, NatLossWatch } from "../watchdog/nat-loss";
import { tunnelUses } from "../watchdog/tunnel-use";
import { type Configuration, loadConfiguration, takeLiveKeys } from "./configuration";
import { CONFIGURATION_KEYS } from "./configuration-keys";
import { needsRestart } from "./document-key";
import { acceptReload, refuseReload, type ReloadReport } from "./reload";
import { answerLine } from "./control-request";
import { ControlServer } from "./control-server";
import { EXIT_CONFIGURATION, EXIT_NO_PERMISSION, EXIT_UNAVAILABLE } from "./exit-status";
import { ProcdWatchdog } from "./procd-watchdog";
import { RouterFastPath } from "./router-fast-path";
import { RouterHealth, type RouterParts } from "./router-health";
import { linkNews, type LinkReport, linkReport } from "./link-report";
import type { OffloadReport, RouterState } from "./router-state";
import { Journal, type RestoreReport } from "./snapshot-file";

/** Waits and idle times are this exact; waking up ten times a second costs nothing that can be measured. */
const TICK_MS = 100;
/** What the kernel refused is tried again after this: modules may load later, names may appear. */
const RETRY_MS = 5000;
/** Lost tunnels are looked for this often: their loss takes seconds to prove. */
const WATCH_MS = 1000;

/** Runs until told to end. @returns the exit status. */
export function runRouter(configPath: string): number {
  const [config, problems] = loadConfiguration(configPath);
  if (config === undefined) {
    for (const problem of problems) io.stderr.write(`vpnmasq: ${configPath}: ${problem}\n`);
    return EXIT_CONFIGURATION;
  }
  if (effectiveUserId() !== 0) {
    io.stderr.write("vpnmasq: the router needs root: it opens packet sockets and sets the kernel's rules\n");
    return EXIT_NO_PERMISSION;
  }
  const log = new Log({ level: config.logLevel, to: config.log, name: "vpnmasq" });
  const [router, problem] = Router.start(config, configPath, log);
  if (router === undefined) {
    log.error(problem);
    return EXIT_UNAVAILABLE;
  }
  router.run();
  return 0;
}

export class Router implements RouterState {
  readonly startedMs = monotonicMs();
  readonly decisions = new Decisions();
  readonly compiler = new Compiler();
  readonly esp: EspTracker;
  readonly ike: IkeTracker;
  readonly flows: RouterState["flows"];
  readonly counters: LuaMap<Reason, number>;
  restored: RestoreReport = { source: "none", espItems: 0, ikeSessions: 0, isComplete: false, notes: [] };
  lastReload: ReloadReport | undefined;

  private readonly loop = new EventLoop();
  private readonly table: Table;
  private readonly forwarder: Forwarder;
  private readonly links: LinkWatch;
  private readonly journal: Journal;
  private routes: RouteSocket | undefined;
  private control: ControlServer | undefined;
  private readonly rules: KeptRules;
  private readonly procdWatchdog: ProcdWatchdog | undefined;
  private readonly natLoss = new NatLossWatch(DEFAULT_NAT_LOSS_LIMITS);
  private readonly selfWatch: RouterHealth;
  private readonly fastPath: RouterFastPath;
  private watchedMs = 0;
  /** When the clients' address became another one than before. */
  private wanChangedMs: number | undefined;
  private lastWanAddress = NO_ADDRESS;
  private territory: Territory | undefined;
  /** The clients' networks, as text to compare. */
  private clientNetworks = "";
  /** Something changed that {@link reconcile} must look at before the next packets. */
  private isStale = true;
  private retryAtMs = Infinity;

  private constructor(
    public config: Configuration,
    readonly configPath: string,
    private readonly log: Log,
  ) {
    const { limits, scope, filtering, algorithm } = config;
    this.table = new Table({ limits, scope, filtering, algorithm, seed: randomWord() });
    this.forwarder = new Forwarder(this.table, this.decisions, limits);
    this.forwarder.beforeSending = () => {
      this.journal.record(this.esp, this.ike, this.table.wanAddress, monotonicMs());
    };
    this.links = new LinkWatch(config.lan, config.wan);
    this.rules = new KeptRules(config.kernelRules, scope);
    this.esp = this.table.esp;
    this.ike = this.table.ike;
    this.flows = this.table.flows;
    this.counters = this.forwarder.counters;
    this.journal = Journal.open(config, log);
    this.procdWatchdog = ProcdWatchdog.of(config.procdInstance, this.loop, log);
    this.selfWatch = new RouterHealth(config, this.startedMs, log);
    this.fastPath = new RouterFastPath(config);
  }

  /** Everything that can fail for good: sockets, and the memory of the last run. */
  static start(this: void, config: Configuration, configPath: string, log: Log): Outcome<Router> {
    const router = new Router(config, configPath, log);
    const [routes, problem] = RouteSocket.open(router.loop, (event) => {
      router.follow(event);
    });
    if (routes === undefined) return fail(problem);
    router.routes = routes;
    const unread = router.links.read(routes);
    if (unread !== undefined) return fail(unread);
    const [control, controlProblem] = ControlServer.listen(router.loop, config.control, (line) =>
      answerLine(router, line),
    );
    if (control === undefined) return fail(controlProblem);
    router.control = control;
    router.remember();
    return succeed(router);
  }

  run(): void {
    const [, problem] = Signals.watch(this.loop, ["TERM", "INT", "HUP"], (name) => {
      this.obey(name);
    });
    if (problem !== undefined) this.log.error(problem);
    this.compiler.start();
    this.reconcile();
    this.loop.tick(TICK_MS, (nowMs) => {
      this.tick(nowMs);
    });
    this.log.notice(`router between ${this.config.lan} and ${this.config.wan}, scope ${this.config.scope}`);
    // The text that the program was loaded from, twice its size, goes back to the system.
    collectgarbage();
    this.loop.run();
    this.close();
  }

  // What it shows of itself

  nowMs(): number {
    return monotonicMs();
  }

  wallMs(): number {
    return wallClockMs();
  }

  kernelRules(): string {
    return this.rules.state;
  }

  fragmentedDatagrams(): number {
    return this.table.fragments.count();
  }

  heldPackets(): number {
    return this.forwarder.heldPackets();
  }

  lan(): LinkReport {
    return linkReport(this.config.lan, this.links.lan(), this.forwarder.lan, this.links.lanAddress());
  }

  wan(): LinkReport {
    return linkReport(this.config.wan, this.links.wan(), this.forwarder.wan, this.links.wanAddress());
  }

  health(): Health {
    return this.selfWatch.present();
  }

  logTail(): readonly string[] {
    return this.log.tail();
  }

  // What happens to it

  private tick(nowMs: number): void {
    if (this.isStale || nowMs >= this.retryAtMs) this.reconcile();
    if (this.fastPath.tick(nowMs, this.counters)) this.log.changed("notice", "offload", this.fastPath.news());
    this.forwarder.tick(nowMs);
    if (this.config.natLossWatch && nowMs >= this.watchedMs + WATCH_MS) this.watchNatLoss(nowMs);
    this.journal.tick(this.esp, this.ike, this.table.wanAddress, nowMs);
    this.compiler.tick(nowMs);
    this.procdWatchdog?.tick(nowMs);
    this.selfWatch.tick(nowMs, wallClockMs(), () => this.parts());
  }

  private parts(): RouterParts {
    return {
      lanSide: this.forwarder.lan,
      wanSide: this.forwarder.wan,
      lan: this.lan(),
      wan: this.wan(),
      counters: this.counters,
      isKernelKeptOff: this.rules.areSettled,
      espItems: this.esp.count(),
    };
  }

  /** Forces the recovery of tunnels whose way back is provably lost. */
  private watchNatLoss(nowMs: number): void {
    this.watchedMs = nowMs;
    for (const loss of this.natLoss.tick(tunnelUses(this.esp, nowMs), this.wanChangedMs, nowMs)) {
      const tunnel = `${formatAddress(loss.client)} > ${formatAddress(loss.server)}`;
      this.ike.stop(loss.client, loss.server, loss.phase === "blocked" ? loss.untilMs : 0);
      if (loss.phase === "suspected") this.log.info(`${tunnel}: no way back? ${loss.because}`);
      if (loss.phase === "blocked") {
        this.log.warning(`${tunnel}: ${loss.because}; its IKE session is stopped, so that the client starts a new one`);
      }
    }
  }

  offload(): OffloadReport {
    return this.fastPath.report();
  }

  offloadedBytes(record: number): LuaMultiReturn<[out: number, into: number]> {
    return this.fastPath.passing(record);
  }

  natLosses(): readonly NatLoss[] {
    return this.natLoss.list();
  }

  private receive(side: Side): void {
    const nowMs = monotonicMs();
    if (this.isStale) this.reconcile();
    if (side === this.forwarder.lan) this.forwarder.receiveFromLan(nowMs);
    else if (side === this.forwarder.wan) this.forwarder.receiveFromWan(nowMs);
  }

  /** Told until it is read: an error that is not taken would keep the loop awake. */
  private noteFailure(side: Side): void {
    this.log.info(`${side.link.name}: ${side.ring.takeError() ?? "the socket has failed"}; opening it anew`);
    side.hasFailed = true;
    this.isStale = true;
  }

  private follow(event: RouteEvent): void {
    if (event.kind === "resynchronise" && this.routes !== undefined) this.links.read(this.routes);
    if (this.links.apply(event) || event.kind === "resynchronise") this.isStale = true;
    if (event.kind === "link gone") this.rules.forget();
    this.forwarder.follow(event, monotonicMs());
  }

  private obey(signal: SignalName): void {
    if (signal === "HUP") this.reload();
    else this.loop.stop();
  }

  private reload(): void {
    const [config, problems] = loadConfiguration(this.configPath);
    const atMs = monotonicMs();
    if (config === undefined) {
      this.lastReload = refuseReload(this.log, problems, atMs);
      return;
    }
    const waiting = needsRestart(CONFIGURATION_KEYS, this.config.effective, config.effective);
    this.config = takeLiveKeys(this.config, config);
    this.log.level = config.logLevel;
    this.lastReload = acceptReload(this.log, waiting, atMs);
    // Whoever asks for a reload may have flushed all rules, as a firewall does.
    this.rules.forget();
    this.isStale = true;
  }

  // What should be, and making it so

  /** The memory of the last run, before the first packet. */
  private remember(): void {
    const nowMs = monotonicMs();
    const wanAddress = this.links.wanAddress() ?? NO_ADDRESS;
    this.restored = this.journal.restoreInto(this.esp, this.ike, wanAddress, nowMs);
    if (this.restored.isComplete) this.esp.startAgain(nowMs);
    else this.esp.startRelearning(nowMs);
    const { source, espItems, ikeSessions } = this.restored;
    if (source !== "none")
      this.log.notice(`restored ${espItems} ESP items and ${ikeSessions} IKE sessions (${source})`);
  }

  private reconcile(): void {
    this.isStale = false;
    this.retryAtMs = Infinity;
    const territory = this.currentTerritory();
    const isNew = this.territory === undefined || !isSameTerritory(this.territory, territory);
    if (isNew) this.fastPath.close(this.forwarder);
    this.takeWanAddress(territory.wanAddress ?? NO_ADDRESS);
    this.forwarder.lanAddress = this.links.lanAddress();
    this.takeClients();
    if (isNew) this.reserveOwnPorts();
    this.territory = territory;
    this.applyKernelRules(territory);
    this.log.changed("notice", this.config.lan, linkNews(this.config.lan, this.links.lan()));
    this.log.changed("notice", this.config.wan, linkNews(this.config.wan, this.links.wan()));
    this.forwarder.lan = this.reconcileSide(this.forwarder.lan, this.links.lan(), isNew, (headerBytes) =>
      lanFilter(territory, headerBytes),
    );
    this.forwarder.wan = this.reconcileSide(this.forwarder.wan, this.links.wan(), isNew, (headerBytes) =>
      wanFilter(territory, headerBytes),
    );
    this.fastPath.reconcile(this.forwarder, this.table, territory);
    this.log.changed("notice", "offload", this.fastPath.news());
  }

  /** No client gets the port of a service of the router, even if it comes from that port. */
  private reserveOwnPorts(): void {
    if (this.table.flows === undefined) return;
    for (const port of this.config.ownTcpPorts) this.table.flows.tcp.reservePort(port);
    for (const port of this.config.ownUdpPorts) this.table.flows.udp.reservePort(port);
  }

  private takeClients(): void {
    const { lan, lanNetworks } = this.config;
    const networks = lanNetworks.length > 0 ? lanNetworks : this.links.lanNetworks();
    const networkText = networks.map(({ network, lengthBits }) => `${network}/${lengthBits}`).join();
    if (networkText !== this.clientNetworks) this.fastPath.close(this.forwarder);
    this.clientNetworks = networkText;
    this.table.clients.set(networks);
    const isUnclear = networks.length === 0 && this.links.lan() !== undefined;
    const hint = "give it one, or set lan_networks";
    const news = isUnclear ? `${lan}: no IPv4 address, so nobody is a client; ${hint}` : "";
    this.log.changed("warning", "clients", news);
  }

  private currentTerritory(): Territory {
    const config = this.config;
    return {
      scope: config.scope,
      lanName: config.lan,
      wanName: config.wan,
      localAddresses: this.links.localAddresses(),
      wanAddress: this.links.wanAddress(),
      ownPeers: config.ownPeers,
      ownTcpPorts: config.ownTcpPorts,
      ownUdpPorts: config.ownUdpPorts,
    };
  }

  private takeWanAddress(address: number): void {
    this.log.changed("notice", `${this.config.wan} address`, this.wanAddressNews(address));
    if (address === this.table.wanAddress) return;
    if (this.lastWanAddress !== NO_ADDRESS && address !== NO_ADDRESS && address !== this.lastWanAddress) {
      this.wanChangedMs = monotonicMs();
    }
    if (address !== NO_ADDRESS) this.lastWanAddress = address;
    this.table.wanAddress = address;
    this.table.flows?.wanChanged();
    this.table.fragments.clear();
  }

  private wanAddressNews(address: number): string {
    const { wan } = this.config;
    if (address !== NO_ADDRESS) return `${wan}: the clients' address is ${formatAddress(address)}`;
    return this.links.wan() === undefined ? "" : `${wan}: no IPv4 address yet; what clients send is dropped until then`;
  }

  /** Before the rings open: a packet that the kernel tracked once would be translated by it. */
  private applyKernelRules(territory: Territory): void {
    const isLanThere = this.links.lan() !== undefined;
    const isWanThere = this.links.wan() !== undefined;
    const [, problem] = this.rules.apply(territory, isLanThere, isWanThere);
    if (problem === undefined) return;
    const hint = "install nftables, or set kernel_rules to none and keep the kernel off IKE and ESP yourself";
    const message = `the kernel's rules are not in place, so it handles our packets too: ${problem}; ${hint}`;
    this.log.limited("error", "kernel rules", message);
    this.retryAtMs = monotonicMs() + RETRY_MS;
  }

  /** The side as it should be: kept, perhaps with another filter, opened anew because the link changed, or closed. */
  private reconcileSide(
    side: Side | undefined,
    link: Link | undefined,
    isFilterNew: boolean,
    filterFor: FilterMaker,
  ): Side | undefined {
    if (side !== undefined && link !== undefined && side.fits(link)) {
      if (!isFilterNew) return side;
      const [done] = side.refilter(filterFor);
      if (done !== undefined) return side;
    }
    if (side !== undefined) {
      this.loop.unwatch(side.ring.fd);
      side.close();
    }
    if (link === undefined || !link.isUp || this.routes === undefined) return undefined;
    const [fresh, problem] = Side.open(link, this.routes, this.config, filterFor);
    if (fresh === undefined) {
      this.log.limited("error", link.name, problem);
      this.retryAtMs = monotonicMs() + RETRY_MS;
      return undefined;
    }
    if (side !== undefined) fresh.continueCounting(side);
    this.loop.watch(fresh.ring.fd, READABLE, (readiness) => {
      if ((readiness & FAILED) !== 0) this.noteFailure(fresh);
      this.receive(fresh);
    });
    return fresh;
  }

  private close(): void {
    const nowMs = monotonicMs();
    this.procdWatchdog?.close();
    this.fastPath.close(this.forwarder);
    this.forwarder.lan?.close();
    this.forwarder.wan?.close();
    this.selfWatch.close();
    this.rules.close();
    this.control?.close();
    this.journal.close(this.esp, this.ike, this.table.wanAddress, nowMs);
    this.log.notice("ended");
    this.log.close();
  }
}
