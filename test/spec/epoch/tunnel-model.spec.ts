// SPDX-License-Identifier: GPL-2.0-only
// Any sequence of events at all: what must hold of a tunnel whatever the kernel, the daemon and the network do.

import { actionsMost, type ServerAnswers } from "../../../src/epoch/ladder";
import { type EpochParameters, switchByMs } from "../../../src/epoch/parameters";
import type { Epoch } from "../../../src/epoch/tunnel";
import { Random } from "../random";
import { CLIENT, SERVER, TunnelRun } from "./tunnel-run";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const SEEDS = 40;
const STEPS = 200;

/**
 * The longest that a dead tunnel of the clients below goes without an action: rows of pings over several epochs, a
 * negotiation, the longest pause with its jitter.
 */
const PATIENCE_MS = 4 * 7 * 4 * SECOND + 30 * SECOND + 375 * SECOND + MINUTE;

const SERVER_ANSWERS: readonly ServerAnswers[] = ["unknown", "unknown", "asked", "yes", "no"];

class Exploration {
  readonly run: TunnelRun;
  private readonly random: Random;
  private readonly live: number[] = [];
  /** When those were born that a packet has come in on; also of those that are gone. */
  private readonly heardBornMs = new LuaMap<number, number>();
  private readonly bornMs = new LuaMap<number, number>();

  constructor(
    private readonly parameters: EpochParameters,
    seed: number,
  ) {
    this.random = new Random(seed);
    this.run = new TunnelRun(parameters, seed);
    // Whatever happens, happens here.
    this.run.answers = () => false;
    this.run.daemonMs = undefined;
    this.run.tickMs = SECOND;
  }

  step(): void {
    const event = this.random.below(16);
    if (event < 2) this.appear();
    else if (event < 4) this.vanish();
    else if (event < 7) this.hear();
    else if (event === 7) this.changeEvidence();
    else if (event === 8) this.run.sleep(this.random.below(HOUR));
    else this.passTime();
    this.check();
  }

  /** Nothing more is heard: the tunnel must be cared for within its patience. */
  starve(): void {
    // Who asks a server comes to an answer.
    const { serverAnswers } = this.run.evidence;
    const isAsked = serverAnswers === "asked";
    this.run.evidence = { ...this.run.evidence, isWanUp: true, serverAnswers: isAsked ? "no" : serverAnswers };
    const before = this.run.actions().length;
    const endMs = this.run.nowMs + PATIENCE_MS;
    while (this.run.nowMs < endMs && this.run.actions().length === before) this.run.wait(SECOND);
    assert.is_true(this.run.actions().length > before, `nothing done in state ${this.run.tunnel.state}`);
  }

  checkBudget(): void {
    const times = this.run.actions().map(({ atMs }) => atMs);
    for (const startMs of times) {
      const inHour = times.filter((timeMs) => timeMs >= startMs && timeMs < startMs + HOUR).length;
      assert.is_true(inHour <= actionsMost(HOUR), `${inHour} actions in an hour`);
    }
  }

  private appear(): void {
    const spi = this.run.appear();
    this.live.push(spi);
    this.bornMs.set(spi, this.run.nowMs);
  }

  private vanish(): void {
    if (this.live.length === 0) return;
    const at = this.random.below(this.live.length);
    this.run.vanish(this.live[at]);
    this.live.splice(at, 1);
  }

  private hear(): void {
    if (this.live.length === 0) return;
    const spi = this.live[this.random.below(this.live.length)];
    this.heardBornMs.set(spi, this.bornMs.get(spi)!);
    this.run.hear(spi);
  }

  private changeEvidence(): void {
    this.run.evidence = {
      isWanUp: this.random.below(4) > 0,
      serverAnswers: SERVER_ANSWERS[this.random.below(SERVER_ANSWERS.length)],
      othersAlive: this.random.below(3),
      othersDead: this.random.below(3),
      hasWayChanged: this.random.below(4) === 0,
    };
  }

  private passTime(): void {
    const spans = [10, 100, SECOND, 10 * SECOND, 2 * MINUTE];
    this.run.wait(spans[this.random.below(spans.length)]);
  }

  private check(): void {
    const { data, ping } = this.run.placement();
    if (data !== "hold") {
      assert.is_true(this.live.includes(data.outSpi), "data on an epoch that is gone");
      assert.is_true(
        this.heardBornMs.has(data.outSpi) || this.isPastDeadline(),
        "data on an epoch that was not confirmed",
      );
    }
    if (ping !== undefined) assert.is_true(this.live.includes(ping.outSpi), "pings on an epoch that is gone");
    this.checkHold(data);
  }

  /** Held data waits for a reason: no epoch that was answered is the newest. */
  private checkHold(data: Epoch | "hold"): void {
    const newest = this.live[this.live.length - 1];
    if (data !== "hold" || newest === undefined || this.parameters.ignoresServerRekey) return;
    assert.is_false(this.heardBornMs.has(newest), "data held while the newest epoch is confirmed");
  }

  private isPastDeadline(): boolean {
    if (this.parameters.role === "client") return false;
    for (const [, bornMs] of this.heardBornMs) {
      if (this.run.nowMs >= switchByMs(this.parameters, bornMs)) return true;
    }
    return false;
  }
}

function explore(name: string, parameters: EpochParameters): void {
  describe(`any sequence of events at ${name}`, () => {
    it("keeps data off epochs that were not confirmed or are gone, and within the budget", () => {
      for (const seed of $range(1, SEEDS)) {
        const exploration = new Exploration(parameters, seed);
        for (const _ of $range(1, STEPS)) exploration.step();
        exploration.checkBudget();
      }
    });

    if (parameters.role === "server") return;
    it("leaves a tunnel that an action is ordered for when it stays dead", () => {
      for (const seed of $range(1, SEEDS)) {
        const exploration = new Exploration(parameters, 1000 + seed);
        for (const _ of $range(1, 30 + seed)) exploration.step();
        exploration.starve();
      }
    });
  });
}

explore("a client", CLIENT);
explore("a client that does not follow the server's rekeys", { ...CLIENT, ignoresServerRekey: true });
explore("a client whose daemon keeps old epochs", { ...CLIENT, oldEpochMs: CLIENT.keylifeMs });
explore("a server", { ...SERVER, keylifeMs: HOUR });
