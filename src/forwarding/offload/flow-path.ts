// SPDX-License-Identifier: GPL-2.0-only
// Which sessions of TCP or UDP the kernel forwards: those that both ends take part in and in which nothing turns.
//
// As with ESP items (esp-path.ts), each direction has a flag in the session's state and an entry, and what an entry counts
// is added when it is taken back. An entry is a session's and not its mapping's: a client's first packet to another remote
// must open a session, since that lets the answers in.

import { type FlowFastPath, type FlowTable, TICK_MS } from "../../masquerade/flows";
import { Mapping, MAPPING_WORDS } from "../../masquerade/flow-mappings";
import { Session, SESSION_WORDS } from "../../masquerade/flow-sessions";
import {
  FLOW_JOINED,
  FLOW_OFFLOADED_IN,
  FLOW_OFFLOADED_MASK,
  FLOW_OFFLOADED_OUT,
  offerableFlow,
} from "../../masquerade/flow-state";
import { Protocol } from "../../wire/ipv4";
import { headerAdjustment, transportAdjustment } from "./adjustment";
import { type Course, QUIET_MS } from "./course";
import type { EntryMap } from "./entry-map";

const PORT_BITS = 16;

export class FlowPath implements FlowFastPath {
  private readonly protocol: number;

  /** @param wanAddress the clients' shared address, a word */
  constructor(
    private readonly flows: FlowTable,
    private readonly out: Course,
    private readonly into: Course,
    private readonly wanAddress: number,
  ) {
    this.protocol = flows.isTcp ? Protocol.Tcp : Protocol.Udp;
  }

  count(): number {
    return this.flows.sessions.unused;
  }

  /** A session's packet passed us and went on: whatever can be, is forwarded by the kernel from now on. */
  place(session: number): void {
    if (!this.flows.sessions.isUsed(session)) return;
    const row = session * SESSION_WORDS;
    const rows = this.flows.sessions.rows;
    if (this.isStranded(session, rows[row + Session.State])) this.takeBack(session);
    const directions = offerableFlow(this.flows.isTcp, rows[row + Session.State]);
    // What goes from client to client by our address is turned round by us.
    if (directions === 0 || rows[row + Session.Remote] === this.wanAddress) return;
    if ((directions & FLOW_OFFLOADED_OUT) !== 0) this.putOut(session);
    if ((directions & FLOW_OFFLOADED_IN) !== 0) this.putIn(session);
  }

  /** Large frames were joined from a session's packets: those that come alone must not overtake them. */
  keep(session: number): void {
    this.takeBack(session);
    this.flows.sessions.rows[session * SESSION_WORDS + Session.State] |= FLOW_JOINED;
  }

  takeBack(session: number): void {
    const at = session * SESSION_WORDS + Session.State;
    const rows = this.flows.sessions.rows;
    const state = rows[at];
    rows[at] &= ~FLOW_OFFLOADED_MASK;
    if ((state & FLOW_OFFLOADED_OUT) !== 0) this.merge(session, this.selectOut(session));
    if ((state & FLOW_OFFLOADED_IN) !== 0) this.merge(session, this.selectIn(session));
  }

  refresh(session: number): number {
    const state = this.flows.sessions.rows[session * SESSION_WORDS + Session.State];
    let bytes = 0;
    if ((state & FLOW_OFFLOADED_OUT) !== 0 && this.selectOut(session).read()) {
      bytes += this.out.entries.bytes;
      this.note(session, this.out.entries.usedMs);
    }
    if ((state & FLOW_OFFLOADED_IN) !== 0 && this.selectIn(session).read()) {
      bytes += this.into.entries.bytes;
      this.note(session, this.into.entries.usedMs);
    }
    return bytes;
  }

