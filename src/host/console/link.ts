// SPDX-License-Identifier: GPL-2.0-only
// A board's serial console as a conversation: send a line, wait for what must come, and be told what came instead.
//
// It works over any byte stream: an emulator's unix socket, a pty, a serial device. What has been waited for is
// consumed, so that a prompt is never taken for the next one; what nobody waits for is kept up to a limit.

import type { Duplex } from "node:stream";

/** Unread console text that is kept: a kernel's whole boot log is about 40 kB. */
const KEPT_CHARACTERS_MAX = 256 * 1024;
/** Of what came instead of what was waited for: enough to see an error message with what led to it. */
const SHOWN_LINES_MAX = 8;
/** Terminal control sequences: colours, cursor movements (ECMA-48 §5.4). They split the words that are waited for. */
const CONTROL_SEQUENCES = /\x1b\[[0-?]*[ -/]*[@-~]|[\r\0]/g;
/** The beginning of a control sequence whose end has not come yet. */
const OPEN_SEQUENCE = /\x1b(\[[0-?]*[ -/]*)?$/;

/** What was waited for did not come, or the stream ended. The message shows what came instead. */
export class ConsoleProblem extends Error {
  readonly isLost: boolean;

  /** @param isLost whether the stream has ended, so that trying again on it cannot help */
  constructor(message: string, isLost: boolean) {
    super(message);
    this.isLost = isLost;
  }
}

/** What was waited for. */
export interface Arrival {
  /** Which of the patterns it was. */
  readonly index: number;
  /** The pattern's match with its groups. */
  readonly match: RegExpExecArray;
  /** The text from the last arrival to this one. */
  readonly before: string;
}

interface Waiter {
  readonly patterns: readonly RegExp[];
  readonly what: string;
  readonly limit: NodeJS.Timeout;
  readonly resolve: (arrival: Arrival) => void;
  readonly reject: (problem: Error) => void;
}

function lastLines(text: string): string {
  const lines = text.trimEnd().split("\n").slice(-SHOWN_LINES_MAX);
  return lines.map((line) => `  | ${line}`).join("\n");
}

/** Console text without carriage returns and terminal control; patterns are matched against this. */
export class ConsoleLink {
  readonly stream: Duplex;
  private readonly decoder = new TextDecoder();
  private readonly listeners = new Set<(text: string) => void>();
  /** What came and was not consumed by an arrival. */
  private unread = "";
  private openSequence = "";
  private waiter: Waiter | undefined;
  private lossReason: string | undefined;

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("data", (bytes: Buffer) => {
      this.take(bytes);
    });
    stream.once("error", (problem) => {
      this.lose(problem.message);
    });
    stream.once("close", () => {
      this.lose("it was closed at the other end");
    });
  }

  /** Hands every text on as it comes, for a log or a terminal. @returns what ends that */
  onText(listener: (text: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Sends the text as it is. @throws ConsoleProblem when the stream has ended */
  send(text: string | Uint8Array): void {
    if (this.lossReason !== undefined) throw this.lossProblem();
    this.stream.write(text);
  }

  /** Sends a line as a terminal does, ended by a carriage return. */
  sendLine(line: string): void {
    this.send(`${line}\r`);
  }

  /** Forgets what came so far, so that only what comes from now on is waited for. */
  discard(): void {
    this.unread = "";
  }

  /**
   * Waits until one of the patterns is in what came since the last arrival, and consumes up to its end. Where several
   * are, the earliest in the text counts.
   *
   * @param what is waited for, in words for the error: "U-Boot's prompt"
   * @throws ConsoleProblem when it does not come in time, or the stream ends
   */
  expect(patterns: RegExp | readonly RegExp[], timeoutMs: number, what: string): Promise<Arrival> {
    if (this.waiter !== undefined) throw new Error(`waiting for ${what} while waiting for ${this.waiter.what}`);
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.fail(`${what} did not come within ${timeoutMs / 1000} s`, false);
      }, timeoutMs);
      this.waiter = { patterns: [patterns].flat(), what, limit, resolve, reject };
      this.settle();
      if (this.lossReason !== undefined) this.fail(this.lossProblem().message, true);
    });
  }

  /** Ends the stream; who waits is told. */
  close(): void {
    this.stream.destroy();
    this.lose("it was closed");
  }

  private take(bytes: Buffer): void {
    const whole = this.openSequence + this.decoder.decode(bytes, { stream: true });
    this.openSequence = OPEN_SEQUENCE.exec(whole)?.[0] ?? "";
    const text = whole.slice(0, whole.length - this.openSequence.length).replace(CONTROL_SEQUENCES, "");
    for (const listener of this.listeners) listener(text);
    this.unread = (this.unread + text).slice(-KEPT_CHARACTERS_MAX);
    this.settle();
  }

  private settle(): void {
    if (this.waiter === undefined) return;
    const { patterns, limit, resolve } = this.waiter;
    const matches = patterns.map((pattern, index) => ({ index, match: pattern.exec(this.unread) }));
    const found = matches.filter(({ match }) => match !== null) as { index: number; match: RegExpExecArray }[];
    const [first] = found.sort((one, other) => one.match.index - other.match.index);
    if (first === undefined) return;
    const before = this.unread.slice(0, first.match.index);
    this.unread = this.unread.slice(first.match.index + first.match[0].length);
    this.waiter = undefined;
    clearTimeout(limit);
    resolve({ ...first, before });
  }

  private fail(message: string, isLost: boolean): void {
    if (this.waiter === undefined) return;
    const { limit, reject } = this.waiter;
    this.waiter = undefined;
    clearTimeout(limit);
    const seen = this.unread.trim() === "" ? "Nothing came." : `The last that came:\n${lastLines(this.unread)}`;
    reject(new ConsoleProblem(`${message}. ${seen}`, isLost));
  }

  private lossProblem(): ConsoleProblem {
    return new ConsoleProblem(`The console is lost: ${this.lossReason ?? ""}`, true);
  }

  private lose(reason: string): void {
    this.lossReason ??= reason;
    this.fail(this.lossProblem().message, true);
  }
}
