// SPDX-License-Identifier: GPL-2.0-only
// Masquerade of TCP, UDP or ICMP queries (`scope all`) as RFC 4787, 5382 and 5508 ask for; one table a protocol.
//
// Two steps decide a packet. The mapping (flow-mappings.ts) says which external port a client's port is, for every
// remote the same. The session (flow-sessions.ts) says whether the client spoke to this remote, and when last. Only a
// client's packet opens either of them, so nobody outside can fill the table: what the filter lets in without a session
// is delivered and leaves no trace, until the client answers it.
//
// Both directions refresh a session (RFC 4787 REQ-6 and 6a), because a stream that only the remote sends is common. A
// stranger cannot keep a port open by that: he has no session. docs/rfc-compliance.md goes through every requirement.

import { TcpFlag } from "../wire/tcp";
import { FairShare } from "./flow-fair-share";
import { FlowMappings, Mapping, MAPPING_WORDS } from "./flow-mappings";
import { FlowSessions, Session, SESSION_WORDS } from "./flow-sessions";
import {
  ANSWERED,
  FLOW_OFFLOADED_MASK,
  flowStage,
  isSettled,
  NOT_OPENING,
  openingState,
  stateAfterClient,
  stateAfterRemote,
  TURNING_FLAGS,
  type FlowStage,
} from "./flow-state";
import { NO_RECORD } from "./key-index";
import type { Limits } from "./limits";
import { Ports, type PortRanges } from "./ports";
import { Quota } from "./quota";
import type { Reason } from "./reason";
import { Action, type Verdict } from "./verdict";

/**
 * Whom a mapping lets in: remotes at addresses that the client has a session with, at any port; or everyone. The first
 * is stricter and the default, the second is what peer-to-peer applications like best (RFC 4787 REQ-8).
 */
export type Filtering = "address" | "endpoint";

/** How many sessions a table has room for, and how long they live without traffic. */
export interface FlowLimits {
  sessionsMax: number;
  sessionsPerClientMax: number;
  /** For TCP that is established, UDP and ICMP that was answered. */
  settledIdleMs: number;
  /** For all others. */
  transitoryIdleMs: number;
}

export function tcpFlowLimits(limits: Limits): FlowLimits {
  return {
    sessionsMax: limits.flowsMax,
    sessionsPerClientMax: limits.flowsPerClientMax,
    settledIdleMs: limits.tcpEstablishedIdleMs,
    transitoryIdleMs: limits.tcpTransitoryIdleMs,
  };
}

export function udpFlowLimits(limits: Limits): FlowLimits {
  return {
    sessionsMax: limits.flowsMax,
    sessionsPerClientMax: limits.flowsPerClientMax,
    settledIdleMs: limits.udpIdleMs,
    transitoryIdleMs: limits.udpIdleMs,
  };
}

export function icmpFlowLimits(limits: Limits): FlowLimits {
  return {
    sessionsMax: limits.icmpQueriesMax,
    sessionsPerClientMax: limits.icmpQueriesPerClientMax,
    settledIdleMs: limits.icmpQueryIdleMs,
    transitoryIdleMs: limits.icmpQueryIdleMs,
  };
}

export interface FlowOptions {
  isTcp: boolean;
  limits: FlowLimits;
  ports: PortRanges;
  filtering: Filtering;
  /** Unknown to the network, so that nobody can choose packets that make the table slow. */
  seed: number;
}

/** One session as a listing shows it. Addresses are words. */
export class FlowEntry {
  client = 0;
  clientPort = 0;
  externalPort = 0;
  remote = 0;
  remotePort = 0;
  stage: FlowStage = "unanswered";
  ageMs = 0;
  idleMs = 0;
  /** When it is forgotten if nothing more is sent; 0 when that is due. */
  expiresInMs = 0;
  /** Both directions together. */
  bytes = 0;
}