  /** Brings a session up to date, and takes it back when it has been quiet. */
  visit(session: number, nowMs: number): void {
    const row = session * SESSION_WORDS;
    const rows = this.flows.sessions.rows;
    const state = rows[row + Session.State];
    if (!this.flows.sessions.isUsed(session) || (state & FLOW_OFFLOADED_MASK) === 0) return;
    this.refresh(session);
    if (rows[row + Session.LastSeen] < Math.floor((nowMs - QUIET_MS) / TICK_MS)) {
      this.takeBack(session);
      return;
    }
    if ((state & FLOW_OFFLOADED_OUT) !== 0) this.out.markInUse();
    if ((state & FLOW_OFFLOADED_IN) !== 0) this.into.markInUse();
  }

  /** Everything passes us again. */
  takeBackAll(): void {
    for (const session of $range(0, this.count() - 1)) {
      if (this.flows.sessions.isUsed(session)) this.takeBack(session);
    }
  }

  private isStranded(session: number, state: number): boolean {
    const isOut = (state & FLOW_OFFLOADED_OUT) !== 0 && this.out.isStranded(this.selectOut(session));
    return isOut || ((state & FLOW_OFFLOADED_IN) !== 0 && this.into.isStranded(this.selectIn(session)));
  }

  private putOut(session: number): void {
    const row = session * SESSION_WORDS;
    const rows = this.flows.sessions.rows;
    const hopRow = this.out.hopRow(rows[row + Session.Remote]);
    if (hopRow === undefined) return;
    const [client, port, external] = this.mappingOf(session);
    const isPut = this.selectOut(session).putFlow(
      this.wanAddress,
      hopRow,
      headerAdjustment(client, this.wanAddress),
      transportAdjustment(client, this.wanAddress, port, external),
      (external << PORT_BITS) | rows[row + Session.RemotePort],
    );
    if (isPut) rows[row + Session.State] |= FLOW_OFFLOADED_OUT;
  }

  private putIn(session: number): void {
    const row = session * SESSION_WORDS;
    const rows = this.flows.sessions.rows;
    const [client, port, external] = this.mappingOf(session);
    const hopRow = this.into.hopRow(client);
    if (hopRow === undefined) return;
    const isPut = this.selectIn(session).putFlow(
      client,
      hopRow,
      headerAdjustment(this.wanAddress, client),
      transportAdjustment(this.wanAddress, client, external, port),
      (rows[row + Session.RemotePort] << PORT_BITS) | port,
    );
    if (isPut) rows[row + Session.State] |= FLOW_OFFLOADED_IN;
  }

  private merge(session: number, entries: EntryMap): void {
    if (!entries.takeOut()) return;
    this.flows.sessions.bytes[session] += entries.bytes;
    this.note(session, entries.usedMs);
  }

  private selectOut(session: number): EntryMap {
    const row = session * SESSION_WORDS;
    const rows = this.flows.sessions.rows;
    const { entries } = this.out;
    const [client, port] = this.mappingOf(session);
    entries.select(
      this.protocol,
      client,
      rows[row + Session.Remote],
      (port << PORT_BITS) | rows[row + Session.RemotePort],
    );
    return entries;
  }

  private selectIn(session: number): EntryMap {
    const row = session * SESSION_WORDS;
    const rows = this.flows.sessions.rows;
    const { entries } = this.into;
    const [, , external] = this.mappingOf(session);
    entries.select(
      this.protocol,
      rows[row + Session.Remote],
      this.wanAddress,
      (rows[row + Session.RemotePort] << PORT_BITS) | external,
    );
    return entries;
  }

  private mappingOf(session: number): LuaMultiReturn<[client: number, port: number, external: number]> {
    const row = this.flows.sessions.rows[session * SESSION_WORDS + Session.Mapping] * MAPPING_WORDS;
    const rows = this.flows.mappings.rows;
    return $multi(rows[row + Mapping.Client], rows[row + Mapping.ClientPort], rows[row + Mapping.ExternalPort]);
  }

  /** The time of the last packet, if it is later than the one that is known. */
  private note(session: number, usedMs: number): void {
    const at = session * SESSION_WORDS + Session.LastSeen;
    const rows = this.flows.sessions.rows;
    rows[at] = Math.max(rows[at], Math.floor(usedMs / TICK_MS));
  }
}
