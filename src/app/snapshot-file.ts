// SPDX-License-Identifier: GPL-2.0-only
// The journal: what the tables learned, kept on tmpfs at once and on flash rarely, and put back at the next start.
//
// A line is added for each thing learned or forgotten, so the file is right after every burst and kill -9 costs nothing.
// Now and then the file is written anew: when most of its lines are out of date, and often enough that "last used"
// tells idle tunnels from busy ones. A new file takes the old one's place in one step.

import type { EspTracker } from "../masquerade/esp";
import type { IkeTracker } from "../masquerade/ike";
import { clearNews, linesOf, newsCount, newsOf, restoreItems } from "../masquerade/journal-lines";
import { readSnapshot, type Snapshot, SnapshotWriter } from "../masquerade/snapshot";
import { bootId, wallClockMs } from "../system/clock";
import { AppendFile, makeFolder, readFile, replaceFile } from "../system/files";
import type { Log } from "../system/log";
import type { Outcome } from "../system/outcome";
import { formatAddress } from "../wire/address";
import type { Configuration } from "./configuration";
import { formatCount } from "./text/quantity";

export interface RestoreReport {
  readonly source: "journal" | "flash" | "none";
  readonly espItems: number;
  readonly ikeSessions: number;
  /** False: tunnels may exist that we do not know, so the caller calls esp.startRelearning(). */
  readonly isComplete: boolean;
  /** What was refused and why, and what else a person should know. */
  readonly notes: readonly string[];
}

const FILE_NAME = "journal";
/** Only root reads which tunnels there are. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o755;
/** The longest line, of an IKE session, has about 130. */
const LINE_BYTES_MAX = 160;

/** Lines out of date that are not worth a new file. */
const STALE_LINES_MIN = 64;
/** The file's "last used" is at most this old, or a quarter of the idle time where that is shorter. */
const REFRESH_MS = 600_000;
/** After a failure (the disk is full) the next try waits this long. */
const RETRY_MS = 10_000;
/**
 * The copy on flash is written when something changed, so its "last used" says little. An SA hardly lives longer than a
 * day; an item restored in vain harms nobody and is forgotten when idle.
 */
const FLASH_AGE_MAX_MS = 24 * 3600 * 1000;

export class Journal {
  private writer: SnapshotWriter | undefined;
  private file: AppendFile | undefined;
  private lines = 0;
  private writtenMs = 0;
  private isChangedSinceFlash = false;
  private flashedMs = 0;
  private hasFailed = false;
  private hasFlashFailed = false;

  private constructor(
    private readonly config: Configuration,
    private readonly log: Log,
    private readonly path: string,
  ) {}

  static open(this: void, config: Configuration, log: Log): Journal {
    makeFolder(config.stateDirectory, FOLDER_MODE); // a failure shows when the journal is written
    return new Journal(config, log, `${config.stateDirectory}/${FILE_NAME}`);
  }

  /**
   * Call once, before the first packet. Afterwards `learned` and `forgotten` of both trackers are empty.
   * @param wanAddress a word, 0 when unknown: only for the note that it changed
   */
  restoreInto(esp: EspTracker, ike: IkeTracker, wanAddress: number, nowMs: number): RestoreReport {
    const notes: string[] = [];
    const { limits, flashSnapshot } = this.config;
    let source: RestoreReport["source"] = "journal";
    let snapshot = this.read(this.path, limits.espIdleMs, limits.ikeIdleMs, nowMs, notes);
    if (snapshot === undefined && flashSnapshot !== undefined) {
      source = "flash";
      snapshot = this.read(flashSnapshot, FLASH_AGE_MAX_MS, FLASH_AGE_MAX_MS, nowMs, notes);
    }
    const before = notes.length;
    if (snapshot !== undefined) noteRestoring(snapshot, restoreItems(snapshot, esp, ike, nowMs), notes);
    if (snapshot !== undefined) noteWanAddress(snapshot.header?.wanAddress ?? 0, wanAddress, notes);
    for (const note of notes) this.log.warning(`restore: ${note}`);
    this.flashedMs = nowMs;
    this.isChangedSinceFlash = source === "journal" && snapshot !== undefined; // a crash left flash behind
    this.rewrite(esp, ike, wanAddress, nowMs);
    return {
      source: snapshot === undefined ? "none" : source,
      espItems: esp.count(),
      ikeSessions: ike.count(),
      isComplete: source === "journal" && snapshot !== undefined && before === 0,
      notes,
    };
  }

  /** Writes what the trackers learned or forgot and empties those lists; cheap when there is nothing. After each burst. */
  record(esp: EspTracker, ike: IkeTracker, wanAddress: number, nowMs: number): void {
    const news = newsCount(esp, ike);
    if (news === 0) return;
    this.isChangedSinceFlash = true;
    if (this.file !== undefined && this.writer !== undefined) {
      const text = newsOf(this.writer, esp, ike);
      const [, problem] = this.file.append(text);
      this.lines += news;
      if (problem !== undefined) this.failed(problem, nowMs);
    }
    clearNews(esp, ike);
    if (this.lines > STALE_LINES_MIN + 2 * (esp.count() + ike.count())) this.rewrite(esp, ike, wanAddress, nowMs);
  }

