// SPDX-License-Identifier: GPL-2.0-only
// A client's tunnel while the network, the server, the NAT in between or the IKE daemon fails.

import { actionsMost, type ServerAnswers } from "../../../src/epoch/ladder";
import { longestPingingMs } from "../../../src/epoch/parameters";
import { CLIENT, TunnelRun } from "./tunnel-run";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The longest from the last packet to the first action, on any network. */
const FIRST_ACTION_MS = CLIENT.maxIdleMs + longestPingingMs(CLIENT) + SECOND;

function assertNoStorm(run: TunnelRun): void {
  const times = run.actions().map(({ atMs }) => atMs);
  for (const startMs of times) {
    const inHour = times.filter((timeMs) => timeMs >= startMs && timeMs < startMs + HOUR).length;
    assert.is_true(inHour <= actionsMost(HOUR), `${inHour} actions in an hour`);
  }
}

function longestGapMs(times: readonly number[]): number {
  let longestMs = 0;
  for (const at of $range(1, times.length - 1)) longestMs = Math.max(longestMs, times[at] - times[at - 1]);
  return longestMs;
}

describe("a tunnel whose NAT lost its state", () => {
  it("comes back by a ping alone when the NAT learns from it", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.wait(13 * SECOND);
    run.answers = () => true;
    run.wait(5 * SECOND);
    assert.equal("up", run.tunnel.state);
    assert.equal("", run.actionNames());
  });

  it("is rekeyed when no ping is answered, and says how it recovered", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    run.answers = (epoch) => epoch.outSpi !== old;
    const diedMs = run.nowMs;
    run.wait(FIRST_ACTION_MS + 2 * SECOND);
    assert.equal("rekey", run.actionNames());
    assert.is_true(run.actions()[0].atMs - diedMs <= FIRST_ACTION_MS);
    assert.equal("up", run.tunnel.state);
    const { last, recoveries } = run.tunnel.outages;
    assert.equal(1, recoveries);
    assert.equal("pings were not answered", last!.cause);
    assert.equal("rekey", last!.by);
    assert.is_true(last!.tookMs > 4 * SECOND && last!.tookMs < FIRST_ACTION_MS);
  });

  it("gets a new IKE session after one rekey whose epoch is not answered, when no other tunnel works", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = (epoch) => epoch.outSpi >= 3;
    run.wait(3 * MINUTE);
    assert.equal("rekey new-ike", run.actionNames());
    assert.equal("up", run.tunnel.state);
  });

  it("gets a new IKE session at once when the way to the server is another one", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    run.answers = (epoch) => epoch.outSpi !== old;
    run.evidence = { ...run.evidence, hasWayChanged: true };
    run.wait(FIRST_ACTION_MS + 2 * SECOND);
    assert.equal("new-ike", run.actionNames());
    assert.equal("up", run.tunnel.state);
  });

  it("is rekeyed at once when the epoch of a new IKE session is not answered", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = (epoch) => epoch.outSpi >= 4;
    run.wait(3 * MINUTE);
    assert.equal("rekey new-ike rekey", run.actionNames());
    const [, session, rekey] = run.actions();
    assert.is_true(rekey.atMs - session.atMs <= 1000 + longestPingingMs(CLIENT));
    assert.equal("up", run.tunnel.state);
  });

  it("gets a new IKE session after two rekeys whose epochs are not answered, when other tunnels work", () => {
    const run = new TunnelRun();
    run.evidence = { ...run.evidence, othersAlive: 1 };
    run.bringUp();
    run.answers = (epoch) => epoch.outSpi >= 4;
    run.wait(3 * MINUTE);
    assert.equal("rekey rekey new-ike", run.actionNames());
    assert.equal("up", run.tunnel.state);
    assert.equal("new-ike", run.tunnel.outages.last!.by);
  });

  it("gets a new IKE session after one rekey that makes no epoch", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.daemonMs = undefined;
    run.wait(25 * SECOND);
    assert.equal("rekey new-ike", run.actionNames());
    const [rekey, renewal] = run.actions();
    assert.near(CLIENT.rekeyMs, renewal.atMs - rekey.atMs, 200);
  });

  it("waits for a rekey no longer than those before let expect", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    run.answers = (epoch) => epoch.outSpi !== old;
    run.wait(30 * SECOND);
    assert.equal("rekey", run.actionNames());
    run.answers = () => false;
    run.daemonMs = undefined;
    run.wait(20 * SECOND);
    assert.equal("rekey rekey new-ike", run.actionNames());
    const [, rekey, session] = run.actions();
    assert.near(4000, session.atMs - rekey.atMs, 200);
  });

  it("is noticed sooner while packets go out", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    run.answers = (epoch) => epoch.outSpi !== old;
    const diedMs = run.nowMs;
    run.wait(500);
    run.sendInVain(old);
    run.wait(10 * SECOND);
    assert.equal("rekey", run.actionNames());
    // The wait under traffic is three timeouts of a ping here; then five pings, a timeout apart.
    assert.is_true(run.actions()[0].atMs - diedMs <= (3 + 5) * CLIENT.pingTimeMinMs + 200);
  });

  it("is still pinged during its recovery, and an answer ends that", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.daemonMs = undefined;
    run.wait(MINUTE);
    const since = run.nowMs;
    run.wait(2 * MINUTE);
    assert.is_true(longestGapMs(run.pingTimes(since)) <= CLIENT.pingTimeMaxMs + 200);
    run.answers = () => true;
    run.wait(CLIENT.pingTimeMaxMs + 200);
    assert.equal("up", run.tunnel.state);
    const actions = run.actions().length;
    run.wait(5 * MINUTE);
    assert.equal(actions, run.actions().length);
  });

  it("does not hurry when the server answers nobody, and is pinged at once when it does again", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.evidence = { ...run.evidence, serverAnswers: "no" };
    run.wait(FIRST_ACTION_MS);
    assert.equal("", run.actionNames());
    run.answers = () => true;
    run.evidence = { ...run.evidence, serverAnswers: "yes" };
    run.wait(300);
    assert.equal("up", run.tunnel.state);
    assert.equal("", run.actionNames());
  });

  it("is not rekeyed while it is asked whether the server answers anything: the return of a router costs no action", () => {
    const run = new TunnelRun();
    const epoch = run.bringUp();
    run.daemonMs = undefined;
    run.answers = () => false;
    run.wait(500);
    run.sendInVain(epoch);
    run.evidence = { ...run.evidence, serverAnswers: "asked" };
    run.wait(FIRST_ACTION_MS);
    run.evidence = { ...run.evidence, serverAnswers: "no" };
    run.wait(10 * SECOND);
    assert.equal("", run.actionNames());
    run.answers = () => true;
    run.evidence = { ...run.evidence, serverAnswers: "yes" };
    run.wait(200);
    assert.equal("up", run.tunnel.state);
    assert.equal("ping", run.tunnel.outages.last!.by);
  });

  it("that was given up gets three pings when the server answers again, and is rekeyed when they are not answered", () => {
    const run = new TunnelRun();
    const epoch = run.bringUp();
    run.answers = ({ outSpi }) => outSpi !== epoch;
    run.evidence = { ...run.evidence, serverAnswers: "no" };
    run.wait(FIRST_ACTION_MS);
    run.evidence = { ...run.evidence, serverAnswers: "yes" };
    run.wait(3 * CLIENT.pingTimeMinMs);
    assert.equal("", run.actionNames());
    run.wait(200);
    assert.equal("rekey", run.actionNames());
  });

  it("is rekeyed at once when the server turns out to answer", () => {
    const run = new TunnelRun();
    const epoch = run.bringUp();
    run.answers = ({ outSpi }) => outSpi !== epoch;
    run.evidence = { ...run.evidence, serverAnswers: "asked" };
    run.wait(FIRST_ACTION_MS);
    assert.equal("", run.actionNames());
    run.evidence = { ...run.evidence, serverAnswers: "yes" };
    run.wait(200);
    assert.equal("rekey", run.actionNames());
  });

  it("is in doubt as soon as a ping has to be repeated, so that the evidence comes before the first action", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.wait(CLIENT.maxIdleMs);
    assert.is_false(run.tunnel.isDoubtful());
    run.wait(CLIENT.pingTimeMinMs);
    assert.is_true(run.tunnel.isDoubtful());
    assert.equal("", run.actionNames());
  });

  it("puts off what it was about to do when the server turns out to answer nobody", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.daemonMs = undefined;
    run.wait(2 * MINUTE);
    run.evidence = { ...run.evidence, serverAnswers: "no" };
    const actions = run.actions().length;
    run.wait(20 * SECOND);
    assert.equal(actions, run.actions().length);
    run.wait(2 * MINUTE);
    assert.is_true(run.actions().length > actions);
  });
});

