// SPDX-License-Identifier: GPL-2.0-only
// A workbench with one emulated board on it: its power switch, its console, and what is plugged into its ports.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { runInShell } from "../../../src/host/console/shell.js";
import { boardStorage, type BoardStorage } from "../../../src/host/emulator/disk.js";
import { EmulatedBoard, type Wiring } from "../../../src/host/emulator/emulated-board.js";
import type { NetworkLink } from "../../../src/host/emulator/links.js";
import { flashLink, waitForConfirmation, waitForShell } from "../../../src/host/flash/emulated.js";
import type { BoardImage } from "../../../src/host/image/board-image.js";
import { makeRunFolder, type Trace } from "../../../src/host/run-traces.js";
import { LanNetwork, SERVER_PORT } from "./lan-network.js";

/** What the LAN's client serves, to be fetched through the board. */
export const GREETING = "hello through the board\n";
/** Of the bench's folder: what the LAN's client serves. */
const SERVED = "served";
/** A name that the image does not give the board. */
const KEPT_NAME = "kept";
const COMMAND_LIMIT_MS = 60_000;
/** A watchdog's bite included: 15 s of silence, 15 s unfed. */
const RESTART_LIMIT_MS = 120_000;

/** What the boot state says, by `board-slot`. */
export type BootState = Readonly<Record<"active" | "trial" | "tries" | "rolled_back" | "sequence" | "running", string>>;

export class Bench {
  /** What is on the board's console, all of it, for whoever looks into a failure. */
  readonly log: string[] = [];
  private powered: EmulatedBoard | undefined;

  private constructor(
    readonly image: BoardImage,
    private readonly place: Trace,
    readonly storage: BoardStorage,
    readonly lan: LanNetwork,
  ) {}

  /** A board as it left its factory, without power. */
  static async open(image: BoardImage): Promise<Bench> {
    const place = makeRunFolder("bench");
    const served = path.join(place.name, SERVED);
    fs.mkdirSync(served);
    fs.symlinkSync(image.slotFile, path.join(served, "slot.itb"));
    fs.writeFileSync(path.join(served, "greeting"), GREETING);
    return new Bench(image, place, await boardStorage(place.name), await LanNetwork.open(served));
  }

  /** For files of the checks: it is gone after them. */
  get folder(): string {
    return this.place.name;
  }

  get board(): EmulatedBoard {
    assert.ok(this.powered, "the board has no power");
    return this.powered;
  }

  /** Switches the board on, with the LAN's client at its LAN port. */
  powerOn(lan: NetworkLink = this.lan.link): Promise<EmulatedBoard> {
    return this.powerOnWith({ lan, wan: { kind: "user" }, namespace: this.lan.namespace });
  }

  /** Switches the board on, with a tftp server at its LAN port. */
  powerOnForFlashing(): Promise<EmulatedBoard> {
    return this.powerOn(flashLink(this.image));
  }

  /** Switches the board on, with something else at its ports. */
  async powerOnWith(wiring: Wiring): Promise<EmulatedBoard> {
    await this.cutPower();
    const board = await EmulatedBoard.powerOn(this.storage, wiring);
    board.console.onText((text) => this.log.push(text));
    this.powered = board;
    return board;
  }

  async cutPower(): Promise<void> {
    await this.powered?.cutPower();
    this.powered = undefined;
  }

  /** Waits for the shell of a board that was just switched on. */
  shell(): Promise<void> {
    return waitForShell(this.board.console);
  }

  /** Runs a command on the board. @returns its output @throws AssertionError when it fails */
  async run(command: string): Promise<string> {
    const { output, status } = await runInShell(this.board.console, command, COMMAND_LIMIT_MS);
    assert.equal(status, 0, `on the board, "${command}" ended with ${status}:\n${output}`);
    return output.trim();
  }

  /** Runs a command that must fail. @returns its output */
  async runRefused(command: string): Promise<string> {
    const { output, status } = await runInShell(this.board.console, command, COMMAND_LIMIT_MS);
    assert.notEqual(status, 0, `on the board, "${command}" should have failed:\n${output}`);
    return output.trim();
  }

  /** Types a line after which the board starts anew, and waits for its shell. */
  async restartBy(line: string): Promise<void> {
    this.board.console.discard();
    this.board.console.sendLine(line);
    await this.restarted();
  }

  /** Waits until the board, without being told to by us, has started anew. */
  async restarted(): Promise<void> {
    await this.board.console.expect(/Starting kernel/, RESTART_LIMIT_MS, "a new start of the board");
    await this.shell();
  }

  async bootState(): Promise<BootState> {
    const words = (await this.run("board-slot")).split("\n").map((line) => line.trim().split("="));
    return Object.fromEntries(words) as BootState;
  }

  /** Has the LAN's client serve a file of this name. */
  serve(name: string, bytes: Uint8Array): void {
    fs.writeFileSync(path.join(this.folder, SERVED, name), bytes);
  }

  /** Where the board fetches a file that the LAN's client serves. */
  async url(name: string): Promise<string> {
    return `http://${await this.lan.takeLease()}:${SERVER_PORT}/${name}`;
  }

  /** Changes what belongs to the user, so that it can be told whether it was kept. */
  async changeConfiguration(): Promise<void> {
    await this.run(`sed -i s/HOSTNAME=.*/HOSTNAME=${KEPT_NAME}/ /etc/board.conf && sync`);
  }

  /** @throws AssertionError when the board, started since, does not have what {@link changeConfiguration} changed */
  async assertConfigurationKept(): Promise<void> {
    assert.equal(await this.run("hostname"), KEPT_NAME, "the configuration was lost");
  }

  /** Waits until the slot runs and has confirmed itself. */
  confirmed(slot: string): Promise<void> {
    return waitForConfirmation(this.board.console, slot);
  }

  /** The latest line of the board's history, without its time. */
  async latestHistory(pattern: RegExp): Promise<string> {
    const history = await this.run("cat /overlay/log/history");
    const found = history.split("\n").filter((line) => pattern.test(line));
    return (found.at(-1) ?? "").replace(/^\S+ /, "").trim();
  }

  async close(): Promise<void> {
    await this.cutPower();
    this.lan.close();
    this.place.remove();
  }
}