  /** A new file, the copy on flash, another try after a failure: when they are due. About ten times a second. */
  tick(esp: EspTracker, ike: IkeTracker, wanAddress: number, nowMs: number): void {
    const refreshMs = Math.min(REFRESH_MS, this.config.limits.espIdleMs / 4);
    const dueMs = this.writtenMs + (this.hasFailed ? RETRY_MS : refreshMs);
    if (nowMs >= dueMs) this.rewrite(esp, ike, wanAddress, nowMs);
    if (this.isChangedSinceFlash && nowMs - this.flashedMs >= this.config.flashIntervalMs) {
      this.copyToFlash(esp, ike, wanAddress, nowMs);
    }
  }

  /** On a clean exit: everything as it is now, on tmpfs and on flash. */
  close(esp: EspTracker, ike: IkeTracker, wanAddress: number, nowMs: number): void {
    this.record(esp, ike, wanAddress, nowMs);
    this.rewrite(esp, ike, wanAddress, nowMs);
    if (this.isChangedSinceFlash) this.copyToFlash(esp, ike, wanAddress, nowMs);
    this.file?.close();
    this.file = undefined;
  }

  // Writing

  private newWriter(wanAddress: number, nowMs: number): SnapshotWriter {
    return new SnapshotWriter({ bootId: bootId() ?? "", monotonicMs: nowMs, wallMs: wallClockMs(), wanAddress });
  }

  /** Puts a file with what is known now in the place of the journal. */
  private rewrite(esp: EspTracker, ike: IkeTracker, wanAddress: number, nowMs: number): void {
    clearNews(esp, ike); // the new file has it
    this.writtenMs = nowMs;
    this.file?.close();
    const writer = this.newWriter(wanAddress, nowMs);
    const lines = linesOf(writer, esp, ike);
    const [file, problem] = this.startFile(writer.header + lines.join(""));
    this.file = file;
    this.writer = writer;
    this.lines = lines.length;
    if (problem !== undefined) this.failed(problem, nowMs);
    else if (this.hasFailed) this.log.notice("journal: written again");
    this.hasFailed = problem !== undefined;
  }

  private startFile(text: string): Outcome<AppendFile> {
    const [done, problem] = replaceFile(this.path, text, { sync: false, mode: FILE_MODE });
    if (done === undefined) return $multi(undefined, problem);
    return AppendFile.open(this.path, FILE_MODE);
  }

  /** Says it once. Until a new file is written nothing is added: a line after half a line would be lost too. */
  private failed(problem: string, nowMs: number): void {
    if (!this.hasFailed) this.log.error(`journal: ${problem}; a restart would forget tunnels; trying again`);
    this.hasFailed = true;
    this.writtenMs = nowMs;
    this.file?.close();
    this.file = undefined;
  }

  private copyToFlash(esp: EspTracker, ike: IkeTracker, wanAddress: number, nowMs: number): void {
    const path = this.config.flashSnapshot;
    if (path === undefined) return;
    this.flashedMs = nowMs;
    const writer = this.newWriter(wanAddress, nowMs);
    const text = writer.header + linesOf(writer, esp, ike).join("");
    const [, problem] = replaceFile(path, text, { sync: true, mode: FILE_MODE });
    if (problem !== undefined && !this.hasFlashFailed) this.log.error(`flash snapshot: ${problem}; trying again later`);
    this.hasFlashFailed = problem !== undefined;
    this.isChangedSinceFlash = problem !== undefined;
  }

  // Reading

  /** The snapshot in a file; undefined when there is none or all of it is refused. A bad file is kept aside. */
  private read(
    path: string,
    espIdleMs: number,
    ikeIdleMs: number,
    nowMs: number,
    notes: string[],
  ): Snapshot | undefined {
    const [file] = io.open(path, "r");
    if (file === undefined) return undefined;
    file.close();
    const { limits } = this.config;
    const linesMax = 4 * (limits.espItemsMax + limits.ikeItemsMax) + STALE_LINES_MIN;
    const [text, problem] = readFile(path, linesMax * LINE_BYTES_MAX);
    const present = { bootId: bootId() ?? "", nowMs, wallMs: wallClockMs(), espIdleMs, ikeIdleMs };
    const snapshot = text === undefined ? undefined : readSnapshot(text, present);
    if (problem !== undefined) notes.push(problem);
    for (const { reason, lines } of snapshot?.refusals ?? []) {
      notes.push(
        snapshot?.header === undefined ? `${path}: ${reason}` : `${path}: ${reason} (${formatCount(lines, "line")})`,
      );
    }
    const isSpoilt = snapshot === undefined || snapshot.refusals.some(({ isExpected }) => !isExpected);
    if (isSpoilt && os.rename(path, `${path}.refused`)[0] !== undefined) notes.push(`kept as ${path}.refused`);
    return snapshot?.header === undefined ? undefined : snapshot;
  }
}

function noteRestoring({ isClockBehind }: Snapshot, refused: number, notes: string[]): void {
  if (refused > 0) notes.push(`${formatCount(refused, "item")} beyond the limits, or there twice`);
  if (isClockBehind) notes.push("the clock stands before the snapshot's time; its age is not known");
}

/** Servers go on sending to the old address until they negotiate again; what is remembered stays right all the same. */
function noteWanAddress(before: number, now: number, notes: string[]): void {
  if (before === 0 || now === 0 || before === now) return;
  notes.push(`the WAN address was ${formatAddress(before)} and is ${formatAddress(now)} now`);
}