// The races as they look from the clients behind one NAT; the other half is the server's (tunnel-server.spec.ts).
describe("the races of VPN Masquerade", () => {
  it("1: a server that uses the new epoch first confirms it, whether the ping was lost or not", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    const young = run.appear();
    run.wait(50);
    run.hear(young);
    assert.equal<number | "hold">(young, run.data());
    assert.equal("up", run.tunnel.state);
  });

  it("2: two clients whose new epochs were bound crosswise are both rekeyed in time", () => {
    const runs = [new TunnelRun({}, 1), new TunnelRun({}, 2)];
    for (const run of runs) {
      run.bringUp();
      const crossed = run.appear();
      run.answers = (epoch) => epoch.outSpi > crossed;
      run.wait(FIRST_ACTION_MS + SECOND);
      assert.equal("rekey", run.actionNames());
      assert.equal("up", run.tunnel.state);
    }
  });

  it("3: a client whose outstanding item timed out keeps its claim by pinging", () => {
    const run = new TunnelRun();
    run.answers = () => false;
    run.appear();
    run.wait(20 * SECOND);
    const natOutstandingMs = 4000;
    assert.is_true(longestGapMs(run.pingTimes()) <= natOutstandingMs);
  });

  it("4: an established item never times out, because an idle tunnel is pinged", () => {
    const run = new TunnelRun({ maxIdleMs: 5 * MINUTE });
    run.bringUp();
    run.wait(2 * HOUR);
    const natIdleMs = 15 * MINUTE;
    assert.is_true(longestGapMs(run.pingTimes()) < natIdleMs);
    assert.equal("up", run.tunnel.state);
  });

  it("a collision of incoming SPIs is ended by the rekey of one client", () => {
    const run = new TunnelRun();
    run.evidence = { ...run.evidence, othersAlive: 1 };
    run.answers = (epoch) => epoch.outSpi !== 1;
    run.appear();
    run.wait(FIRST_ACTION_MS + SECOND);
    assert.equal("rekey", run.actionNames());
    assert.equal("up", run.tunnel.state);
  });
});

