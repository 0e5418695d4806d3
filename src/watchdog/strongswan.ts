// SPDX-License-Identifier: GPL-2.0-only
// strongSwan, driven by `swanctl`.
//
// A connection is named IKE/CHILD, after the two names in swanctl.conf; one name alone stands for both.

import type { EventLoop } from "../system/event-loop";
import type { IkeDaemon, ListHandler, Presence, ReportHandler } from "./ike-daemon";
import { type Command, IkeCommands } from "./ike-commands";
import { readLists } from "./strongswan-list";

/** swanctl's own wait for the peer, in seconds; charon goes on afterwards. */
const PEER_WAIT_S = 1;
/** 0.1 to 0.6 s for each command (measured), several times that on a board, and the wait for the peer. */
const COMMAND_MS = 5000;
/** A hundred connections with an SA each, 1500 bytes a pair of messages. */
const OUTPUT_BYTES_MAX = 250000;

const LIST = "list";

interface Names {
  readonly ike: string;
  readonly child: string;
}

export class StrongSwan implements IkeDaemon {
  readonly name = "strongSwan";
  private readonly commands: IkeCommands;

  /** @param swanctl the program, and options for the end of all its calls */
  constructor(
    loop: EventLoop,
    private readonly swanctl = "swanctl",
    private readonly options: readonly string[] = [],
  ) {
    // A call that has not reached charon shows how swanctl is used; its status is the cause's errno. Every call begins
    // with a line for each plugin that is not installed.
    this.commands = new IkeCommands(loop, {
      outputBytesMax: OUTPUT_BYTES_MAX,
      unreached: ({ errorOutput }) => string.match(`\n${errorOutput}`, "\n(connecting to [^\n]- failed[^\n]*)")[0],
      noise: "plugin '[^']*': failed to load",
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
      done(undefined, "strongSwan is being asked already");
      return;
    }
    const commands = [this.command("--list-conns", "--raw"), this.command("--list-sas", "--raw", "--noblock")];
    this.commands.run(LIST, commands, ({ text, problem }) => {
      if (problem === undefined) done(readLists(text), undefined);
      else done(undefined, problem);
    });
  }

  /** charon takes the order and carries it out later; a tunnel without a child is for {@link initiate}. */
  rekeyChild(connection: string, _hasNewEpoch: (this: void) => boolean, done: ReportHandler): void {
    this.commands.run(keyOf(connection), [this.command("--rekey", "--child", namesOf(connection).child)], done);
  }

  initiate(connection: string, done: ReportHandler): void {
    this.commands.run(keyOf(connection), [this.initiation(connection)], done);
  }

  /** Forced: a peer that does not answer would keep the old session alive for minutes. */
  restartIke(connection: string, done: ReportHandler): void {
    const wait = ["--force", "--timeout", `${PEER_WAIT_S}`];
    const terminate = this.command("--terminate", "--ike", namesOf(connection).ike, ...wait);
    this.commands.run(keyOf(connection), [terminate, this.initiation(connection)], done);
  }

  tick(nowMs: number): void {
    this.commands.tick(nowMs);
  }

  close(): void {
    this.commands.close();
  }

  private initiation(connection: string): Command {
    const { ike, child } = namesOf(connection);
    return this.command("--initiate", "--ike", ike, "--child", child, "--timeout", `${PEER_WAIT_S}`);
  }

  private command(...words: string[]): Command {
    return { argv: [this.swanctl, ...words, ...this.options], timeoutMs: COMMAND_MS };
  }
}

function namesOf(connection: string): Names {
  const [ike, child] = string.match(connection, "^([^/]+)/(.+)$");
  return { ike: ike ?? connection, child: child ?? connection };
}

function keyOf(connection: string): string {
  return `connection ${connection}`;
}
