// SPDX-License-Identifier: GPL-2.0-only
// The timers' inequalities at their edges, and the moments that follow from them.

import {
  contradictions,
  DEFAULT_SURROUNDINGS,
  type EpochParameters,
  longestPingingMs,
  rekeyAtMs,
  shortestPingingMs,
  type Surroundings,
  switchByMs,
} from "../../../src/epoch/parameters";
import { Random } from "../random";
import { CLIENT, SERVER } from "./tunnel-run";

const HOUR = 3600000;
/** A NAT to which the standard waits of {@link CLIENT} are just long enough. */
const PATIENT_NAT: Surroundings = { ...DEFAULT_SURROUNDINGS, natOutstandingMs: 4000 };

function complaintOf(changes: Partial<EpochParameters>, surroundings: Partial<Surroundings> = {}): string {
  const problems = contradictions({ ...CLIENT, ...changes }, { ...PATIENT_NAT, ...surroundings });
  assert.equal(1, problems.length, problems.join("\n"));
  return problems[0];
}

describe("the timers of an endpoint", () => {
  it("agree with FreeS/WAN's keylife of 8 h, margin of 9 min and fuzz of 100 %", () => {
    assert.same([], contradictions(CLIENT, PATIENT_NAT));
    assert.same([], contradictions(SERVER, PATIENT_NAT));
  });

  it("leave an epoch some life before it is replaced", () => {
    const problem = complaintOf({ keylifeMs: 1200000 });
    assert.equal(
      "keylife > (1 + fuzz) * (margin + clientlead) does not hold: 1200000 ms > 1200000 ms is false; " +
        "an epoch would be replaced before it began",
      problem,
    );
    assert.same([], contradictions({ ...CLIENT, keylifeMs: 1200001 }, PATIENT_NAT));
  });

  it("give a large number in plain decimals", () => {
    const problem = complaintOf({ keylifeMs: 1e9, marginMs: 1e9, fuzz: 0.25 });
    assert.matches("1000000000 ms > 1250075000 ms", problem);
  });

  it("leave time to negotiate before the epoch ends", () => {
    const problem = complaintOf({ marginMs: 39000, clientLeadMs: 120000 });
    assert.matches("^margin > drift %+ negotiation %+ latency does not hold: 39000 ms > 39000 ms is false", problem);
  });

  it("let the client rekey first by more than the clocks drift", () => {
    const problem = complaintOf({ clientLeadMs: 9000 });
    assert.matches("^clientlead > drift %+ latency does not hold: 9000 ms > 9000 ms is false", problem);
  });

  it("need no lead when the client does not follow the server's rekeys", () => {
    const parameters = { ...CLIENT, clientLeadMs: 0, ignoresServerRekey: true };
    assert.same([], contradictions(parameters, PATIENT_NAT));
  });

  it("confirm the new epoch before the old one ends, on the slowest network too", () => {
    const problem = complaintOf({ marginMs: 540000, fuzz: 0.01 });
    assert.matches("^clientlead %+ fuzz %* margin > drift %+ negotiation %+ pingtime %* pingtries", problem);
    assert.matches("65400 ms > 66000 ms is false", problem);
  });

  it("ping an idle tunnel before the NAT forgets it", () => {
    const problem = complaintOf({ maxIdleMs: HOUR });
    assert.matches("^maxidle < Tei does not hold: 3600000 ms < 3600000 ms is false", problem);
  });

  it("notice a busy tunnel's silence no later than an idle one's", () => {
    assert.matches(
      "^trafficidle <= maxidle does not hold: 20000 ms <= 10000 ms",
      complaintOf({ trafficIdleMs: 20000 }),
    );
  });

  it("keep pings from being taken for a flood", () => {
    const problem = complaintOf({ pingTimeMinMs: 999.5, pingTries: 9 });
    assert.matches("^pingtime >= Tout / Nout does not hold: 999.50 ms >= 1000 ms is false", problem);
  });

  it("count tunnels where they compare tunnels, and by the shortest row of pings", () => {
    const problem = complaintOf({ pingTries: 5 });
    assert.equal(
      "pingtime * pingtries / Tout > other tunnels does not hold: 3.75 tunnels > 4 tunnels is false; " +
        "the epoch would be given up before the NAT gives this tunnel its turn",
      problem,
    );
  });

  it("have a shortest wait that is no longer than the longest", () => {
    assert.matches(
      "2000 ms <= 1500 ms is false",
      complaintOf({ pingTimeMinMs: 2000, pingTimeMaxMs: 1500, pingTries: 12 }),
    );
  });

  it("ping at least once", () => {
    const problem = complaintOf({ pingTries: 0 }, { otherTunnels: -1 });
    assert.matches("^pingtries >= 1 does not hold: 0 pings >= 1 pings is false", problem);
  });

  it("do not wait longer for a rekey than for a whole negotiation", () => {
    assert.matches("^rekeytime <= negotiation .* 31000 ms <= 30000 ms", complaintOf({ rekeyMs: 31000 }));
  });

  it("refuse a negative fuzz", () => {
    assert.matches(
      "^fuzz >= 0 does not hold: %-0.01 >= 0 is false",
      complaintOf({ fuzz: -0.01, clientLeadMs: 120000 }),
    );
  });

  it("give a server no lead, and do not judge pings that it never sends", () => {
    const server = { ...SERVER, pingTries: 0, maxIdleMs: 2 * HOUR };
    assert.same([], contradictions(server, PATIENT_NAT));
    const problems = contradictions({ ...server, clientLeadMs: 60000 }, PATIENT_NAT);
    assert.equal(1, problems.length);
    assert.matches("^clientlead = 0 on a server does not hold: 60000 ms = 0 ms is false", problems[0]);
  });

  it("name every inequality that does not hold, not only the first", () => {
    const problems = contradictions({ ...CLIENT, clientLeadMs: 0, maxIdleMs: HOUR }, PATIENT_NAT);
    assert.equal(2, problems.length);
  });
});

