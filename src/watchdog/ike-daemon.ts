// SPDX-License-Identifier: GPL-2.0-only
// What the watchdog asks of an IKE daemon, whichever it is: make a new epoch, make a new IKE session, say what is there.
//
// A daemon's commands may block for as long as its peer is silent, so each runs beside the event loop with a limit of
// time. Neither their exit status nor what they print decides anything: whether an order was carried out is seen in the
// kernel, as a new pair of SAs, and in the answer through it. What they print is kept for people.

/** A pair of SAs, as words. */
export interface IkeEpoch {
  readonly outSpi: number;
  readonly inSpi: number;
}

export interface IkeConnection {
  readonly name: string;
  /** Up: it has a pair of SAs. Connecting: it negotiates. Down: neither. */
  readonly state: "up" | "connecting" | "down";
  /** 1 or 2; undefined when there is no session that tells. */
  readonly ikeVersion: number | undefined;
  /** The pairs that the daemon uses, oldest first. Those that it is about to delete are not among them. */
  readonly epochs: readonly IkeEpoch[];
  /** The timers that the daemon was told, where it says them: VPN Masquerade Assist's inequalities depend on them. */
  readonly timers: IkeTimers | undefined;
}

export interface IkeTimers {
  readonly keylifeMs: number;
  readonly marginMs: number;
  /** Share of the margin: 1 is 100 %. */
  readonly fuzz: number;
}

/** Of the daemon itself, as its last commands left it. */
export type Presence =
  /** No command has ended yet. */
  | "unknown"
  | "there"
  /** Not installed or not running. */
  | "missing"
  /** It takes commands and does not carry them out in time. */
  | "hung";

/** What a command said, for people; `problem` when it could not be run to its end. */
export interface CommandReport {
  readonly text: string;
  readonly problem: string | undefined;
}

export type ReportHandler = (this: void, report: CommandReport) => void;
export type ListHandler = (
  this: void,
  connections: readonly IkeConnection[] | undefined,
  problem: string | undefined,
) => void;

export interface IkeDaemon {
  readonly name: string;
  presence(): Presence;
  /** Why the daemon is missing or hung, for people. */
  trouble(): string | undefined;
  list(done: ListHandler): void;
  /**
   * Asks for a new epoch in the IKE session that is there.
   * @param hasNewEpoch whether the kernel shows one since; asked when a command claims to have done it
   */
  rekeyChild(connection: string, hasNewEpoch: (this: void) => boolean, done: ReportHandler): void;
  /** Asks for an epoch where there is none. */
  initiate(connection: string, done: ReportHandler): void;
  /** Drops the IKE session and all its epochs, and asks for new ones. */
  restartIke(connection: string, done: ReportHandler): void;
  /** To be called a few times a second. */
  tick(nowMs: number): void;
  /** Ends what still runs, without a word. What the daemon itself has begun goes on. */
  close(): void;
}
