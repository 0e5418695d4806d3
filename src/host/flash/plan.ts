// SPDX-License-Identifier: GPL-2.0-only
// What will be done to a board, as data: step by step the command, how it is known to have worked, and what is left
// when it fails. What --dry-run prints is what is carried out.

import { wrap } from "../page.js";

/** What a command answered. */
export interface Answer {
  readonly status: number;
  readonly output: string;
}

/** Why an answer is not what was wanted, for a person; undefined when it is. */
export type Judge = (answer: Answer) => string | undefined;

/** A file that a program reads on its standard input. */
export interface Input {
  readonly file: string;
  readonly isPacked: boolean;
  /** Once unpacked, for the progress bar. */
  readonly bytes: number;
}

export type Task =
  /** A program on this machine; on the board by ssh. */
  | { readonly kind: "program"; readonly words: readonly string[]; readonly input?: Input }
  /** The boot loader is stopped before it starts the system. */
  | { readonly kind: "stop-loader"; readonly when: string; readonly send: string; readonly prompt: string }
  /** A line typed at the boot loader's prompt. */
  | { readonly kind: "loader"; readonly line: string; readonly prompt: string }
  /** A line on the board's shell, over the console. */
  | { readonly kind: "shell"; readonly line: string }
  /** A person must type a word. */
  | { readonly kind: "question"; readonly text: string; readonly word: string };

export interface Step {
  /** "Copies the image to the board": one sentence without its dot. */
  readonly does: string;
  readonly task: Task;
  readonly limitSeconds: number;
  readonly judge: Judge;
  /** What the judge asks for, in words. */
  readonly worked: string;
  /** What is on the board, and what to do, when it did not work. */
  readonly otherwise: string;
  /** Tried again until it worked or the limit is over. */
  readonly retrySeconds?: number;
  /** When this program's answer is right, the step is done already: what a broken attempt left is used. */
  readonly already?: { readonly words: readonly string[]; readonly judge: Judge };
  /** Run when a later step fails before anything was written. */
  readonly undo?: readonly string[];
  /** From here on the board is changed. */
  readonly writes?: boolean;
}

/** A program that runs beside the steps and is ended with them. */
export interface Service {
  readonly does: string;
  readonly words: readonly string[];
}

export interface Plan {
  readonly board: string;
  readonly way: string;
  /** What is lost on the board, in words. */
  readonly loses: string;
  /** What the plan rests on and nobody has read in a source. */
  readonly unverified: readonly string[];
  readonly services: readonly Service[];
  readonly steps: readonly Step[];
}

/** Words as a person would type them. */
export function typed(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

/** What a step does, as one would do it by hand. */
export function taskText(task: Task): string {
  switch (task.kind) {
    case "program":
      return `${typed(task.words)}${task.input === undefined ? "" : ` < ${task.input.file}`}`;
    case "stop-loader":
      return `when the console says /${task.when}/: ${JSON.stringify(task.send)}`;
    case "loader":
    case "shell":
      return task.line;
    case "question":
      return `${task.text} (${task.word})`;
  }
}

const PLACES: Readonly<Record<Task["kind"], string>> = {
  program: "here",
  "stop-loader": "console",
  loader: "boot loader",
  shell: "board's shell",
  question: "you",
};

/** What was not read in a source, for a person; no lines where all was. */
export function unverifiedText(sentences: readonly string[]): string[] {
  if (sentences.length === 0) return [];
  const lines = sentences.map((sentence) => wrap(sentence, "    ").replace(/^ {4}/, "  - "));
  return ["Not verified, neither on a board nor in a source:", ...lines];
}

/** The plan for a person, in 80 columns (but for commands: they are shown whole, to be copied). */
export function planText(plan: Plan): string {
  const services = plan.services.map(({ does, words }) => `Meanwhile: ${does}\n    ${typed(words)}`);
  const steps = plan.steps.map(({ does, task, worked, otherwise, writes }, index) => {
    const number = String(index + 1).padStart(2);
    return [
      `${number}. ${does}.${writes === true ? "  [writes]" : ""}`,
      `    ${PLACES[task.kind]}: ${taskText(task)}`,
      wrap(`worked: ${worked}`, "    "),
      wrap(`else:   ${otherwise}`, "    "),
    ].join("\n");
  });
  return [...planHead(plan), ...services, ...steps].join("\n");
}

/** What a person should know before the first step. */
export function planHead({ board, way, loses, unverified }: Plan): string[] {
  return [wrap(`${board}, ${way}.`), wrap(loses), ...unverifiedText(unverified)];
}

/** The plan for a program. */
export function planDocument({ board, way, loses, unverified, services, steps }: Plan): unknown {
  return {
    board,
    way,
    loses,
    unverified,
    services,
    steps: steps.map(({ does, task, limitSeconds, worked, otherwise, writes = false }) => ({
      does,
      where: PLACES[task.kind],
      command: taskText(task),
      limitSeconds,
      worked,
      otherwise,
      writes,
    })),
  };
}

/** The program ended well. */
export const endedWell: Judge = ({ status, output }) =>
  status === 0
    ? undefined
    : `it ended with status ${String(status)}: ${output.trim().split("\n").slice(-3).join(" / ")}`;