describe("a row of pings", () => {
  it("takes the doubled waits on the fastest network, up to the longest", () => {
    assert.equal(1000 + 2000 + 4000 * 5, shortestPingingMs(CLIENT));
  });

  it("takes the longest wait each time on the slowest", () => {
    assert.equal(4000 * 7, longestPingingMs(CLIENT));
  });
});

describe("the moment of a rekey", () => {
  const since = 5000;
  const end = since + CLIENT.keylifeMs;

  it("of a client lies in the draft's interval", () => {
    const { marginMs, clientLeadMs, fuzz } = CLIENT;
    assert.equal(end - (1 + fuzz) * (marginMs + clientLeadMs), rekeyAtMs(CLIENT, since, 1));
    assert.equal(end - (1 + fuzz) * marginMs - clientLeadMs, rekeyAtMs(CLIENT, since, 0));
  });

  it("of a server lies in the draft's interval", () => {
    const { marginMs, fuzz } = SERVER;
    assert.equal(end - (1 + fuzz) * marginMs, rekeyAtMs(SERVER, since, 0));
    assert.equal(end - marginMs, rekeyAtMs(SERVER, since, 1));
  });

  it("is spread over the interval, and the client's precedes the server's by the lead at least", () => {
    const random = new Random(7);
    let earliest = Infinity;
    let latest = -Infinity;
    for (const _ of $range(1, 1000)) {
      const client = rekeyAtMs(CLIENT, since, random.below(1000) / 999);
      const server = rekeyAtMs(SERVER, since, random.below(1000) / 999);
      assert.is_true(server - client >= CLIENT.clientLeadMs);
      earliest = Math.min(earliest, client);
      latest = Math.max(latest, client);
    }
    assert.is_true(latest - earliest > 0.9 * CLIENT.fuzz * CLIENT.clientLeadMs);
  });

  it("comes before a waiting server switches without an answer", () => {
    assert.equal(end - SERVER.marginMs, switchByMs(SERVER, since));
    assert.is_true(rekeyAtMs(CLIENT, since, 0) < switchByMs(SERVER, since));
  });
});
