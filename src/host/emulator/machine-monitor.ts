// SPDX-License-Identifier: GPL-2.0-only
// What can be done to the emulated board from outside: QEMU's machine protocol (QMP), one command after another.

import type { Socket } from "node:net";
import readline from "node:readline";

interface Reply {
  readonly QMP?: unknown;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  /** Something happened: the board was reset, the watchdog bit. */
  readonly event?: string;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (problem: Error) => void;
}

/** QEMU's end of the board's reset line. */
export class MachineMonitor {
  private readonly socket: Socket;
  private readonly waiting: Waiting[] = [];

  /** @param onEvent gets the names of what happens to the machine: "RESET", "SHUTDOWN" */
  constructor(socket: Socket, onEvent: (name: string) => void) {
    this.socket = socket;
    const lines = readline.createInterface({ input: socket });
    lines.on("line", (line) => {
      const reply = JSON.parse(line) as Reply;
      if (reply.event !== undefined) onEvent(reply.event);
      else if (reply.QMP === undefined) this.answer(reply);
    });
    socket.once("close", () => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error("the emulator has ended"));
    });
    // "close" follows. The lines' reader says again what its socket says.
    socket.on("error", () => undefined);
    lines.on("error", () => undefined);
  }

  /** @throws Error with QEMU's own words when it refuses, or when it has ended */
  execute(command: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.socket.write(`${JSON.stringify({ execute: command })}\n`);
    });
  }

  private answer({ return: value, error }: Reply): void {
    const next = this.waiting.shift();
    if (error === undefined) next?.resolve(value);
    else next?.reject(new Error(`the emulator refused: ${error.desc}`));
  }
}
