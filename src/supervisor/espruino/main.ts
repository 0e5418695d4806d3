// SPDX-License-Identifier: GPL-2.0-only
// The supervisor on its microcontroller: ports, pins, storage and time around the decisions of ../supervisor.ts.
//
// The interpreter's prompt leaves the USB port, so that the port answers commands; Ctrl-C brings it back, as Espruino's
// tools expect when they flash. Without that, Espruino would move its prompt to the first serial port as soon as nobody
// is at the USB: that is the router's console.

import { answerCommand } from "../commands";
import { LineReader } from "../line-reader";
import { ResetRecord } from "../reset-record";
import { Supervisor } from "../supervisor";
import { limitsOf, readWiring, type Wiring } from "./wiring";

const RECORD_FILE = "vpnmasq.record";
const TICK_MS = 1000;
/** The longest that a tick may be late and still count; a clock that was set jumps further. */
const LATE_MS_MAX = 5000;
/** The microcontroller's own watchdog; ten ticks. */
const OWN_WATCHDOG_SECONDS = 10;
/** Longer than any board's reset circuit needs (ten milliseconds), short for a person's eye on a light. */
const RESET_PULSE_MS = 200;
/** The tool that sent this program reads its last echo before the prompt goes. */
const SETTLE_MS = 500;
const CTRL_C = "\x03";

/** Milliseconds since the start that never jump. */
class SteadyClock {
  nowMs = 0;
  private lastMs = getTime() * 1000;

  advance(): number {
    const readMs = getTime() * 1000;
    const passedMs = readMs - this.lastMs;
    this.lastMs = readMs;
    this.nowMs += passedMs < 0 || passedMs > LATE_MS_MAX ? TICK_MS : passedMs;
    return this.nowMs;
  }
}

function openRecord(): ResetRecord {
  const storage = require("Storage");
  const record = new ResetRecord((text) => {
    storage.write(RECORD_FILE, text);
  });
  const saved = storage.read(RECORD_FILE);
  if (saved !== undefined) record.restore(saved);
  return record;
}

function openConsole({ port, baud, tx, rx, path }: Wiring): SerialPort {
  const serial = port === 1 ? Serial1 : Serial2;
  if (path !== undefined) serial.setup(baud, { path });
  else if (tx !== undefined && rx !== undefined) serial.setup(baud, { tx: Pin(tx), rx: Pin(rx) });
  return serial;
}

/** What pulls the board's reset line. */
function openResetLine({ reset, resetPath }: Wiring): () => void {
  if (resetPath !== undefined) {
    Serial2.setup(115200, { path: resetPath });
    return () => {
      Serial2.write("reset\n");
    };
  }
  if (reset === undefined) return () => undefined;
  const pin = Pin(reset);
  digitalWrite(pin, 1);
  pinMode(pin, "opendrain");
  return () => {
    digitalWrite(pin, 0);
    setTimeout(() => {
      digitalWrite(pin, 1);
    }, RESET_PULSE_MS);
  };
}

function answerOn(own: SerialPort, answer: (line: string) => readonly string[]): void {
  const reader = new LineReader((line) => {
    own.write(`${answer(line).join("\r\n")}\r\n> `);
  });
  own.on("data", (data) => {
    const breakAt = data.indexOf(CTRL_C);
    if (breakAt < 0) reader.take(data);
    else E.setConsole(own);
  });
  E.setConsole(null);
}

function start(wiring: Wiring): void {
  const clock = new SteadyClock();
  const record = openRecord();
  const supervisor = new Supervisor(limitsOf(wiring), record, Math.random, clock.nowMs);
  const pullReset = openResetLine(wiring);
  const reader = new LineReader((line) => {
    supervisor.hear(line, clock.nowMs);
  });
  openConsole(wiring).on("data", (data) => {
    reader.take(data);
  });
  if (USB !== undefined) {
    answerOn(USB, (line) => {
      const { lines, reset } = answerCommand(line, supervisor, record, clock.nowMs);
      if (reset !== undefined) pullReset();
      return lines;
    });
  }
  E.enableWatchdog(OWN_WATCHDOG_SECONDS, false);
  setInterval(() => {
    E.kickWatchdog();
    if (supervisor.tick(clock.advance()) !== undefined) pullReset();
  }, TICK_MS);
}

const wiring = readWiring();
setTimeout(() => {
  if (wiring !== undefined) start(wiring);
}, SETTLE_MS);