/** Where packets of settled sessions pass without us, in the kernel; what the sessions need to know of it. */
export interface FlowFastPath {
  /** Ends it before the call returns, clears the session's flags, and brings it up to date with what has passed. */
  takeBack(session: number): void;
  /** Brings the time of the last packet up to date. @returns bytes that passed and are not in the session's own count */
  refresh(session: number): number;
}

/** Times in rows are tenths of a second: a word holds six years of them. */
export const TICK_MS = 100;

export class FlowTable {
  private readonly ports: Ports;
  private readonly entry = new FlowEntry();
  readonly mappings: FlowMappings;
  readonly sessions: FlowSessions;
  readonly isTcp: boolean;
  /** Absent: all packets pass us. */
  fastPath: FlowFastPath | undefined;
  private readonly quota: Quota;
  private readonly shares: FairShare;
  /** Where {@link expire} goes on. */
  private sweepAt = 0;

  constructor(private readonly options: FlowOptions) {
    this.isTcp = options.isTcp;
    this.ports = new Ports(options.ports, options.seed);
    this.sessions = new FlowSessions(options.limits.sessionsMax, options.seed);
    this.mappings = new FlowMappings(options.limits.sessionsMax, this.ports, options.seed);
    this.quota = new Quota(options.limits.sessionsMax, options.limits.sessionsPerClientMax);
    this.shares = new FairShare(options.isTcp, this.mappings, this.sessions, this.quota, options.seed);
  }

  /**
   * Decides a packet from a client: forward, with the external port in `verdict.port`; or drop.
   *
   * @param client a word
   * @param clientPort or the identifier of an ICMP query
   * @param remote a word
   * @param remotePort 0 for an ICMP query
   * @param tcpFlags 0 for other protocols
   * @perPacket
   */
  outbound(
    client: number,
    clientPort: number,
    remote: number,
    remotePort: number,
    tcpFlags: number,
    lengthBytes: number,
    nowMs: number,
    verdict: Verdict,
  ): void {
    const mapping = this.mappings.find(client, clientPort);
    const session = mapping === NO_RECORD ? NO_RECORD : this.sessions.find(mapping, remote, remotePort);
    if (session === NO_RECORD) {
      this.open(client, clientPort, remote, remotePort, tcpFlags, lengthBytes, nowMs, verdict);
      return;
    }
    if ((tcpFlags & TURNING_FLAGS) !== 0) this.takeBack(session);
    const rows = this.sessions.rows;
    const row = session * SESSION_WORDS;
    const state = rows[row + Session.State];
    rows[row + Session.State] = stateAfterClient(state, tcpFlags);
    rows[row + Session.LastSeen] = Math.floor(nowMs / TICK_MS);
    this.sessions.bytes[session] = this.sessions.bytes[session] + lengthBytes;
    verdict.forward("flow-known");
    verdict.port = this.mappings.rows[mapping * MAPPING_WORDS + Mapping.ExternalPort];
    // A question with one answer is over by now; what goes on behind an answer may well go on for longer.
    if ((state & ANSWERED) !== 0) verdict.item = session;
  }

  /**
   * Decides a packet from a remote: deliver to a client, with the client's port in `verdict.port`; or drop.
   *
   * Parameters are those of {@link outbound}; `externalPort` is the packet's destination port or query identifier.
   * @perPacket
   */
  inbound(
    remote: number,
    remotePort: number,
    externalPort: number,
    tcpFlags: number,
    lengthBytes: number,
    nowMs: number,
    verdict: Verdict,
  ): void {
    const mapping = this.mappings.findByPort(externalPort);
    const session = mapping === NO_RECORD ? NO_RECORD : this.sessions.find(mapping, remote, remotePort);
    if (session === NO_RECORD) {
      this.filter(mapping, remote, tcpFlags, verdict);
      return;
    }
    if ((tcpFlags & TURNING_FLAGS) !== 0) this.takeBack(session);
    const rows = this.sessions.rows;
    const row = session * SESSION_WORDS;
    const state = rows[row + Session.State];
    rows[row + Session.State] = stateAfterRemote(state, tcpFlags);
    rows[row + Session.LastSeen] = Math.floor(nowMs / TICK_MS);
    this.sessions.bytes[session] = this.sessions.bytes[session] + lengthBytes;
    this.deliver(mapping, "flow-known", verdict);
    if ((state & ANSWERED) !== 0) verdict.item = session;
  }

