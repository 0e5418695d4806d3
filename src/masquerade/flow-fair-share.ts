// SPDX-License-Identifier: GPL-2.0-only
// Who has to give a session up when the table is full: so that no client can exhaust it for the others.
//
// A client that has less than its share of the table takes a session from the client that has most. To find that one
// exactly would cost work with each packet of a flood; a random sample finds a client that holds half of the table
// except once in 2³² times. Of that client's sessions in the sample, one that never settled goes first, then the one
// that was silent longest. So a flood of half-open sessions eats itself, and not the connections of others.

import { divide } from "../wire/word";
import { Mapping, MAPPING_WORDS, type FlowMappings } from "./flow-mappings";
import { Session, SESSION_WORDS, type FlowSessions } from "./flow-sessions";
import { isSettled } from "./flow-state";
import { NO_RECORD } from "./key-index";
import type { Quota } from "./quota";

/** Sessions looked at for one that has to go: the bound on the work of a packet. */
const SAMPLE = 32;
/** Park and Miller's generator: its products are exact in a double. */
const MULTIPLIER = 16807;
const MODULUS = 0x7fffffff;
/** Longer than any idle time in tenths of a second: what an unsettled session is worse by. */
const UNSETTLED_IDLE = 0x100000000;

export class FairShare {
  private random: number;

  constructor(
    private readonly isTcp: boolean,
    private readonly mappings: FlowMappings,
    private readonly sessions: FlowSessions,
    private readonly quota: Quota,
    seed: number,
  ) {
    this.random = (seed & 0x3fffffff) + 1;
  }

  /** Whether a client may take another's session. */
  isBelowShare(client: number): boolean {
    return this.quota.of(client) < this.shareBeside(client);
  }

  /**
   * Of the sample, a session of the client with most. Only a client above its share gives one up: when the table is full
   * and another is below, there is one. {@link NO_RECORD} if the sample has none of it.
   */
  largestClientsSession(client: number, now: number): number {
    let victim = NO_RECORD;
    let mostCount = this.shareBeside(client) + 1;
    let worst = -1;
    for (const _ of $range(1, SAMPLE)) {
      const session = this.sample();
      if (this.sessions.isUsed(session)) {
        const count = this.quota.of(this.ownerOf(session));
        const badness = this.badness(session, now);
        if (count > mostCount || (count === mostCount && badness > worst)) {
          victim = session;
          mostCount = count;
          worst = badness;
        }
      }
    }
    return victim;
  }

  /** Of the sample, the client's own session to give up: only one that never settled; {@link NO_RECORD} without. */
  ownUnsettledSession(client: number, now: number): number {
    let victim = NO_RECORD;
    let worst = UNSETTLED_IDLE - 1;
    for (const _ of $range(1, SAMPLE)) {
      const session = this.sample();
      if (this.sessions.isUsed(session) && this.ownerOf(session) === client) {
        const badness = this.badness(session, now);
        if (badness > worst) {
          victim = session;
          worst = badness;
        }
      }
    }
    return victim;
  }

  /** The table divided by all clients, the one who asks included. */
  private shareBeside(client: number): number {
    const clients = this.quota.of(client) === 0 ? this.quota.clientCount() + 1 : this.quota.clientCount();
    return divide(this.sessions.capacity, clients);
  }

  private ownerOf(session: number): number {
    const mapping = this.sessions.rows[session * SESSION_WORDS + Session.Mapping];
    return this.mappings.rows[mapping * MAPPING_WORDS + Mapping.Client];
  }

  private badness(session: number, now: number): number {
    const row = session * SESSION_WORDS;
    const idle = now - this.sessions.rows[row + Session.LastSeen];
    return isSettled(this.isTcp, this.sessions.rows[row + Session.State]) ? idle : idle + UNSETTLED_IDLE;
  }

  /** A row that was used at least once. */
  private sample(): number {
    const product = this.random * MULTIPLIER;
    this.random = product - divide(product, MODULUS) * MODULUS;
    return Math.floor((this.random / MODULUS) * this.sessions.unused);
  }
}
