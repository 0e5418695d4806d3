// SPDX-License-Identifier: GPL-2.0-only
// What supervisor and ladder decide in random histories, as text: to compare one runtime with another.

import { type Action, type Evidence, Ladder, type ServerAnswers } from "../../../src/epoch/ladder";
import { sealed } from "../../../src/heartbeat/checked-line";
import { flashText } from "../../../src/heartbeat/flash-mark";
import { type HealthState, heartbeatText } from "../../../src/heartbeat/heartbeat";
import { answerCommand } from "../../../src/supervisor/commands";
import { DEFAULT_SUPERVISOR_LIMITS } from "../../../src/supervisor/limits";
import { ResetRecord } from "../../../src/supervisor/reset-record";
import { Supervisor } from "../../../src/supervisor/supervisor";
import { Random } from "../random";

/** Chances are drawn from this many. */
const CHANCES = 1000;
const HEALTHS: readonly HealthState[] = ["ok", "ok", "ok", "degraded", "wedged"];
const CONSOLE_LINES = [
  "U-Boot 2023.01",
  "=> bootm",
  "[    0.000000] Linux version 6.6.0",
  "[   10.0] Kernel panic - not syncing: Oops",
  "Commencing upgrade.",
  "VM1 12 ok no[   12.3] eth0: link up",
  "root@router:~# ls",
];
const COMMANDS = ["status", "log", "hold 3", "resume", "reset", "hold x", "nonsense"];

function fractionOf(random: Random): () => number {
  return () => random.below(CHANCES) / CHANCES;
}

/** A supervisor and its console, second by second; the console is silent or busy for a while at a time. */
function supervisorLog(random: Random, seconds: number): string[] {
  const log: string[] = [];
  const record = new ResetRecord((text) => {
    log.push(`saved ${text}`);
  });
  const supervisor = new Supervisor(DEFAULT_SUPERVISOR_LIMITS, record, fractionOf(random), 0);
  let sequence = 0;
  let isSilent = true;
  for (let second = 1; second <= seconds; second += 1) {
    const nowMs = second * 1000;
    if (random.below(200) === 0) isSilent = !isSilent;
    if (!isSilent && random.below(3) === 0) {
      sequence += 1;
      const health = HEALTHS[random.below(HEALTHS.length)];
      const numbers = [{ name: "time", value: 1_800_000_000 + second }];
      supervisor.hear(sealed(heartbeatText({ sequence, health, reason: "some", numbers })), nowMs);
    }
    if (random.below(300) === 0) supervisor.hear(CONSOLE_LINES[random.below(CONSOLE_LINES.length)], nowMs);
    if (random.below(900) === 0) supervisor.hear(sealed(flashText(random.below(900))), nowMs);
    if (random.below(400) === 0) {
      const { lines, reset } = answerCommand(COMMANDS[random.below(COMMANDS.length)], supervisor, record, nowMs);
      log.push(`${second} ${lines.join("/")} ${reset ?? ""}`);
    }
    const cause = supervisor.tick(nowMs);
    if (cause !== undefined) log.push(`${second} reset ${cause}, next in ${Math.floor(supervisor.waitMs(nowMs))}`);
  }
  return log;
}

const SERVER_ANSWERS: readonly ServerAnswers[] = ["unknown", "asked", "yes", "no"];

/** An endpoint's ladder in outages of every kind. */
function ladderLog(random: Random, outages: number): string[] {
  const log: string[] = [];
  const ladder = new Ladder(fractionOf(random));
  let nowMs = 0;
  for (let outage = 0; outage < outages; outage += 1) {
    nowMs += random.below(100000);
    const evidence: Evidence = {
      isWanUp: random.below(10) > 0,
      serverAnswers: SERVER_ANSWERS[random.below(SERVER_ANSWERS.length)],
      othersAlive: random.below(2),
      othersDead: random.below(3),
      hasWayChanged: random.below(4) === 0,
    };
    const step = ladder.next(nowMs, evidence, random.below(5) > 0);
    const action: Action = step === undefined ? "rekey" : step.action;
    log.push(step === undefined ? "nothing" : `${action} at ${Math.floor(step.atMs)}: ${step.because}`);
    if (step !== undefined) {
      nowMs = step.atMs;
      ladder.took(action, nowMs);
    }
    if (random.below(2) === 0) ladder.failed(action);
    if (random.below(8) === 0) ladder.reset();
  }
  return log;
}

/** @param seed 1 … 2³¹−2 */
export function decisionLog(seed: number, supervisedSeconds: number, outages: number): string[] {
  const random = new Random(seed);
  return supervisorLog(random, supervisedSeconds).concat(ladderLog(random, outages));
}
