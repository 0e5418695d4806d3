// SPDX-License-Identifier: GPL-2.0-only
// Passwords are asked for once: a board that restarts in the middle of a plan gets the same one again, from this process'
// memory. They are written nowhere.
//
// ssh starts a program when it wants one (SSH_ASKPASS, ssh(1)); that program (askpass.ts) asks here, over a socket in a
// folder that only its owner may enter.

import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import readline from "node:readline";
import { Writable } from "node:stream";
import tty from "node:tty";
import { fileURLToPath } from "node:url";
import { makeRunFolder } from "../run-traces.js";

/** What a connection wants to know. */
export interface Question {
  /** In ssh's words. */
  readonly prompt: string;
  /** The process id of the ssh that asks. */
  readonly connection: number;
}

const TERMINAL = "/dev/tty";
const OWNER_ONLY = 0o700;
/** What readline would show: what is typed. */
const unseen = (): Writable =>
  new Writable({
    write: (_text, _encoding, done) => {
      done();
    },
  });

/** Asks the person at the terminal. @returns undefined where there is none, or nothing was typed */
async function askPerson(prompt: string): Promise<string | undefined> {
  let descriptor: number;
  try {
    descriptor = fs.openSync(TERMINAL, "r+");
  } catch {
    return undefined; // ENXIO: there is no terminal
  }
  const input = new tty.ReadStream(descriptor);
  const lines = readline.createInterface({ input, output: unseen(), terminal: true });
  process.stderr.write(prompt);
  return await new Promise((resolve) => {
    let typed: string | undefined;
    lines.once("line", (line) => {
      typed = line;
      lines.close();
    });
    lines.once("SIGINT", () => {
      lines.close();
    });
    lines.once("close", () => {
      process.stderr.write("\n");
      input.destroy();
      resolve(typed === "" ? undefined : typed);
    });
  });
}

class Passwords {
  private readonly known = new Map<string, string>();
  /** Who has had which answer: who asks for the same again was refused with it. */
  private readonly given = new Set<string>();

  async answer({ prompt, connection }: Question): Promise<string> {
    const asker = `${connection} ${prompt}`;
    const isRefused = this.given.has(asker);
    const answer = (isRefused ? undefined : this.known.get(prompt)) ?? (await askPerson(prompt)) ?? "";
    this.given.add(asker);
    this.known.set(prompt, answer);
    return answer;
  }
}

function serve(passwords: Passwords, connection: net.Socket): void {
  connection.on("error", () => undefined); // ssh has given up
  readline.createInterface({ input: connection }).once("line", (line) => {
    void passwords.answer(JSON.parse(line) as Question).then((answer) => connection.end(answer));
  });
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** From now on every ssh that this process starts asks here. @returns what ends that, and forgets all */
export async function rememberPasswords(): Promise<() => void> {
  const folder = makeRunFolder("password");
  const socket = path.join(folder.name, "socket");
  const program = path.join(folder.name, "ask");
  const client = fileURLToPath(new URL("askpass.js", import.meta.url));
  const words = [process.execPath, client, socket].map((word) => quoted(word)).join(" ");
  fs.writeFileSync(program, `#!/bin/sh\nexec ${words} "$1"\n`, { mode: OWNER_ONLY });
  const passwords = new Passwords();
  const server = net.createServer((connection) => {
    serve(passwords, connection);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socket, resolve));
  Object.assign(process.env, { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force" });
  return () => {
    server.close();
    folder.remove();
    delete process.env.SSH_ASKPASS;
    delete process.env.SSH_ASKPASS_REQUIRE;
  };
}