describe("a tunnel without any epoch", () => {
  it("is left to the IKE daemon for the time of a negotiation, then initiated", () => {
    const run = new TunnelRun();
    run.wait(CLIENT.negotiationMs);
    assert.equal("", run.actionNames());
    run.wait(2 * SECOND);
    assert.equal("initiate", run.actionNames());
    assert.equal("up", run.tunnel.state);
  });

  it("gets a new IKE session when initiating makes no epoch, and so on with growing pauses", () => {
    const run = new TunnelRun();
    run.daemonMs = undefined;
    run.wait(5 * MINUTE);
    assert.matches("^initiate new%-ike initiate new%-ike", run.actionNames());
    assertNoStorm(run);
  });

  it("that lost its last one is told of, and its data held", () => {
    const run = new TunnelRun();
    const spi = run.bringUp();
    run.vanish(spi);
    assert.equal("down", run.tunnel.state);
    assert.equal<number | "hold">("hold", run.data());
    assert.is_nil(run.placement().ping);
    run.wait(CLIENT.negotiationMs + 3 * SECOND);
    assert.equal("initiate", run.actionNames());
    assert.equal("initiate", run.tunnel.outages.last!.by);
    assert.equal("the last epoch was removed", run.tunnel.outages.last!.cause);
  });

  it("is not interfered with when the daemon brings it back itself", () => {
    const run = new TunnelRun();
    const spi = run.bringUp();
    run.vanish(spi);
    run.wait(10 * SECOND);
    run.appear();
    run.wait(MINUTE);
    assert.equal("", run.actionNames());
    assert.equal("up", run.tunnel.state);
    assert.equal("ping", run.tunnel.outages.last!.by);
  });
});