  /**
   * Decides a packet from one client to the WAN address (RFC 4787 REQ-9): its receiver gets it as coming from the
   * sender's external port, as if the sender were outside. The verdict is that of {@link inbound}, for the receiver.
   *
   * @param wanAddress a word
   * @param externalPort the packet's destination port
   * @returns the sender's external port; {@link NO_RECORD} when the packet is dropped
   */
  hairpin(
    client: number,
    clientPort: number,
    wanAddress: number,
    externalPort: number,
    tcpFlags: number,
    lengthBytes: number,
    nowMs: number,
    verdict: Verdict,
  ): number {
    this.outbound(client, clientPort, wanAddress, externalPort, tcpFlags, lengthBytes, nowMs, verdict);
    const isSent = verdict.action === Action.Forward;
    if (!isSent) return NO_RECORD;
    const senderPort = verdict.port;
    this.inbound(wanAddress, senderPort, externalPort, tcpFlags, lengthBytes, nowMs, verdict);
    const isReceived = verdict.action === Action.Forward;
    if (!isReceived) return NO_RECORD;
    verdict.reason = "flow-hairpin";
    verdict.item = NO_RECORD;
    return senderPort;
  }

  /**
   * Whose packet an ICMP error from outside is about. No session is refreshed or ended by it (RFC 5508 REQ-6, RFC 4787
   * REQ-12, RFC 5382 REQ-10), and who sent it does not matter.
   *
   * @param remote where the quoted packet went to, a word
   * @param remotePort its destination port; 0 for an ICMP query
   * @param externalPort its source port, as it was sent on the WAN; the identifier of an ICMP query
   * @param verdict deliver, with the client and the client's port; or drop
   */
  errorFromWan(remote: number, remotePort: number, externalPort: number, verdict: Verdict): void {
    const mapping = this.mappings.findByPort(externalPort);
    if (mapping === NO_RECORD || this.sessions.find(mapping, remote, remotePort) === NO_RECORD) {
      verdict.drop("icmp-error-unknown");
      return;
    }
    this.deliver(mapping, "icmp-error-translated", verdict);
  }

  /**
   * Which port the quoted packet of an ICMP error from a client came in at.
   *
   * @param client where the quoted packet went to, as delivered in the LAN
   * @param clientPort its destination port, or the identifier of an ICMP query
   * @param remote where it came from, a word
   * @param verdict forward, with the external port; or drop
   */
  errorFromLan(client: number, clientPort: number, remote: number, verdict: Verdict): void {
    const mapping = this.mappings.find(client, clientPort);
    if (mapping === NO_RECORD || !this.admits(mapping, remote)) {
      verdict.drop("icmp-error-unknown");
      return;
    }
    verdict.forward("icmp-error-translated");
    verdict.port = this.mappings.rows[mapping * MAPPING_WORDS + Mapping.ExternalPort];
  }

  /**
   * Forgets sessions that were silent for too long, looking at the next `budgetRecords` rows. One that is due lives on
   * until its row is looked at, and a packet still refreshes it: the times are the least that a session lives.
   *
   * @returns how many were forgotten
   */
  expire(nowMs: number, budgetRecords: number): number {
    const rows = this.sessions.unused;
    const now = Math.floor(nowMs / TICK_MS);
    let forgotten = 0;
    for (const _ of $range(1, Math.min(budgetRecords, rows))) {
      if (this.sweepAt >= rows) this.sweepAt = 0;
      if (this.sessions.isUsed(this.sweepAt) && this.isDue(this.sweepAt, now)) {
        this.close(this.sweepAt);
        forgotten += 1;
      }
      this.sweepAt += 1;
    }
    return forgotten;
  }

