// SPDX-License-Identifier: GPL-2.0-only
// One tunnel under watch: its state machine, the SAs behind its epochs, what it carries, and what happened to it lately.

import type { EpochParameters } from "../epoch/parameters";
import { type Epoch, Tunnel, type TunnelState } from "../epoch/tunnel";
import type { EpochSas, Peers } from "./epoch-pairing";
import type { IkeDaemon } from "./ike-daemon";
import type { PinPlacement } from "./pins";
import { type PinnedTunnel, pinName, type Traffic } from "./pin-policy";
import type { TunnelDescription } from "./tunnel-match";

export interface TunnelSettings extends TunnelDescription {
  readonly name: string;
  /** Its name in the IKE daemon's configuration. */
  readonly connection: string;
  readonly parameters: EpochParameters;
}

/** Something that happened to a tunnel, for people. */
export interface TunnelEvent {
  readonly atMs: number;
  readonly state: TunnelState;
  readonly text: string;
}

/** Events kept of each tunnel: an outage has about five. */
const EVENTS_MAX = 20;

export class WatchedTunnel implements TunnelDescription {
  readonly machine: Tunnel;
  readonly local;
  readonly peer;
  readonly localNetworks;
  readonly remoteNetworks;
  readonly ping;
  /** The outer addresses and reqid of the latest epoch. */
  peers: Peers | undefined;
  /** The way to the peer (see `WayOut.name`) when a packet came in last. */
  wayAtAnswer = "";
  /** What is to be pinned; undefined while it is not known what the tunnel carries. */
  pinned: PinnedTunnel | undefined;
  /** It has a placement, true or not yet. */
  isPlaced = false;
  /** Oldest first. */
  readonly events: TunnelEvent[] = [];
  /** Since when it has the state that people know of. */
  sinceMs: number;
  private toldState: TunnelState | undefined;
  pingsSent = 0;
  /** Why the last ping could not be sent, and why the daemon's timers do not fit; undefined when nothing is wrong. */
  pingProblem: string | undefined;
  timerProblem: string | undefined;
  /** What the IKE daemon said of the last order. */
  daemonText = "";
  /** By outgoing SPI. */
  private readonly sas = new LuaMap<number, EpochSas>();

  constructor(
    readonly settings: TunnelSettings,
    readonly daemon: IkeDaemon,
    random: () => number,
    nowMs: number,
  ) {
    this.machine = new Tunnel(settings.name, settings.parameters, random);
    this.local = settings.local;
    this.peer = settings.peer;
    this.localNetworks = settings.localNetworks;
    this.remoteNetworks = settings.remoteNetworks;
    this.ping = settings.ping;
    this.sinceMs = nowMs;
  }

  isServer(): boolean {
    return this.settings.parameters.role === "server";
  }

  /** The other peer's outer address, configured or seen. */
  peerAddress(): number | undefined {
    return this.peer ?? this.peers?.peer;
  }

  newest(): Epoch | undefined {
    const epochs = this.machine.epochs();
    return epochs[epochs.length - 1];
  }

  took(epoch: EpochSas): void {
    this.peers = epoch.peers;
    this.sas.set(epoch.outSpi, epoch);
  }

  lost(epoch: EpochSas): void {
    this.sas.delete(epoch.outSpi);
  }

  /** Where data and pings belong, with the SAs behind the epochs. */
  placement(nowMs: number): PinPlacement {
    const { data, ping } = this.machine.placement(nowMs);
    // A server sends no pings, but its answers to the client's belong where those came from: on the newest.
    const pinged = this.isServer() ? this.newest() : ping;
    return { data: data === "hold" ? "hold" : (this.sasOf(data) ?? "hold"), ping: this.sasOf(pinged) };
  }

  sasOf(epoch: Epoch | undefined): EpochSas | undefined {
    return epoch === undefined ? undefined : this.sasByOutSpi(epoch.outSpi);
  }

  sasByOutSpi(outSpi: number): EpochSas | undefined {
    return this.sas.get(outSpi);
  }

  /** Takes over what people know of a tunnel of this name that was watched until now. */
  inherit(former: WatchedTunnel): void {
    for (const event of former.events) this.note(event);
    this.toldState = former.toldState;
    this.sinceMs = former.sinceMs;
    this.pingsSent = former.pingsSent;
  }

  /** Keeps what is pinned when it carries what it did: pins know a tunnel by its object. */
  carry(traffic: Traffic): void {
    if (this.pinned !== undefined && describe(this.pinned.traffic) === describe(traffic)) return;
    this.pinned = { name: this.settings.name, traffic, ping: this.ping };
  }

  note(event: TunnelEvent): void {
    this.events.push(event);
    if (this.events.length > EVENTS_MAX) this.events.shift();
  }

  /**
   * Whether a person need know that this is its state from now on; if so, it is noted. An idle tunnel is probed again and
   * again: that is no news before the probe has failed, nor is its answer.
   */
  isNews(event: TunnelEvent): boolean {
    const { state } = event;
    if (state === "probing" || state === this.toldState) return false;
    this.toldState = state;
    this.sinceMs = event.atMs;
    this.note(event);
    return true;
  }
}

function describe({ selectors, mark, interfaceId }: Traffic): string {
  const names = selectors.map((selector) => pinName({ selector, direction: "out", mark, interfaceId }));
  return names.join(", ");
}
