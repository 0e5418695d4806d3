// SPDX-License-Identifier: GPL-2.0-only
// What the supervisor uses of the interpreter (espruino.com/Reference). @types/espruino lacks some of it.

declare interface SerialOptions {
  readonly tx?: number;
  readonly rx?: number;
  /** Linux only: the device behind the port. */
  readonly path?: string;
}

declare interface SerialPort {
  setup(baud: number, options: SerialOptions): void;
  on(event: "data", handler: (data: string) => void): void;
  write(text: string): void;
}

declare interface InterpreterStorage {
  /** Undefined: there is no such file. */
  read(name: string): string | undefined;
  /** Undefined: there is no such file, or, with `quiet`, no JSON in it. */
  readJSON(name: string, quiet: boolean): unknown;
  write(name: string, text: string): boolean;
}

declare const E: {
  /** Null: no port shows the interpreter's prompt. */
  setConsole(port: SerialPort | null): void;
  /** Resets the microcontroller unless {@link kickWatchdog} is called in time. Does nothing on Linux. */
  enableWatchdog(seconds: number, isAutomatic: boolean): void;
  kickWatchdog(): void;
};

declare const process: { readonly env: { readonly BOARD: string } };
declare const Serial1: SerialPort;
declare const Serial2: SerialPort;
declare const USB: SerialPort | undefined;

declare function require(name: "Storage"): InterpreterStorage;
/** Seconds since some moment, with a fraction; may be set, and jumps then. */
declare function getTime(): number;
declare function pinMode(pin: number, mode: "opendrain"): void;
declare function digitalWrite(pin: number, value: 0 | 1): void;
declare function setInterval(handler: () => void, intervalMs: number): number;
declare function setTimeout(handler: () => void, delayMs: number): number;
/** A pin by its name, "B4" or "D4". */
declare function Pin(name: string): number;