  /**
   * Shows sessions, in no order. The entry is the same object each time: copy what is to be kept.
   * @param skipped sessions that are not shown, from the first
   * @param shownMax sessions shown at most: to look at one costs system calls when its packets pass in the kernel
   */
  forEach(nowMs: number, visit: (this: void, entry: FlowEntry) => void, skipped = 0, shownMax = Infinity): void {
    const now = Math.floor(nowMs / TICK_MS);
    let place = 0;
    for (const session of $range(0, this.sessions.unused - 1)) {
      if (this.sessions.isUsed(session)) {
        place += 1;
        if (place > skipped + shownMax) return;
        if (place > skipped) {
          this.describe(session, now);
          visit(this.entry);
        }
      }
    }
  }

  /** Sessions in all. */
  count(): number {
    return this.sessions.count;
  }

  /** Sessions of a client (a word). */
  countOf(client: number): number {
    return this.quota.of(client);
  }

  /** Memory that the table took when it was made; it takes no more, whatever the traffic. */
  memoryBytes(): number {
    return this.sessions.memoryBytes() + this.mappings.memoryBytes() + this.ports.memoryBytes();
  }

  /** Keeps an external port from clients, because a service of the router listens on it. */
  reservePort(port: number): void {
    this.ports.reserve(port);
  }

  /** Forgets everything a client (a word) has. */
  dropClient(client: number): void {
    for (const session of $range(0, this.sessions.unused - 1)) {
      if (this.sessions.isUsed(session) && this.clientOf(session) === client) this.close(session);
    }
  }

  /** Forgets everything. */
  clear(): void {
    for (const session of $range(0, this.sessions.unused - 1)) {
      if (this.sessions.isUsed(session)) this.close(session);
    }
  }

  /** The WAN has another address: mappings belonged to the old one, and no remote would know a packet from the new. */
  wanChanged(): void {
    this.clear();
  }

  /** A client's packet without a session: opens one, and a mapping if need be. */
  private open(
    client: number,
    clientPort: number,
    remote: number,
    remotePort: number,
    tcpFlags: number,
    lengthBytes: number,
    nowMs: number,
    verdict: Verdict,
  ): void {
    const isMapped = this.mappings.find(client, clientPort) !== NO_RECORD;
    const state = this.isTcp ? openingState(tcpFlags, isMapped) : 0;
    if (state === NOT_OPENING) {
      verdict.drop("flow-not-opening");
      return;
    }
    const now = Math.floor(nowMs / TICK_MS);
    const refusal = this.makeRoom(client, now);
    if (refusal !== undefined) {
      verdict.drop(refusal);
      return;
    }
    // Making room may have closed the mapping's last session, so the mapping is looked for again.
    const known = this.mappings.find(client, clientPort);
    const mapping = known !== NO_RECORD ? known : this.mappings.open(client, clientPort);
    if (mapping === NO_RECORD) {
      verdict.drop("flow-no-port");
      return;
    }
    const session = this.sessions.add(mapping, remote, remotePort, state, now);
    if (session === NO_RECORD) {
      this.mappings.closeUnused(mapping);
      verdict.drop("flow-table-full");
      return;
    }
    this.mappings.retain(mapping);
    this.quota.add(client);
    this.sessions.bytes[session] = lengthBytes;
    verdict.forward("flow-new");
    verdict.port = this.mappings.rows[mapping * MAPPING_WORDS + Mapping.ExternalPort];
  }

  /** Sees to it that the client may have one session more and that there is room; says why not. */
  private makeRoom(client: number, now: number): Reason | undefined {
    const shares = this.shares;
    const isAtLimit = this.quota.isClientFull(client);
    if (!isAtLimit && !this.sessions.isFull()) return undefined;
    const isEntitled = !isAtLimit && shares.isBelowShare(client);
    let victim = isEntitled ? shares.largestClientsSession(client, now) : NO_RECORD;
    if (victim === NO_RECORD) victim = shares.ownUnsettledSession(client, now);
    if (victim === NO_RECORD) return isAtLimit ? "flow-client-limit" : "flow-table-full";
    this.close(victim);
    return undefined;
  }

