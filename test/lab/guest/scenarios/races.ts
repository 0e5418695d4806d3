// SPDX-License-Identifier: GPL-2.0-only
// The four races of VPN Masquerade (draft-brustoloni-vma-00): orders of packets from which it concludes wrongly which
// incoming SPI belongs to which outgoing one.
//
// t1 and t2 are the newest epochs of client 1 and client 2.

import { raceScenario } from "../race";
import { OUTSTANDING_MS, WITH_BOTH, WITH_CLIENTS, withIkeV1, WITHOUT } from "../watched-lab";

/** Tei in race 4, the least that the router takes. */
const IDLE_MS = 15_000;
/** By which everything idle is swept. */
const IDLE_ENDED_MS = IDLE_MS + 2000;

export const race1 = raceScenario({
  name: "race-1",
  explanation:
    "The server uses a new epoch first, with nothing outstanding at the router; then the other client's first packet is taken for what it answers. With the watchdog the server waits for the client's ping.",
  script: (stage) => {
    const { first, second } = stage;
    stage.keepAnswersBack();
    stage.rekey([first]);
    stage.fromServer(first, "t1, nothing is outstanding");
    stage.rekey([second]);
    stage.fromClient(second, "t2, outstanding from now on");
    stage.fromServer(first, "t1 again, taken for the answer on t2");
    return stage.letAnswersPass();
  },
  isFatalTo: () => true,
  runs: [WITHOUT, WITH_BOTH],
});

export const race2 = raceScenario({
  name: "race-2",
  explanation:
    "While client 1 waits for its first answer, the server speaks first on client 2's new epoch: the router takes that for the answer.",
  script: (stage) => {
    const { first, second } = stage;
    stage.keepAnswersBack();
    stage.rekey([first, second]);
    stage.fromClient(first, "t1, outstanding from now on");
    stage.fromServer(second, "t2, taken for the answer on t1");
    stage.fromClient(second, "t2, outstanding from now on");
    stage.fromServer(first, "t1, taken for the answer on t2");
    return stage.letAnswersPass();
  },
  isFatalTo: () => true,
  runs: [WITHOUT, WITH_BOTH, WITH_CLIENTS, withIkeV1(WITHOUT), withIkeV1(WITH_BOTH)],
});

export const race3 = raceScenario({
  name: "race-3",
  explanation:
    "Client 1's unanswered epoch times out at the router; client 2 sends, and the server answers client 1 first.",
  script: (stage) => {
    const { first, second } = stage;
    stage.keepAnswersBack();
    stage.rekey([first, second]);
    stage.fromClient(first, "t1, outstanding from now on");
    stage.pause(OUTSTANDING_MS + 500, "t1 times out (Tout)");
    stage.fromClient(second, "t2, outstanding from now on");
    stage.fromServer(first, "t1, taken for the answer on t2");
    stage.fromClient(first, "t1, outstanding again");
    stage.fromServer(second, "t2, taken for the answer on t1");
    return stage.letAnswersPass();
  },
  isFatalTo: () => true,
  runs: [WITHOUT, WITH_BOTH, withIkeV1(WITH_BOTH)],
});

export const race4 = raceScenario({
  name: "race-4",
  explanation:
    "Client 1's established epoch idles until the router forgets it; client 2 sends on a new one, and the server uses client 1's before it answers.",
  router: { limits: { esp_idle_ms: IDLE_MS, esp_unconfirmed_idle_ms: IDLE_MS } },
  script: (stage) => {
    const { first, second } = stage;
    stage.fromClient(first, "t1");
    stage.fromServer(first, "t1, established");
    stage.pause(IDLE_ENDED_MS, "t1 idles until the router forgets it (Tei)");
    stage.keepAnswersBack();
    stage.rekey([second]);
    stage.fromClient(second, "t2, outstanding from now on");
    stage.fromServer(first, "t1, taken for the answer on t2");
    stage.fromClient(first, "t1, outstanding from now on");
    stage.fromServer(second, "t2, taken for the answer on t1");
    return stage.letAnswersPass();
  },
  isFatalTo: () => true,
  runs: [WITHOUT, WITH_BOTH],
});
