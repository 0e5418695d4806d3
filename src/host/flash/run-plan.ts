// SPDX-License-Identifier: GPL-2.0-only
// Carries out a plan, step by step; stops at the first that did not work, and says what is left on the board.

import readline from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type ConsoleLink, ConsoleProblem } from "../console/link.js";
import { runInShell, wakeShell } from "../console/shell.js";
import { Refusal } from "../refusal.js";
import type { Answer, Plan, Step, Task } from "./plan.js";
import { runProgram, startService } from "./program.js";
import { type Stopping, UBoot } from "./u-boot.js";

/** For one attempt of a step that is tried again and again. */
const ATTEMPT_LIMIT_MS = 20_000;
/** A server that cannot start says so at once. */
const SERVICE_START_MS = 500;

export interface Surroundings {
  /** For plans that drive a console. */
  readonly link?: ConsoleLink;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** How long each step took. */
export interface StepTime {
  readonly does: string;
  readonly seconds: number;
}

function needLink({ link }: Surroundings): ConsoleLink {
  if (link === undefined) throw new Refusal("This way needs the board's console: --port PLACE. Nothing was done.");
  return link;
}

async function ask(task: Task & { kind: "question" }, signal: AbortSignal): Promise<Answer> {
  if (!process.stdin.isTTY) throw new Refusal("Here is nobody to ask: --yes says that it is meant. Nothing was done.");
  const questions = readline.createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await questions.question(`${task.text} `, { signal });
    const isAgreed = answer.trim() === task.word;
    return { status: isAgreed ? 0 : 1, output: `the answer was "${answer.trim()}"` };
  } finally {
    questions.close();
  }
}

function stoppingOf({ when, send, prompt }: Task & { kind: "stop-loader" }): Stopping {
  return { when: new RegExp(when), send, prompt: new RegExp(prompt) };
}

async function perform(task: Task, limitMs: number, surroundings: Surroundings): Promise<Answer> {
  switch (task.kind) {
    case "program":
      return await runProgram(task.words, limitMs, surroundings.signal, task.input);
    case "stop-loader":
      await UBoot.stop(needLink(surroundings), stoppingOf(task), limitMs);
      return { status: 0, output: "" };
    case "loader": {
      const loader = new UBoot(needLink(surroundings), new RegExp(task.prompt));
      return { status: 0, output: await loader.type(task.line, limitMs) };
    }
    case "shell":
      await wakeShell(needLink(surroundings));
      return await runInShell(needLink(surroundings), task.line, limitMs);
    case "question":
      return await ask(task, surroundings.signal);
  }
}

/** One attempt. @returns why it did not work */
async function attempt(step: Step, limitMs: number, surroundings: Surroundings): Promise<string | undefined> {
  try {
    return step.judge(await perform(step.task, limitMs, surroundings));
  } catch (problem) {
    if (problem instanceof ConsoleProblem) return problem.message;
    throw problem;
  }
}

/** The step with its retries. @returns why it did not work */
async function carryOut(step: Step, surroundings: Surroundings): Promise<string | undefined> {
  const { already, retrySeconds } = step;
  if (already !== undefined) {
    const answer = await runProgram(already.words, ATTEMPT_LIMIT_MS, surroundings.signal);
    if (already.judge(answer) === undefined) return undefined;
  }
  const limitMs = step.limitSeconds * 1000;
  if (retrySeconds === undefined) return await attempt(step, limitMs, surroundings);
  const end = performance.now() + limitMs;
  for (;;) {
    const problem = await attempt(step, ATTEMPT_LIMIT_MS, surroundings);
    if (problem === undefined || performance.now() > end || surroundings.signal.aborted) return problem;
    await sleep(retrySeconds * 1000);
  }
}

/** What a failed step leaves is taken back, as long as nothing was written. */
async function undo(done: readonly Step[], { signal }: Surroundings): Promise<void> {
  if (done.some(({ writes }) => writes === true)) return;
  for (const { undo: words } of done) {
    if (words !== undefined && !signal.aborted) await runProgram(words, ATTEMPT_LIMIT_MS, signal);
  }
}

function failure(plan: Plan, index: number, problem: string): Refusal {
  const step = plan.steps[index];
  const head = `Step ${String(index + 1)} of ${String(plan.steps.length)} did not work: ${step?.does ?? ""}.`;
  const reason = problem
    .split("\n")
    .map((line) => (line.startsWith("  |") ? line : `  ${line}`))
    .join("\n");
  return new Refusal(`${head}\n${reason}\n${step?.otherwise ?? ""}`);
}

async function startServices(plan: Plan): Promise<() => void> {
  let trouble: string | undefined;
  const ends = plan.services.map(({ words }) => startService(words, (why) => (trouble ??= why)));
  const end = (): void => {
    for (const stop of ends) stop();
  };
  if (ends.length > 0) await sleep(SERVICE_START_MS);
  if (trouble === undefined) return end;
  end();
  throw new Refusal(`${trouble}\nNothing was written.`);
}

/**
 * Carries out a plan.
 *
 * @returns how long each step took
 * @throws Refusal with the step that did not work, why, and what is left
 */
export async function runPlan(plan: Plan, surroundings: Surroundings): Promise<StepTime[]> {
  const times: StepTime[] = [];
  let endServices: (() => void) | undefined;
  try {
    for (const [index, step] of plan.steps.entries()) {
      surroundings.say(`${String(index + 1).padStart(2)}/${String(plan.steps.length)} ${step.does}`);
      const begin = performance.now();
      const problem = await carryOut(step, surroundings);
      const reason = surroundings.signal.aborted ? "it was ended from outside" : problem;
      if (reason !== undefined) {
        await undo(plan.steps.slice(0, index + 1), surroundings);
        throw failure(plan, index, reason);
      }
      times.push({ does: step.does, seconds: (performance.now() - begin) / 1000 });
      // The first step looks whether this machine is ready: what runs beside the others needs that.
      if (index === 0) endServices = await startServices(plan);
    }
    return times;
  } finally {
    endServices?.();
  }
}
