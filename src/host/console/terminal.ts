// SPDX-License-Identifier: GPL-2.0-only
// A person at the board's console: keys go to the board as they are, the board's text to the terminal, until Ctrl-].

import type { Duplex } from "node:stream";
import { Refusal } from "../refusal.js";

/** Ctrl-], which telnet and others use too: no shell or editor has another use for it. */
const LEAVE = 0x1d;

const SIGNALS = ["SIGTERM", "SIGHUP"] as const;

/**
 * Joins the terminal and the console.
 *
 * @returns why it ended: the person left, or the console was lost
 * @throws Refusal where there is no terminal
 */
export async function joinTerminal(
  console: Duplex,
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
): Promise<string> {
  if (!input.isTTY) {
    throw new Refusal(
      "Here is no terminal to type at. In a script, use --run COMMAND or --send TEXT. Nothing was sent.",
    );
  }
  return await new Promise((resolve) => {
    const show = (bytes: Buffer): void => {
      output.write(bytes);
    };
    const type = (bytes: Buffer): void => {
      const leave = bytes.indexOf(LEAVE);
      console.write(leave === -1 ? bytes : bytes.subarray(0, leave));
      if (leave !== -1) end("left");
    };
    const lose = (): void => {
      end("the console was closed at the other end");
    };
    const stop = (): void => {
      end("ended by a signal");
    };
    const end = (reason: string): void => {
      console.off("data", show);
      console.off("close", lose);
      input.off("data", type);
      for (const signal of SIGNALS) process.off(signal, stop);
      input.setRawMode(false);
      input.pause();
      resolve(reason);
    };
    input.setRawMode(true);
    input.on("data", type);
    console.on("data", show);
    console.once("close", lose);
    for (const signal of SIGNALS) process.once(signal, stop);
  });
}