  /** A packet from outside without a session. A TCP connection that a remote opens needs a session before its second. */
  private filter(mapping: number, remote: number, tcpFlags: number, verdict: Verdict): void {
    if (mapping === NO_RECORD) {
      verdict.drop("flow-unknown");
    } else if (!this.admits(mapping, remote)) {
      verdict.drop("flow-filtered");
    } else if (this.isTcp && (tcpFlags & (TcpFlag.Syn | TcpFlag.Ack | TcpFlag.Rst)) !== TcpFlag.Syn) {
      verdict.drop("flow-not-opening");
    } else {
      this.deliver(mapping, "flow-accepted", verdict);
    }
  }

  private admits(mapping: number, remote: number): boolean {
    if (this.options.filtering === "endpoint") return true;
    return this.sessions.findPeer(mapping, remote) !== NO_RECORD;
  }

  private deliver(mapping: number, reason: Reason, verdict: Verdict): void {
    const row = mapping * MAPPING_WORDS;
    verdict.deliver(this.mappings.rows[row + Mapping.Client], reason);
    verdict.port = this.mappings.rows[row + Mapping.ClientPort];
  }

  /** From now on the session's packets pass us again. */
  private takeBack(session: number): void {
    const state = this.sessions.rows[session * SESSION_WORDS + Session.State];
    if ((state & FLOW_OFFLOADED_MASK) !== 0) this.fastPath?.takeBack(session);
  }

  private close(session: number): void {
    this.takeBack(session);
    const mapping = this.sessions.rows[session * SESSION_WORDS + Session.Mapping];
    this.quota.remove(this.mappings.rows[mapping * MAPPING_WORDS + Mapping.Client]);
    this.sessions.remove(session);
    this.mappings.release(mapping);
  }

  private clientOf(session: number): number {
    const mapping = this.sessions.rows[session * SESSION_WORDS + Session.Mapping];
    return this.mappings.rows[mapping * MAPPING_WORDS + Mapping.Client];
  }

  /** Whether it was silent for too long, in the kernel too. */
  private isDue(session: number, now: number): boolean {
    if (this.idleLeft(session, now) > 0) return false;
    this.takeBack(session);
    return this.idleLeft(session, now) <= 0;
  }

  /** Tenths of a second that a session may still be silent. */
  private idleLeft(session: number, now: number): number {
    const row = session * SESSION_WORDS;
    const limits = this.options.limits;
    const isLong = isSettled(this.isTcp, this.sessions.rows[row + Session.State]);
    const idleMaxMs = isLong ? limits.settledIdleMs : limits.transitoryIdleMs;
    return this.sessions.rows[row + Session.LastSeen] + idleMaxMs / TICK_MS - now;
  }

  private describe(session: number, now: number): void {
    const passingBytes = this.fastPath?.refresh(session) ?? 0;
    const row = session * SESSION_WORDS;
    const rows = this.sessions.rows;
    const mappingRow = rows[row + Session.Mapping] * MAPPING_WORDS;
    const entry = this.entry;
    entry.client = this.mappings.rows[mappingRow + Mapping.Client];
    entry.clientPort = this.mappings.rows[mappingRow + Mapping.ClientPort];
    entry.externalPort = this.mappings.rows[mappingRow + Mapping.ExternalPort];
    entry.remote = rows[row + Session.Remote];
    entry.remotePort = rows[row + Session.RemotePort];
    entry.stage = flowStage(this.isTcp, rows[row + Session.State]);
    entry.ageMs = (now - rows[row + Session.Opened]) * TICK_MS;
    entry.idleMs = (now - rows[row + Session.LastSeen]) * TICK_MS;
    entry.expiresInMs = Math.max(0, this.idleLeft(session, now)) * TICK_MS;
    entry.bytes = this.sessions.bytes[session] + passingBytes;
  }
}
