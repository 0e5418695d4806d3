// SPDX-License-Identifier: GPL-2.0-only
// Puts the supervisor on a microcontroller with Espruino, through EspruinoTools (npm espruino), and reads it back.
//
// EspruinoTools finds serial ports by itself, and only those that udev lists; so it is given a socket of ours, and the
// caller's stream is behind it: a serial device, a pty or an emulator alike. The stream stays open from step to step.

import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import net, { type AddressInfo } from "node:net";
import { createRequire } from "node:module";
import path from "node:path";
import type { Duplex } from "node:stream";
import zlib from "node:zlib";
import { openPlace, placeOf } from "../console/port.js";
import { Refusal } from "../refusal.js";

export interface EspruinoFlash {
  /** Where the microcontroller's own serial port is, opened. */
  readonly stream: Duplex;
  /** The JSON document with pins and times, as docs/supervisor.md has it; absent: the board's usual pins. */
  readonly wiring?: string;
  /** Gets a line for people at each step. */
  readonly say: (line: string) => void;
}

export const SUPERVISOR_FILE = "build/supervisor.js";
const WIRING_FILE = "vpnmasq.wiring";
/** Where Espruino keeps what it runs at its start. */
const BOOT_FILE = ".bootcde";
/** The tool waits for a prompt for some seconds, and sends 22 kB in acknowledged pieces: 8 s were measured. */
const STEP_LIMIT_MS = 60_000;
const ANSWER = /^VPNMASQ (.*)$/m;

/** A step of EspruinoTools: its words, and what its output holds when it is done. */
async function runTool(port: number, words: readonly string[], done: RegExp): Promise<RegExpExecArray> {
  const tool = createRequire(import.meta.url).resolve("espruino/bin/espruino-cli.js");
  const address = `tcp://127.0.0.1:${String(port)}`;
  const child = spawn(process.execPath, [tool, "--no-ble", "-q", "-p", address, ...words]);
  try {
    return await outputOf(child, done);
  } finally {
    child.kill("SIGKILL");
  }
}

/** Resolves as soon as the output fits: the tool does not end by itself after an expression over a socket. */
function outputOf(child: ChildProcess, done: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let output = "";
    const give = (problem: string): void => {
      const last = output.trim().split("\n").slice(-6).join("\n  | ");
      reject(new Refusal(`${problem} The last it said:\n  | ${last}`));
    };
    const limit = setTimeout(() => {
      give(`No Espruino answered within ${String(STEP_LIMIT_MS / 1000)} s.`);
    }, STEP_LIMIT_MS);
    const take = (bytes: Buffer): void => {
      output += bytes.toString("utf8").replaceAll("\r", "");
      const found = done.exec(output);
      if (found !== null) resolve(found);
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    child.once("close", () => {
      clearTimeout(limit);
      give("EspruinoTools ended before it was done.");
    });
  });
}

/** The value of an expression, evaluated by the microcontroller. */
async function evaluate(port: number, expression: string): Promise<string> {
  const [, value = ""] = await runTool(port, ["-e", `print("VPNMASQ "+(${expression}))`], ANSWER);
  return value;
}

/** A socket of this machine whose connections, one after another, are the stream. */
async function bridge(stream: Duplex): Promise<net.Server> {
  const server = net.createServer((connection) => {
    const pass = (bytes: Buffer): void => {
      connection.write(bytes);
    };
    stream.on("data", pass);
    connection.on("data", (bytes) => stream.write(bytes));
    connection.on("error", () => undefined);
    connection.on("close", () => stream.off("data", pass));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** What is wrong with a wiring document before it goes anywhere. */
function checkedWiring(text: string): string {
  try {
    const document = JSON.parse(text) as unknown;
    if (typeof document === "object" && document !== null && "baud" in document && "port" in document) {
      return JSON.stringify(document);
    }
  } catch (problem) {
    throw new Refusal(`The wiring is no JSON: ${(problem as Error).message}\nNothing was sent.`);
  }
  throw new Refusal('The wiring needs "baud" and "port" (1 or 2); see docs/supervisor.md.\nNothing was sent.');
}

/** What Espruino made of the file: its checksum, computed there. */
async function verify(port: number, code: Buffer): Promise<void> {
  const expected = String(zlib.crc32(code));
  const found = await evaluate(port, `E.CRC32(require("Storage").read("${BOOT_FILE}"))`);
  if (found === expected) return;
  throw new Refusal(
    `What the microcontroller stored is not what was sent: its CRC-32 is ${found}, not ${expected}.\n` +
      "Flash it again; until then it runs what it stored.",
  );
}

async function flashThrough(port: number, { wiring, say }: EspruinoFlash): Promise<void> {
  const board = await evaluate(port, "process.env.BOARD+' '+process.env.VERSION");
  say(`Espruino ${board} answers.`);
  if (wiring !== undefined) {
    const stored = await evaluate(port, `require("Storage").write("${WIRING_FILE}",${JSON.stringify(wiring)})`);
    if (stored !== "true") throw new Refusal(`The wiring was not stored (${stored}).\nThe program is as before.`);
    say("The wiring is stored.");
  }
  await runTool(port, ["--config", "SAVE_ON_SEND=1", path.resolve(SUPERVISOR_FILE)], /Upload Complete/);
  say(`${SUPERVISOR_FILE} is sent.`);
  await verify(port, fs.readFileSync(SUPERVISOR_FILE));
  say("What is stored is what was sent.");
  // Looking at it brought the interpreter's prompt back; the program starts as it does with power.
  await runTool(port, ["-e", `print("VPNMASQ "+1);setTimeout(load,100)`], ANSWER);
  say("The supervisor runs. It answers on this port: status, log, hold, resume, reset.");
}

/**
 * Stores the supervisor on a microcontroller, so that it runs from every start on.
 *
 * @throws Refusal that says what is in the way
 */
export async function flashEspruino(request: EspruinoFlash): Promise<void> {
  if (!fs.existsSync(SUPERVISOR_FILE)) {
    throw new Refusal(`There is no ${SUPERVISOR_FILE}: npm run build makes it.\nNothing was sent.`);
  }
  const wiring = request.wiring === undefined ? {} : { wiring: checkedWiring(request.wiring) };
  const server = await bridge(request.stream);
  try {
    await flashThrough((server.address() as AddressInfo).port, { ...request, ...wiring });
  } finally {
    server.close();
  }
}

/** The name after ./flash.sh that means the supervisor's microcontroller. */
export const ESPRUINO = "espruino";
/** Over USB the speed means nothing; over a serial adapter it is Espruino's usual one (espruino.com/USART). */
const BAUD = 9600;

/**
 * `./flash.sh espruino`.
 *
 * @param port where the microcontroller is, as `npm run console` takes it
 * @param wiringFile a JSON document with its pins
 * @throws Refusal that says what is in the way
 */
export async function flashSupervisor(
  port: string | undefined,
  wiringFile: string | undefined,
  say: (line: string) => void,
): Promise<void> {
  if (port === undefined) {
    throw new Refusal("Where is the microcontroller? --port PLACE, such as /dev/ttyACM0. Nothing was sent.");
  }
  const wiring = wiringFile === undefined ? {} : { wiring: readWiringFile(wiringFile) };
  const stream = await openPlace(placeOf(port), BAUD);
  stream.on("error", (problem) => {
    say(`The port was lost: ${problem.message}`);
  });
  try {
    await flashEspruino({ stream, ...wiring, say });
  } finally {
    stream.destroy();
  }
}

function readWiringFile(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (problem) {
    throw new Refusal(`The wiring cannot be read: ${(problem as Error).message}\nNothing was sent.`);
  }
}
