// SPDX-License-Identifier: GPL-2.0-only
// libreswan, driven by `ipsec whack`.
//
// IKEv1 knows no rekey on command: whack says so on its output and ends with success (libreswan 4.10, measured). There,
// and wherever else no new epoch shows, `--initiate` on the connection that is up makes one beside the old. With IKEv2
// it is the second choice: the old epoch would stay, and be rekeyed for ever beside the new one.

import type { EventLoop } from "../system/event-loop";
import type { IkeConnection, IkeDaemon, ListHandler, Presence, ReportHandler } from "./ike-daemon";
import { type Command, IkeCommands } from "./ike-commands";
import { readStatus } from "./libreswan-status";

/** A rekey takes 1.2 s with a peer that answers (measured); boards with slow processors need more for the key exchange. */
const REKEY_MS = 5000;
/** Commands that do not wait for the peer: 50 to 300 ms each (measured). */
const COMMAND_MS = 3000;
/** A hundred connections' status, 2500 bytes each. */
const OUTPUT_BYTES_MAX = 250000;

const LIST = "list";

export class Libreswan implements IkeDaemon {
  readonly name = "libreswan";
  private readonly commands: IkeCommands;
  /** As listed last. */
  private connections: readonly IkeConnection[] = [];

  /** @param whack the program and the options that all its calls need */
  constructor(
    loop: EventLoop,
    private readonly whack: readonly string[] = ["ipsec", "whack"],
  ) {
    // whack ends with 33 (RC_FATAL of ipsec's whack.h) when it has not reached pluto.
    this.commands = new IkeCommands(loop, {
      outputBytesMax: OUTPUT_BYTES_MAX,
      unreached: ({ status, output, errorOutput }) => (status === 33 ? firstLine(output + errorOutput) : undefined),
    });
  }

  presence(): Presence {
    return this.commands.presence;
  }

  trouble(): string | undefined {
    return this.commands.trouble;
  }

  list(done: ListHandler): void {
    if (this.commands.isBusy(LIST)) {
      done(undefined, "libreswan is being asked already");
      return;
    }
    this.commands.run(LIST, [this.command(COMMAND_MS, "--status")], ({ text, problem }) => {
      if (problem !== undefined) {
        done(undefined, problem);
        return;
      }
      this.connections = readStatus(text);
      done(this.connections, undefined);
    });
  }

  rekeyChild(connection: string, hasNewEpoch: (this: void) => boolean, done: ReportHandler): void {
    const rekey = { ...this.command(REKEY_MS, "--name", connection, "--rekey-ipsec"), isWaitingForPeer: true };
    const initiate: Command = { ...this.initiation(connection), isNeeded: () => !hasNewEpoch() };
    this.commands.run(keyOf(connection), this.isIkeV1(connection) ? [initiate] : [rekey, initiate], done);
  }

  initiate(connection: string, done: ReportHandler): void {
    this.commands.run(keyOf(connection), [this.initiation(connection)], done);
  }

  restartIke(connection: string, done: ReportHandler): void {
    const terminate = this.command(COMMAND_MS, "--name", connection, "--terminate");
    this.commands.run(keyOf(connection), [terminate, this.initiation(connection)], done);
  }

  tick(nowMs: number): void {
    this.commands.tick(nowMs);
  }

  close(): void {
    this.commands.close();
  }

  /** Where the list has not told, a rekey is tried. */
  private isIkeV1(connection: string): boolean {
    return this.connections.some(({ name, ikeVersion }) => name === connection && ikeVersion === 1);
  }

  /** Without `--asynchronous`, whack would stay until the peer has answered or a minute is over. */
  private initiation(connection: string): Command {
    return this.command(COMMAND_MS, "--name", connection, "--initiate", "--asynchronous");
  }

  private command(timeoutMs: number, ...words: string[]): Command {
    return { argv: [...this.whack, ...words], timeoutMs };
  }
}

function keyOf(connection: string): string {
  return `connection ${connection}`;
}

function firstLine(text: string): string {
  const [line] = string.match(text, "[^\n]+");
  return line ?? "whack has not reached pluto, and says nothing of it";
}
