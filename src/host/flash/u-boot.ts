// SPDX-License-Identifier: GPL-2.0-only
// U-Boot's command line over a serial console: stop it from booting, give it commands, believe only what it says.

import zlib from "node:zlib";
import { type ConsoleLink, ConsoleProblem } from "../console/link.js";

/** From power on to the prompt: the emulated board takes 2 s on an idle machine. */
const STOP_LIMIT_MS = 60_000;
const COMMAND_LIMIT_MS = 30_000;
/** Between two keys at a boot loader, which may look for them only now and then. */
const KEY_INTERVAL_MS = 100;

/** How a board's boot loader is stopped, and known to be. */
export interface Stopping {
  /** What it says while it can be stopped. */
  readonly when: RegExp;
  /** What stops it. */
  readonly send: string;
  readonly prompt: RegExp;
}

/** U-Boot as Debian builds it for QEMU. */
const USUAL: Stopping = { when: /Hit any key to stop autoboot/, send: " ", prompt: /(?:^|\n)=> $/ };

/** U-Boot, or what should be U-Boot, did not do what it was told to. */
export class UBootProblem extends Error {}

function hexadecimal(value: number): string {
  return value.toString(16);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** A board that waits at its boot loader's prompt. */
export class UBoot {
  readonly link: ConsoleLink;
  private readonly prompt: RegExp;

  /** @param prompt of a boot loader that was stopped already */
  constructor(link: ConsoleLink, prompt: RegExp) {
    this.link = link;
    this.prompt = prompt;
  }

  /**
   * Presses the key until the prompt is there; a boot loader that is at its prompt already is not waited for.
   *
   * @throws ConsoleProblem when it offers nothing or has no prompt: it shows what came instead
   */
  static async stop(link: ConsoleLink, stopping = USUAL, limitMs = STOP_LIMIT_MS): Promise<UBoot> {
    const { when, send, prompt } = stopping;
    link.discard();
    link.sendLine("");
    const { index } = await link.expect([prompt, when], limitMs, "the boot loader's offer to stop");
    if (index === 0) return new UBoot(link, prompt);
    const keys = setInterval(() => {
      link.send(send);
    }, KEY_INTERVAL_MS);
    try {
      link.send(send);
      // The keys' own echo may follow it before it is looked for.
      await link.expect(new RegExp(prompt.source.replace(/\$$/, "")), limitMs, "the boot loader's prompt");
    } finally {
      clearInterval(keys);
    }
    // What was pressed too often stands in the prompt's line: end that line.
    link.sendLine("");
    await link.expect(prompt, limitMs, "the boot loader's prompt");
    return new UBoot(link, prompt);
  }

  /** Types a line. @returns what came up to the next prompt. @throws ConsoleProblem when it does not come */
  async type(line: string, limitMs: number): Promise<string> {
    this.link.sendLine(line);
    // Its echo first: a prompt that was still on its way is not taken for the command's end.
    await this.link.expect(new RegExp(`${literal(line)}\\s*\\n`), limitMs, `the echo of "${line}"`);
    return (await this.link.expect(this.prompt, limitMs, `the end of "${line}"`)).before;
  }

  /**
   * Runs a command of a boot loader that has U-Boot's shell, hush.
   * @returns what it said
   * @throws UBootProblem when it fails, with what it said; ConsoleProblem when the prompt does not come back
   */
  async run(command: string, limitMs = COMMAND_LIMIT_MS): Promise<string> {
    const said = await this.type(`${command}; echo status=$?`, limitMs);
    const end = /(?:^|\n)status=(\d+)\s*$/.exec(said);
    const text = said.slice(0, end?.index).trim();
    if (end?.[1] !== "0") throw new UBootProblem(`U-Boot: "${command}" failed${text === "" ? "" : `:\n${text}`}`);
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