describe("a SA that vanishes", () => {
  it("does no harm at any moment of a rekey", () => {
    for (const delayMs of $range(0, 3000, 100)) {
      for (const victim of [1, 2]) {
        const run = new TunnelRun({}, 1 + delayMs);
        run.bringUp();
        run.roundTripMs = 700;
        run.appear();
        run.after(delayMs, () => {
          run.vanish(victim);
        });
        for (const _ of $range(1, 40)) {
          run.wait(100);
          const { data, ping } = run.placement();
          const known = run.tunnel.epochs();
          if (data !== "hold") assert.is_true(known.includes(data));
          if (ping !== undefined) assert.is_true(known.includes(ping));
        }
        assert.equal("up", run.tunnel.state);
        assert.equal<number | "hold">(victim === 1 ? 2 : 1, run.data());
      }
    }
  });

  it("does no harm at any moment of a recovery", () => {
    for (const delayMs of $range(0, 100000, 3700)) {
      const run = new TunnelRun({}, 1 + delayMs);
      run.bringUp();
      run.answers = (epoch) => epoch.outSpi > 3;
      run.after(delayMs, () => {
        for (const { outSpi } of run.tunnel.epochs()) run.vanish(outSpi);
      });
      run.wait(4 * MINUTE);
      assert.equal("up", run.tunnel.state);
    }
  });

  it("that nobody knows changes nothing", () => {
    const run = new TunnelRun();
    const spi = run.bringUp();
    run.vanish(99);
    assert.equal<number | "hold">(spi, run.data());
    assert.equal("up", run.tunnel.state);
  });
});

describe("a daemon that makes one epoch after the other", () => {
  it("does not keep a dead tunnel from its recovery", () => {
    for (const periodMs of [300, 900, 1700, 10000]) {
      const run = new TunnelRun();
      run.bringUp();
      run.answers = () => false;
      run.daemonMs = undefined;
      const startMs = run.nowMs;
      while (run.nowMs < startMs + 10 * MINUTE) {
        const spi = run.appear();
        run.wait(periodMs);
        run.vanish(spi);
      }
      assert.is_true(run.actions().length >= 2, `${run.actions().length} actions at ${periodMs} ms`);
      assertNoStorm(run);
    }
  });

  it("does not disturb a tunnel whose epochs are answered", () => {
    const run = new TunnelRun();
    run.bringUp();
    for (const _ of $range(1, 100)) {
      run.appear();
      run.wait(500);
      assert.is_true(run.data() !== "hold");
    }
    assert.equal("", run.actionNames());
  });
});

describe("a WAN that is down for hours", () => {
  it("costs no action and no ping, and the tunnel is back at once", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.daemonMs = undefined;
    run.wait(20 * SECOND);
    run.evidence = { ...run.evidence, isWanUp: false };
    const since = run.nowMs;
    run.wait(5 * HOUR);
    assert.equal(0, run.actions(since).length);
    assert.equal(0, run.pingTimes(since).length);
    run.answers = () => true;
    run.evidence = { ...run.evidence, isWanUp: true };
    run.wait(300);
    assert.equal("up", run.tunnel.state);
  });

  it("does not count against the NAT's patience: the ladder starts at its bottom", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.daemonMs = undefined;
    run.wait(5 * MINUTE);
    run.evidence = { ...run.evidence, isWanUp: false };
    run.wait(HOUR);
    run.evidence = { ...run.evidence, isWanUp: true };
    const since = run.nowMs;
    run.wait(longestPingingMs(CLIENT) + CLIENT.negotiationMs);
    assert.equal("rekey", run.actions(since)[0].order.kind);
  });

  it("is no hindrance to a tunnel that hears something nevertheless", () => {
    const run = new TunnelRun();
    run.answers = () => false;
    run.evidence = { ...run.evidence, isWanUp: false };
    const spi = run.appear();
    run.hear(spi);
    assert.equal<number | "hold">(spi, run.data());
  });

  it("has an order given again that nobody could hear, rather than wait for the daemon to repeat itself", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = (epoch) => epoch.outSpi > 1;
    run.daemonMs = undefined;
    run.wait(FIRST_ACTION_MS + CLIENT.rekeyMs + SECOND);
    assert.equal("rekey new-ike", run.actionNames());
    run.vanish(1);
    run.evidence = { ...run.evidence, isWanUp: false };
    run.wait(3 * SECOND);
    run.evidence = { ...run.evidence, isWanUp: true };
    run.daemonMs = 500;
    run.wait(SECOND);
    assert.equal("rekey new-ike new-ike", run.actionNames());
    assert.equal("up", run.tunnel.state);
  });

  it("brings back a tunnel that lost its epochs meanwhile", () => {
    const run = new TunnelRun();
    const spi = run.bringUp();
    run.evidence = { ...run.evidence, isWanUp: false };
    run.wait(MINUTE);
    run.vanish(spi);
    run.wait(HOUR);
    assert.equal("", run.actionNames());
    run.evidence = { ...run.evidence, isWanUp: true };
    run.wait(3 * SECOND);
    assert.equal("up", run.tunnel.state);
  });
});

