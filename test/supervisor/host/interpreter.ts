// SPDX-License-Identifier: GPL-2.0-only
// Where the supervisor's file is run by tests: the real interpreter when VPNMASQ_ESPRUINO names one (a build of Espruino
// for Linux), else Node with a stand-in for the interpreter's ports, storage and clock.
//
// The stand-in shows what the program does, not that Espruino can run it; that it is ES5 is the build's check. No
// registry has the interpreter for Linux, so docs/supervisor.md says what was seen of the real one, and how.

import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import vm from "node:vm";

export const PROGRAM = "build/supervisor.js";

/** A microcontroller at work, seen from its wires. */
export interface Microcontroller {
  /** The router prints on its console. */
  print(text: string): void;
  /** A person types on the supervisor's own serial port. */
  type(text: string): void;
  /** All that the own port has said. */
  said(): string;
  /** How often the reset line was pulled. */
  resets(): number;
  /** Power goes and comes back; storage stays. */
  restart(): Promise<void>;
  end(): Promise<void>;
}

export type Wiring = Readonly<Record<string, unknown>>;

export async function startMicrocontroller(wiring: Wiring): Promise<Microcontroller> {
  const interpreter = process.env.VPNMASQ_ESPRUINO;
  if (interpreter === undefined || interpreter === "") return new StandIn(wiring);
  return await RealInterpreter.start(interpreter, wiring);
}

/**
 * Espruino 2v29 finds a word, too, of which only the beginning stands at the text's end: "abc".indexOf("bcd") is 1. So does
 * the stand-in, or a program that trusts it would fail on the real one alone.
 */
const FINDS_BEGINNINGS = `
  String.prototype.indexOf = function (word, from) {
    for (var at = from || 0; at < this.length; at += 1) {
      var there = this.substr(at, word.length);
      if (there === word.substr(0, there.length)) return at;
    }
    return -1;
  };
`;

type DataHandler = (data: string) => void;

class StandInPort {
  output = "";
  private handler: DataHandler = () => undefined;

  setup(): void {
    // A port of the stand-in needs no speed.
  }
  on(_event: "data", handler: DataHandler): void {
    this.handler = handler;
  }
  write(text: string): void {
    this.output += text;
  }
  receive(text: string): void {
    this.handler(text);
  }
}

class StandIn implements Microcontroller {
  private readonly files = new Map<string, string>();
  private readonly reset = new StandInPort();
  private console = new StandInPort();
  private own = new StandInPort();
  private timers: NodeJS.Timeout[] = [];

  constructor(wiring: Wiring) {
    const devices = { path: "the console's device", resetPath: "the reset line's device" };
    this.files.set("vpnmasq.wiring", JSON.stringify({ baud: 115200, port: 1, ...devices, ...wiring }));
    this.run();
  }

  print(text: string): void {
    this.console.receive(text);
  }
  type(text: string): void {
    this.own.receive(text);
  }
  said(): string {
    return this.own.output;
  }
  resets(): number {
    return this.reset.output.split("reset\n").length - 1;
  }
  async restart(): Promise<void> {
    await this.end();
    this.console = new StandInPort();
    this.own = new StandInPort();
    this.run();
  }
  end(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
    return Promise.resolve();
  }

  private run(): void {
    const keep = (timer: NodeJS.Timeout): void => {
      this.timers.push(timer);
    };
    const storage = {
      read: (name: string) => this.files.get(name),
      readJSON: (name: string): unknown => {
        const text = this.files.get(name);
        return text === undefined ? undefined : JSON.parse(text);
      },
      write: (name: string, text: string) => this.files.set(name, text),
    };
    vm.runInNewContext(FINDS_BEGINNINGS + fs.readFileSync(PROGRAM, "utf8"), {
      require: () => storage,
      process: { env: { BOARD: "LINUX" } },
      E: { setConsole: () => undefined, enableWatchdog: () => undefined, kickWatchdog: () => undefined },
      Serial1: this.console,
      Serial2: this.reset,
      USB: this.own,
      getTime: () => performance.now() / 1000,
      setInterval: (handler: () => void, intervalMs: number) => {
        keep(setInterval(handler, intervalMs));
      },
      setTimeout: (handler: () => void, delayMs: number) => {
        keep(setTimeout(handler, delayMs));
      },
    });
  }
}

const READY_MS = 5000;

async function until(condition: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + READY_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Espruino as a process: its own port is its standard input and output, its wires are pseudo-terminals of socat's. */
class RealInterpreter implements Microcontroller {
  private output = "";
  private pulls = "";
  private process: ChildProcess | undefined;
  private readonly wires: ChildProcess[] = [];

  private constructor(
    private readonly interpreter: string,
    private readonly folder: string,
  ) {}

  static async start(interpreter: string, wiring: Wiring): Promise<RealInterpreter> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-espruino-"));
    const made = new RealInterpreter(path.resolve(interpreter), folder);
    for (const wire of ["console", "reset"]) await made.makeWire(wire);
    const devices = { path: made.place("console.inside"), resetPath: made.place("reset.inside") };
    const told = JSON.stringify(JSON.stringify({ baud: 115200, port: 1, ...devices, ...wiring }));
    const storing = `require("Storage").write("vpnmasq.wiring", ${told});\n`;
    fs.writeFileSync(made.place("program.js"), storing + fs.readFileSync(PROGRAM, "utf8"));
    fs.createReadStream(made.place("reset.outside"), "utf8")
      .on("data", (text) => (made.pulls += String(text)))
      .on("error", () => undefined); // the wire's other end is gone: the test is over
    await made.run();
    return made;
  }

  print(text: string): void {
    fs.appendFileSync(this.place("console.outside"), text);
  }
  type(text: string): void {
    this.process?.stdin?.write(text);
  }
  said(): string {
    return this.output;
  }
  resets(): number {
    return this.pulls.split("reset\n").length - 1;
  }
  async restart(): Promise<void> {
    await this.stop(this.process);
    await this.run();
  }
  async end(): Promise<void> {
    for (const one of [this.process, ...this.wires]) await this.stop(one);
    fs.rmSync(this.folder, { recursive: true });
  }

  private place(name: string): string {
    return path.join(this.folder, name);
  }

  private async makeWire(name: string): Promise<void> {
    const end = (side: string): string => `pty,raw,echo=0,link=${this.place(`${name}.${side}`)}`;
    this.wires.push(spawn("socat", [end("inside"), end("outside")], { stdio: "ignore" }));
    await until(() => fs.existsSync(this.place(`${name}.outside`)), `the wire "${name}"`);
  }

  private async run(): Promise<void> {
    this.output = "";
    this.process = spawn(this.interpreter, ["program.js"], { cwd: this.folder, stdio: ["pipe", "pipe", "ignore"] });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    // Its prompt has left the port once nothing but the answer comes back.
    await until(() => this.output.includes(">"), "the interpreter's prompt");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    this.output = "";
  }

  private async stop(one: ChildProcess | undefined): Promise<void> {
    if (one === undefined || one.exitCode !== null || one.signalCode !== null) return;
    const ended = new Promise((resolve) => one.once("exit", resolve));
    one.kill("SIGKILL");
    await ended;
  }
}
