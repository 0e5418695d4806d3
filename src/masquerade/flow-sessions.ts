// SPDX-License-Identifier: GPL-2.0-only
// The sessions of a mapping: which remotes, at which ports, the client spoke to, when last, and how much.
//
// Sessions carry the timers, and they are the filter: a remote address may send to a mapping while one session of the
// mapping goes to that address (RFC 4787 REQ-8). To answer that in one look, the sessions of one mapping with one
// address form a ring, and one of each ring stands in an index of its own.

import { KeyIndex, NO_RECORD } from "./key-index";
import { allocateDoubles, allocateWords, type Doubles, type Words } from "./memory";

/** The words of a session's row. */
export const enum Session {
  /** The mapping's number; {@link NO_RECORD} in a free row. */
  Mapping = 0,
  /** An address. */
  Remote = 1,
  RemotePort = 2,
  /** See flow-tcp.ts; for UDP and ICMP only whether the remote has answered. */
  State = 3,
  /** In tenths of a second. */
  LastSeen = 4,
  /** Likewise. */
  Opened = 5,
  /** The next session of the ring. While the row is free: the next free row. */
  Next = 6,
  Previous = 7,
}

export const SESSION_WORDS = 8;

export class FlowSessions {
  readonly rows: Words;
  /** Bytes of both directions, by session. */
  readonly bytes: Doubles;
  /** Rows from here on were never used. */
  unused = 0;
  count = 0;
  private readonly bySession: KeyIndex;
  private readonly byPeer: KeyIndex;
  private firstFree = NO_RECORD;

  /**
   * @param capacity sessions that must fit
   * @param seed unknown to the network
   */
  constructor(
    readonly capacity: number,
    seed: number,
  ) {
    this.rows = allocateWords(capacity * SESSION_WORDS);
    this.bytes = allocateDoubles(capacity);
    const sessionKey = { first: Session.Remote, second: Session.Mapping, third: Session.RemotePort };
    const peerKey = { first: Session.Remote, second: Session.Mapping, third: Session.Mapping };
    this.bySession = new KeyIndex(this.rows, SESSION_WORDS, sessionKey, capacity, seed);
    this.byPeer = new KeyIndex(this.rows, SESSION_WORDS, peerKey, capacity, seed);
  }

  /** The session of a mapping with a remote's port, or {@link NO_RECORD}. */
  find(mapping: number, remote: number, remotePort: number): number {
    return this.bySession.find(remote, mapping, remotePort);
  }

  /** Some session of a mapping with a remote address, whatever the port; or {@link NO_RECORD}. */
  findPeer(mapping: number, remote: number): number {
    return this.byPeer.find(remote, mapping, mapping);
  }

  isFull(): boolean {
    return this.count >= this.capacity;
  }

  isUsed(session: number): boolean {
    return this.rows[session * SESSION_WORDS + Session.Mapping] !== NO_RECORD;
  }

  /** Adds a session that is not there yet; {@link NO_RECORD} when there is no room. Times in tenths of a second. */
  add(mapping: number, remote: number, remotePort: number, state: number, now: number): number {
    const session = this.takeRow();
    if (session === NO_RECORD) return NO_RECORD;
    const row = session * SESSION_WORDS;
    const rows = this.rows;
    rows[row + Session.Mapping] = mapping;
    rows[row + Session.Remote] = remote;
    rows[row + Session.RemotePort] = remotePort;
    rows[row + Session.State] = state;
    rows[row + Session.LastSeen] = now;
    rows[row + Session.Opened] = now;
    this.bytes[session] = 0;
    if (this.bySession.insert(session)) {
      if (this.joinRing(session)) return session;
      this.bySession.remove(session);
    }
    this.freeRow(session);
    return NO_RECORD;
  }

  remove(session: number): void {
    this.bySession.remove(session);
    this.leaveRing(session);
    this.freeRow(session);
  }

  memoryBytes(): number {
    const bytesPerRow = SESSION_WORDS * 4 + 8;
    return this.capacity * bytesPerRow + this.bySession.memoryBytes() + this.byPeer.memoryBytes();
  }

  private joinRing(session: number): boolean {
    const rows = this.rows;
    const row = session * SESSION_WORDS;
    const peer = this.findPeer(rows[row + Session.Mapping], rows[row + Session.Remote]);
    if (peer === NO_RECORD) {
      rows[row + Session.Next] = session;
      rows[row + Session.Previous] = session;
      return this.byPeer.insert(session);
    }
    const next = rows[peer * SESSION_WORDS + Session.Next];
    rows[row + Session.Next] = next;
    rows[row + Session.Previous] = peer;
    rows[peer * SESSION_WORDS + Session.Next] = session;
    rows[next * SESSION_WORDS + Session.Previous] = session;
    return true;
  }

  /** The next of the ring takes the leaving session's place in the index; the slot just freed makes sure that it fits. */
  private leaveRing(session: number): void {
    const rows = this.rows;
    const next = rows[session * SESSION_WORDS + Session.Next];
    const previous = rows[session * SESSION_WORDS + Session.Previous];
    const wasIndexed = this.byPeer.remove(session);
    if (next === session) return;
    rows[previous * SESSION_WORDS + Session.Next] = next;
    rows[next * SESSION_WORDS + Session.Previous] = previous;
    if (wasIndexed) this.byPeer.insert(next);
  }

  private takeRow(): number {
    const session = this.firstFree;
    if (session !== NO_RECORD) {
      this.firstFree = this.rows[session * SESSION_WORDS + Session.Next];
      this.count += 1;
      return session;
    }
    if (this.unused >= this.capacity) return NO_RECORD;
    this.unused += 1;
    this.count += 1;
    return this.unused - 1;
  }

  private freeRow(session: number): void {
    const row = session * SESSION_WORDS;
    this.rows[row + Session.Mapping] = NO_RECORD;
    this.rows[row + Session.Next] = this.firstFree;
    this.firstFree = session;
    this.count -= 1;
  }
}
