// SPDX-License-Identifier: GPL-2.0-only
// A program of the administrator's that is run when a tunnel changes its state: for lights, messages, fail-over.
//
// It runs beside the loop with a limit of time, one call after another, so that the last one it sees is the last state.
// What happens while it runs waits its turn; of a tunnel's states only the latest.

import { ChildJob } from "../system/child-job";
import type { EventLoop } from "../system/event-loop";

const OUTPUT_BYTES_MAX = 1000;

/** Environment variables. */
export type HookVariables = Readonly<Record<string, string>>;

export class Hook {
  private job: ChildJob | undefined;
  /** By tunnel, in order of their first news. */
  private waiting: { readonly about: string; readonly variables: HookVariables }[] = [];

  /** @param onProblem is told of a program that failed */
  constructor(
    private readonly loop: EventLoop,
    private readonly program: string,
    private readonly timeoutMs: number,
    private readonly onProblem: (this: void, problem: string) => void,
  ) {}

  /** Has it run soon. @param about what the news replace */
  run(about: string, variables: HookVariables): void {
    this.waiting = [...this.waiting.filter((one) => one.about !== about), { about, variables }];
  }

  /** To be called a few times a second. */
  tick(nowMs: number): void {
    this.job?.tick(nowMs);
    if (this.job !== undefined || this.waiting.length === 0) return;
    const { variables } = this.waiting.shift()!;
    const settings = Object.keys(variables).map((name) => `${name}=${variables[name]}`);
    const limits = { timeoutMs: this.timeoutMs, outputBytesMax: OUTPUT_BYTES_MAX };
    const argv = ["env", ...settings, this.program];
    const [job, problem] = ChildJob.start(this.loop, argv, limits, nowMs, (result, cause) => {
      this.job = undefined;
      if (result === undefined) this.onProblem(cause!);
      else if (result.status !== 0) this.onProblem(`status ${result.status}: ${result.errorOutput}`);
    });
    this.job = job;
    if (problem !== undefined) this.onProblem(problem);
  }

  /** Lets what runs run on. */
  close(): void {
    this.waiting = [];
  }
}
