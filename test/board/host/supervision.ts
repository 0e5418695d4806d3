// SPDX-License-Identifier: GPL-2.0-only
// The supervisor wired to an emulated board: what the board says on its console goes to the microcontroller, and what
// the microcontroller does to its reset line is done to the board's.

import type { EmulatedBoard } from "../../../src/host/emulator/emulated-board.js";
import { type Microcontroller, startMicrocontroller, type Wiring } from "../../supervisor/host/interpreter.js";

/** A pulled reset line is noticed so soon; a board's circuit takes about as long. */
const LOOK_MS = 50;
/** The supervisor's answer to a command comes within a turn of its loop. */
const ANSWER_MS = 1500;

export class Supervision {
  private passedOn = 0;
  private problem: Error | undefined;
  private readonly look: NodeJS.Timeout;
  private readonly listen = (bytes: Buffer): void => {
    this.microcontroller.print(bytes.toString("latin1"));
  };

  private constructor(
    private readonly board: EmulatedBoard,
    private readonly microcontroller: Microcontroller,
  ) {
    board.console.stream.on("data", this.listen);
    this.look = setInterval(() => {
      this.passOnResets();
    }, LOOK_MS);
  }

  /** @param limits of src/supervisor/limits.ts, where they are others than the usual */
  static async begin(board: EmulatedBoard, limits: Wiring): Promise<Supervision> {
    return new Supervision(board, await startMicrocontroller({ limits }));
  }

  /** How often the supervisor has reset the board. @throws Error when the board could not be reset */
  resets(): number {
    if (this.problem !== undefined) throw this.problem;
    return this.microcontroller.resets();
  }

  /** What the supervisor answers to a person's command. */
  async answer(command: string): Promise<string> {
    const before = this.microcontroller.said().length;
    this.microcontroller.type(`${command}\n`);
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    return this.microcontroller.said().slice(before);
  }

  async end(): Promise<void> {
    clearInterval(this.look);
    this.board.console.stream.off("data", this.listen);
    await this.microcontroller.end();
  }

  private passOnResets(): void {
    for (; this.passedOn < this.microcontroller.resets(); this.passedOn += 1) {
      this.board.reset().catch((problem: unknown) => {
        this.problem = problem as Error;
      });
    }
  }
}
