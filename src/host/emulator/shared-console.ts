// SPDX-License-Identifier: GPL-2.0-only
// The console of the running emulated board for others than who started it: QEMU's own socket takes one user, this one
// any number, who all see what the board says and may all type.

import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { cacheDirectory } from "../cache.js";
import { Refusal } from "../refusal.js";
import { EMULATED_BOARD } from "./disk.js";

/** Where the user's emulated board keeps what is on it. */
export function boardFolder(): string {
  return path.join(cacheDirectory(), "boards", EMULATED_BOARD);
}

function consoleFile(): string {
  return path.join(boardFolder(), "console");
}

/**
 * Opens the console of a board to others on this machine. Who starts the board holds its lock: it is the only one.
 *
 * @returns what ends that
 * @throws Error of node:net where no socket can be made
 */
export async function shareConsole(stream: Duplex): Promise<() => void> {
  const users = new Set<net.Socket>();
  const show = (bytes: Buffer): void => {
    for (const user of users) user.write(bytes);
  };
  const server = net.createServer((user) => {
    users.add(user);
    user.on("data", (bytes) => stream.write(bytes));
    user.on("error", () => undefined); // "close" follows
    user.on("close", () => users.delete(user));
  });
  // A process that was killed leaves its socket.
  fs.rmSync(consoleFile(), { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(consoleFile(), resolve);
  });
  fs.chmodSync(consoleFile(), 0o600);
  stream.on("data", show);
  return () => {
    stream.off("data", show);
    server.close();
    for (const user of users) user.destroy();
  };
}

/** The socket of the board that runs. @throws Refusal that says how to start one */
export function runningConsole(): string {
  if (fs.existsSync(consoleFile())) return consoleFile();
  throw new Refusal(
    `No emulated board runs here, or it is still being flashed.\n` +
      `Start one in another terminal: ./flash.sh ${EMULATED_BOARD}. It runs until you leave its console.\n` +
      "A board of your own is named: --port SOCKET. Nothing was sent.",
  );
}
