// SPDX-License-Identifier: GPL-2.0-only
// What the watch for lost tunnels is told of epochs older than the router's memory: it stops the IKE of those not answered.

import { tunnelUses } from "../../../src/watchdog/tunnel-use";
import { ALICE, EspSite, SERVER, TOUT_MS } from "../masquerade/esp-site";

const FIRST_OUT = 0xa00;
const PAIR = 2;
/** More than twice as many as may get copies. */
const CROWD = 20;
const LAST = ALICE + CROWD - 1;

describe("the use of tunnels after the table was lost", () => {
  function allSend(site: EspSite, clients: number): void {
    for (const number of $range(0, clients - 1)) site.sends(ALICE + number, FIRST_OUT + number);
  }

  /** All send on epochs that we have not seen made; one has the turn, the others wait. */
  function begun(clients: number): EspSite {
    const site = new EspSite();
    site.tracker.startRelearning(site.nowMs);
    allSend(site, clients);
    site.pass(site.limits.relearnMs + 100);
    allSend(site, clients);
    return site;
  }

  function isUnanswered(site: EspSite, wanted: number): boolean {
    return tunnelUses(site.tracker, site.nowMs).some((use) => use.client === wanted && use.hasUnseenUnanswered);
  }

  it("of a few clients, all that nobody answers count as unanswered, whoever has the turn", () => {
    const site = begun(PAIR);
    assert.is_true(isUnanswered(site, ALICE) && isUnanswered(site, ALICE + 1));
  });

  it("of a crowd, one that waits for its first turn is not unanswered", () => {
    assert.is_false(isUnanswered(begun(CROWD), LAST));
  });

  it("of a crowd, one whose turn ended without an answer is unanswered", () => {
    const site = begun(CROWD);
    const server = site.tracker.servers.get(SERVER)!;
    for (const _ of $range(1, 2 * CROWD)) if (server.turnClient !== LAST) site.pass(TOUT_MS / 2);
    assert.is_false(isUnanswered(site, LAST));
    site.pass(TOUT_MS);
    site.sends(LAST, FIRST_OUT + CROWD - 1);
    assert.is_true(isUnanswered(site, LAST));
  });
});
