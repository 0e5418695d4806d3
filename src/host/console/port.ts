// SPDX-License-Identifier: GPL-2.0-only
// Where a board's console is: a serial device, a pty, a unix socket (an emulator's) or a TCP port (a terminal server's).

import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { SerialPort } from "serialport";
import { Refusal } from "../refusal.js";

export type Place =
  | { readonly kind: "device"; readonly path: string }
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

const ACCEPTED = "Accepted: a serial device (/dev/ttyUSB0), a pty, a unix socket, or tcp:HOST:PORT.";
const CONNECT_LIMIT_MS = 5000;
/** Names that serial adapters get from Linux. */
const ADAPTER = /^tty(USB|ACM|AMA)[0-9]+$/;

/** The serial devices of this machine that look like an adapter. */
export function serialDevices(folder = "/dev"): string[] {
  const names = fs.readdirSync(folder).filter((name) => ADAPTER.test(name));
  return names.sort().map((name) => path.join(folder, name));
}

function missing(file: string): Refusal {
  const devices = serialDevices();
  const seen =
    devices.length > 0
      ? `This machine has ${devices.join(", ")}.`
      : "This machine has no serial adapter: is it plugged in? (dmesg | tail)";
  return new Refusal(`There is no ${file}. ${seen}\n${ACCEPTED}\nNothing was sent.`);
}

/** @throws Refusal when the text names nothing that can be a console */
export function placeOf(text: string): Place {
  const tcp = /^tcp:(.+):([0-9]{1,5})$/.exec(text);
  if (tcp?.[1] !== undefined) return { kind: "tcp", host: tcp[1], port: Number(tcp[2]) };
  const file = text.replace(/^unix:/, "");
  const status = fs.statSync(file, { throwIfNoEntry: false });
  if (status === undefined) throw missing(file);
  if (status.isSocket()) return { kind: "socket", path: file };
  if (status.isCharacterDevice()) return { kind: "device", path: file };
  const what = status.isDirectory() ? "a folder" : "a file";
  throw new Refusal(`${file} is ${what}, no console.\n${ACCEPTED}\nNothing was sent.`);
}

/** Why a serial device could not be opened, in words that help. */
function devicePlea(file: string, message: string): string {
  if (/lock|busy|EBUSY/i.test(message)) {
    return `${file} is in use by another program. Who: fuser -v ${file}`;
  }
  if (/permission|EACCES/i.test(message)) {
    return `${file} may not be opened by this user. Run it as root, or join the group: adduser ${process.env.USER ?? "USER"} dialout`;
  }
  return `${file} could not be opened: ${message}`;
}

function openDevice(file: string, baud: number): Promise<Duplex> {
  const port = new SerialPort({ path: file, baudRate: baud, autoOpen: false });
  return new Promise((resolve, reject) => {
    port.open((problem) => {
      if (problem === null) resolve(port);
      else reject(new Refusal(`${devicePlea(file, problem.message)}\nNothing was sent.`));
    });
  });
}

function connect(options: net.NetConnectOpts, name: string): Promise<Duplex> {
  const socket = net.connect(options);
  socket.setTimeout(CONNECT_LIMIT_MS, () => socket.destroy(new Error("no answer")));
  return new Promise((resolve, reject) => {
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (problem) => {
      reject(new Refusal(`${name} could not be reached: ${problem.message}\nIs the board (or its emulator) on?`));
    });
  });
}

/**
 * Opens a console.
 *
 * @param baud of a device; sockets have none
 * @throws Refusal that says what is in the way
 */
export function openPlace(place: Place, baud: number): Promise<Duplex> {
  if (place.kind === "device") return openDevice(place.path, baud);
  if (place.kind === "socket") return connect({ path: place.path }, place.path);
  return connect({ host: place.host, port: place.port }, `${place.host}:${String(place.port)}`);
}