describe("a server that is dead for hours", () => {
  function endure(serverAnswers: ServerAnswers, daemonMs: number | undefined): void {
    const run = new TunnelRun();
    run.bringUp();
    run.tickMs = SECOND;
    run.daemonMs = daemonMs;
    run.answers = () => false;
    run.evidence = { ...run.evidence, serverAnswers };
    const since = run.nowMs;
    run.wait(6 * HOUR);
    assertNoStorm(run);
    const times = run.actions().map(({ atMs }) => atMs);
    assert.is_true(times.length > 60 && times.length < 400, `${times.length} actions in six hours`);
    assert.is_true(longestGapMs([since, ...times, run.nowMs]) < 8 * MINUTE);
  }

  it("gets neither a storm nor silence", () => {
    endure("unknown", undefined);
    endure("yes", undefined);
  });

  it("gets neither when its address answers nothing any more", () => {
    endure("no", undefined);
  });

  it("gets neither when its IKE daemon makes epochs that lead nowhere", () => {
    endure("unknown", 500);
    endure("yes", 500);
  });

  it("is found again within a pause", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.tickMs = SECOND;
    run.daemonMs = undefined;
    run.answers = () => false;
    run.after(10 * SECOND, () => {
      run.vanish(1);
    });
    run.wait(4 * HOUR);
    run.daemonMs = 500;
    run.answers = () => true;
    run.wait(8 * MINUTE);
    assert.equal("up", run.tunnel.state);
  });

  it("that ends its outages only to begin them again gets no storm either", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.roundTripMs = 10;
    for (const _ of $range(1, 300)) {
      run.answers = () => false;
      run.wait(40 * SECOND);
      run.answers = () => true;
      run.wait(8 * SECOND);
    }
    assert.is_true(run.actions().length > 20);
    assertNoStorm(run);
  });
});

describe("a clock that jumps forward", () => {
  it("while a ping is under way is not taken for the network's silence", () => {
    const run = new TunnelRun();
    run.roundTripMs = 500;
    const spi = run.appear();
    run.sleep(3 * HOUR);
    run.wait(SECOND);
    assert.equal<number | "hold">(spi, run.data());
    assert.equal("", run.actionNames());
  });

  it("while the last ping waits gives the answer its time", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.answers = () => false;
    run.wait(CLIENT.maxIdleMs + 4 * SECOND);
    assert.equal("probing", run.tunnel.state);
    run.sleep(HOUR);
    run.wait(200);
    assert.equal("", run.actionNames());
    run.hear(1);
    assert.equal("up", run.tunnel.state);
  });

  it("over the end of the epoch is followed by a rekey, once", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.sleep(CLIENT.keylifeMs + HOUR);
    run.wait(10 * SECOND);
    assert.equal("rekey", run.actionNames());
    assert.equal("up", run.tunnel.state);
  });

  it("while a rekey is awaited gives the daemon its time", () => {
    const run = new TunnelRun();
    const old = run.bringUp();
    run.answers = (epoch) => epoch.outSpi !== old;
    run.daemonMs = 3 * SECOND;
    while (run.actions().length === 0) run.wait(100);
    run.sleep(MINUTE);
    run.wait(SECOND);
    run.wait(5 * SECOND);
    assert.equal("rekey", run.actionNames());
    assert.equal("up", run.tunnel.state);
  });
});

describe("what a tunnel does next", () => {
  it("is told with its time", () => {
    const run = new TunnelRun();
    run.bringUp();
    run.wait(100);
    assert.equal("ping", run.tunnel.nextStep!.what);
    assert.equal(run.tunnel.lastInMs()! + CLIENT.maxIdleMs, run.tunnel.nextStep!.atMs!);
    run.evidence = { ...run.evidence, isWanUp: false };
    run.wait(100);
    assert.equal("wait for the WAN", run.tunnel.nextStep!.what);
  });
});
