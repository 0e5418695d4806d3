// SPDX-License-Identifier: GPL-2.0-only
// U-Boot's command line over a serial console: stop it from booting, give it commands, believe only what it says.

import zlib from "node:zlib";
import { type ConsoleLink, ConsoleProblem } from "../console/link.js";

const PROMPT = /(?:^|\n)=> $/;
/** From power on to the count-down: the emulated board takes 2 s on an idle machine. */
const AUTOBOOT_LIMIT_MS = 60_000;
const PROMPT_LIMIT_MS = 10_000;
const COMMAND_LIMIT_MS = 30_000;

/** U-Boot, or what should be U-Boot, did not do what it was told to. */
export class UBootProblem extends Error {}

function hexadecimal(value: number): string {
  return value.toString(16);
}

/** A board that waits at U-Boot's prompt. */
export class UBoot {
  readonly link: ConsoleLink;

  private constructor(link: ConsoleLink) {
    this.link = link;
  }

  /**
   * Stops the count-down of a board that was just switched on or reset.
   * @throws ConsoleProblem when there is no count-down or no prompt: it shows what came instead
   */
  static async stop(link: ConsoleLink): Promise<UBoot> {
    await link.expect(/Hit any key to stop autoboot/, AUTOBOOT_LIMIT_MS, "U-Boot's count-down");
    link.send(" ");
    await link.expect(PROMPT, PROMPT_LIMIT_MS, "U-Boot's prompt");
    return new UBoot(link);
  }

  /**
   * Runs a command.
   * @returns what it said
   * @throws UBootProblem when it fails, with what it said; ConsoleProblem when the prompt does not come back
   */
  async run(command: string, limitMs = COMMAND_LIMIT_MS): Promise<string> {
    this.link.discard();
    this.link.sendLine(`${command}; echo status=$?`);
    const { before, match } = await this.link.expect(/\nstatus=(\d+)\n=> $/, limitMs, `the end of "${command}"`);
    const [, ...said] = before.split("\n"); // the first line is the command's echo
    const text = said.join("\n").trim();
    if (match[1] !== "0") throw new UBootProblem(`U-Boot: "${command}" failed${text === "" ? "" : `:\n${text}`}`);
    return text;
  }

  /** The value of a variable; empty when it has none. */
  async variable(name: string): Promise<string> {
    const said = await this.run(`echo "value=<\${${name}}>"`);
    const value = /value=<(.*)>/.exec(said)?.[1];
    if (value === undefined) throw new UBootProblem(`U-Boot did not tell the value of ${name}: ${said}`);
    return value;
  }

  /** The CRC-32 of the board's memory, as U-Boot computes it. */
  async memoryChecksum(address: number, bytes: number): Promise<number> {
    const said = await this.run(`crc32 ${hexadecimal(address)} ${hexadecimal(bytes)}`);
    const sum = /==> ([0-9a-f]{8})/.exec(said)?.[1];
    if (sum === undefined) throw new UBootProblem(`U-Boot computed no checksum: ${said}`);
    return Number.parseInt(sum, 16);
  }

  /** Compares the board's memory with what should be there. @param where in words, for the error */
  async compareMemory(address: number, wanted: Uint8Array, where: string): Promise<void> {
    const found = await this.memoryChecksum(address, wanted.length);
    const right = zlib.crc32(wanted);
    if (found !== right) {
      throw new UBootProblem(`${where} has the checksum ${hexadecimal(found)}, and not ${hexadecimal(right)}.`);
    }
  }

  /** Lets the board go on by itself: what comes now is no prompt. */
  restart(): void {
    this.link.discard();
    this.link.sendLine("reset");
  }
}

/** What a person should know of a problem with the console or with U-Boot, or undefined when it is none of them. */
export function flashProblemText(problem: unknown): string | undefined {
  return problem instanceof UBootProblem || problem instanceof ConsoleProblem ? problem.message : undefined;
}
