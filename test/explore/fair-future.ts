// SPDX-License-Identifier: GPL-2.0-only
// Whether anybody is dead in a state: from here on nothing goes wrong any more, clients send, the server answers what
// reaches it, and time passes. Who then still hears nothing, never will: a dead tunnel, until its SAs end in hours.
//
// Many states have one future: after a round of it, what was owed is answered and what was held has left. So the rest is
// tried once for all states that come to be alike then.

import { fingerprint } from "./fingerprint";
import { SeenStates } from "./seen-states";
import type { Client, World } from "./world";

/** Clients send this often, in ticks of a tenth of a second. */
const INTERVAL_TICKS = 2;
/** Three turns of a second for each of three clients, and the rounds of copies after them. */
const PATIENCE_ROUNDS = 60;
/** Rounds running in which a client must be heard to be alive. */
const STEADY_ROUNDS = 3;
/** A client that renews on silence does so after this, and once more for luck lost by another's renewal. */
const RENEWAL_ROUNDS = 25;
/** So many times the patience is needed for three clients that renew one after another, some of them again. */
const RENEWALS = 3;

/** One future, a round at a time; the world is used up. */
class FairFuture {
  /** Clients that have a tunnel. */
  private clients: Client[] = [];
  private rounds = 0;

  constructor(private readonly world: World) {
    this.takeOrder(world.clients);
  }

  /** Clients take turns in this order; it should not depend on their numbers. */
  takeOrder(clients: readonly Client[]): void {
    this.clients = clients.filter(({ epochs }) => epochs.length > 0);
  }

  round(): void {
    const { world, clients } = this;
    for (const client of clients) this.exchange(client);
    for (const at of $range(0, clients.length - 1)) this.listen(clients[at], RENEWAL_ROUNDS + at);
    this.rounds += 1;
    if (!this.isSteady()) world.pass(INTERVAL_TICKS);
  }

  isSteady(): boolean {
    for (const client of this.clients) {
      if (client.steadyRounds < STEADY_ROUNDS) return false;
    }
    return true;
  }

  isOver(): boolean {
    return this.rounds >= PATIENCE_ROUNDS * (this.world.rules.renewsOnSilence ? RENEWALS : 1);
  }

  silentClients(): Client[] {
    return this.clients.filter(({ steadyRounds }) => steadyRounds < STEADY_ROUNDS);
  }

  private exchange(client: Client): void {
    this.world.send(client);
    for (const other of this.clients) {
      for (const epoch of other.epochs) {
        if (epoch.isOwed) this.world.answer(other, epoch);
      }
    }
  }

  private listen(client: Client, patienceRounds: number): void {
    const isHeard = client.heardMs === this.world.nowMs && (client.newest()?.isHeard ?? false);
    client.steadyRounds = isHeard ? client.steadyRounds + 1 : 0;
    client.silentRounds = isHeard ? 0 : client.silentRounds + 1;
    if (!this.world.rules.renewsOnSilence || client.silentRounds < patienceRounds) return;
    this.world.negotiate(client);
    client.silentRounds = 0;
  }
}

export class FairFutures {
  /** How many were tried to their end. */
  tried = 0;
  private readonly alive = new SeenStates();

  /**
   * Who is dead; the world is used up.
   * @param clients of the world, in the order of its fingerprint
   */
  deadIn(world: World, clients: readonly Client[]): Client[] {
    const future = new FairFuture(world);
    future.takeOrder(clients);
    if (future.isSteady()) return [];
    future.round();
    const after = fingerprint(world, "future");
    if (this.alive.has(after.high, after.low)) return [];
    future.takeOrder(after.clients);
    this.tried += 1;
    while (!future.isSteady() && !future.isOver()) future.round();
    const dead = future.silentClients();
    if (dead.length === 0) this.alive.add(after.high, after.low);
    return dead;
  }
}
