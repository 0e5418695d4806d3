// SPDX-License-Identifier: GPL-2.0-only
// The other end of a console, for tests: real shells behind real ptys and sockets (made by socat), and the tool itself.

import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { consoleCommand } from "../../../src/host/console/command.js";

const APPEAR_LIMIT_MS = 5000;

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a console's output becomes by what else is written there. */
export type Noise = (text: string) => string;

/** Runs the console tool within this process. */
export async function consoleTool(...words: string[]): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const status = await consoleCommand(words, { out: (text) => (stdout += text), err: (text) => (stderr += text) });
  return { status, stdout, stderr };
}

/** Things that tests start, in a folder of their own, all ended by `close`. */
export class Ends {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-console-"));
  private readonly children: ChildProcess[] = [];

  /** Starts a program that is ended with the test. */
  start(program: string, ...words: string[]): ChildProcess {
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "ignore"], detached: true });
    this.children.push(child);
    return child;
  }

  /** Waits for a file that a started program makes. */
  async appearance(file: string): Promise<string> {
    const end = Date.now() + APPEAR_LIMIT_MS;
    while (!fs.existsSync(file)) {
      if (Date.now() > end) throw new Error(`${file} did not appear`);
      await sleep(20);
    }
    return file;
  }

  private program(text: string): string {
    const file = path.join(this.folder, `program-${String(this.children.length)}.sh`);
    fs.writeFileSync(file, text);
    return `EXEC:sh ${file},pty,stderr,setsid,ctty`;
  }

  /** A pty with a program behind it. */
  pty(program: string): Promise<string> {
    const file = path.join(this.folder, `pty-${String(this.children.length)}`);
    this.start("socat", `PTY,link=${file},raw,echo=0,wait-slave`, this.program(program));
    return this.appearance(file);
  }

  /** A pty with a program behind it, whose output other messages come into, at any place. */
  async noisyPty(program: string, noise: Noise): Promise<string> {
    const relay = path.join(this.folder, `relay-${String(this.children.length)}`);
    const behind = this.start("socat", "-", this.program(program));
    const server = net.createServer((socket) => {
      behind.stdout?.on("data", (bytes: Buffer) => socket.write(noise(bytes.toString("latin1")), "latin1"));
      socket.pipe(behind.stdin as Writable);
      socket.on("error", () => undefined); // the tool has closed its end
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(relay, resolve));
    const file = path.join(this.folder, `pty-${String(this.children.length)}`);
    this.start("socat", `PTY,link=${file},raw,echo=0,wait-slave`, `UNIX-CONNECT:${relay}`);
    return await this.appearance(file);
  }

  /** A unix socket with a program behind it. */
  socket(program: string): Promise<string> {
    const file = path.join(this.folder, `socket-${String(this.children.length)}`);
    this.start("socat", `UNIX-LISTEN:${file},fork`, this.program(program));
    return this.appearance(file);
  }

  close(): void {
    for (const { pid } of this.children) {
      try {
        if (pid !== undefined) process.kill(-pid, "SIGKILL");
      } catch (problem) {
        if ((problem as NodeJS.ErrnoException).code !== "ESRCH") throw problem;
      }
    }
    fs.rmSync(this.folder, { recursive: true });
  }
}

/** A shell as on a board, which first asks for a key as OpenWrt's console does. */
export const OPENWRT_SHELL = `
read -r _ && printf '\\nPlease press Enter to activate this console.\\n'
read -r _ && PS1='root@OpenWrt:/# ' exec sh -i
`;

/** No boot loader but a stand-in: a shell that has a boot loader's prompt and one of its commands. */
export const LOADER_STAND_IN = `
printf 'stand-in for a boot loader\\r\\n=> '
while read -r line; do
  case $line in
  version) printf 'U-Boot 2023.01 (stand-in)\\r\\n=> ' ;;
  *) printf '=> ' ;;
  esac
done
`;
