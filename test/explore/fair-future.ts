// SPDX-License-Identifier: GPL-2.0-only
// Whether anybody is dead in a state: from here on nothing goes wrong any more, clients send, the server answers what
// reaches it, and time passes. Who then still hears nothing, never will: a dead tunnel, until its SAs end in hours.

import { type Client, type World } from "./world";

/** Clients send this often, in ticks of a tenth of a second. */
const INTERVAL_TICKS = 2;
/** Three turns of a second for each of three clients, and the rounds of copies after them. */
const PATIENCE_ROUNDS = 60;
/** Rounds running in which a client must be heard to be alive. */
const STEADY_ROUNDS = 3;
/** A client that renews on silence does so after this, and once more for luck lost by another's renewal. */
const RENEWAL_ROUNDS = 25;

/** Who is dead, in the order of clients; the world is used up. */
export function deadClients(world: World): Client[] {
  const tunnels = world.clients.filter(({ epochs }) => epochs.length > 0);
  const steady = tunnels.map(() => 0);
  const silent = tunnels.map(() => 0);
  for (const _ of $range(1, PATIENCE_ROUNDS * (world.rules.renewsOnSilence ? 3 : 1))) {
    for (const client of tunnels) exchange(world, client);
    for (const [at, client] of tunnels.entries()) {
      const isHeard = client.heardMs === world.nowMs && (client.newest()?.isHeard ?? false);
      steady[at] = isHeard ? steady[at] + 1 : 0;
      silent[at] = isHeard ? 0 : silent[at] + 1;
      if (world.rules.renewsOnSilence && silent[at] >= RENEWAL_ROUNDS + at) {
        world.negotiate(client);
        silent[at] = 0;
      }
    }
    if (steady.every((rounds) => rounds >= STEADY_ROUNDS)) return [];
    world.pass(INTERVAL_TICKS);
  }
  return tunnels.filter((_, at) => steady[at] < STEADY_ROUNDS);
}

function exchange(world: World, client: Client): void {
  world.send(client);
  for (const other of world.clients) {
    for (const epoch of other.epochs) {
      if (epoch.isOwed) world.answer(other, epoch);
    }
  }
}
