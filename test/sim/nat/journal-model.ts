// SPDX-License-Identifier: GPL-2.0-only
// The journal of a simulated router: the shipped lines, kept as text instead of in files (src/app/snapshot-file.ts).

import { clearNews, linesOf, newsCount, newsOf, restoreItems } from "../../../src/masquerade/journal-lines";
import type { Limits } from "../../../src/masquerade/limits";
import { readSnapshot, SnapshotWriter } from "../../../src/masquerade/snapshot";
import type { Table } from "../../../src/masquerade/table";
import type { Random } from "../../spec/random";
import type { Memory } from "./nat";

/** Lines out of date after which the whole is written anew. */
const STALE_LINES_MIN = 64;
/** Or after this, so that "last used" tells idle tunnels from busy ones; a quarter of the idle time where that is less. */
const REFRESH_MS = 600000;
/** Between two copies on flash: the configuration's default is an hour. */
const FLASH_INTERVAL_MS = 3600000;
/** What the router asks of the copy on flash instead of the limits' idle times. */
const FLASH_AGE_MAX_MS = 24 * 3600 * 1000;

export class JournalModel {
  wallOffsetMs = 1.8e12;
  private boot = 1;
  private text = "";
  private flash = "";
  private flashedMs = -Infinity;
  private lines = 0;
  private writtenMs = -Infinity;
  private writer: SnapshotWriter | undefined;
  private memory: Memory = "none";

  constructor(
    private readonly limits: Limits,
    private readonly random: Random,
  ) {}

  /** Writes what the table learned and forgot. */
  record({ esp, ike, wanAddress }: Table, nowMs: number): void {
    const isOld = nowMs - this.writtenMs >= Math.min(REFRESH_MS, this.limits.espIdleMs / 4);
    if (isOld) this.rewrite({ esp, ike, wanAddress }, nowMs);
    const news = newsCount(esp, ike);
    if (news === 0) return;
    if (this.writer !== undefined) this.text += newsOf(this.writer, esp, ike);
    clearNews(esp, ike);
    this.lines += news;
    const isStale = this.lines > STALE_LINES_MIN + 2 * (esp.count() + ike.count());
    if (this.writer === undefined || isStale) this.rewrite({ esp, ike, wanAddress }, nowMs);
    if (nowMs - this.flashedMs >= FLASH_INTERVAL_MS) this.copyToFlash({ esp, ike, wanAddress }, nowMs);
  }

  /** The process, or the machine, is gone. */
  crash(memory: Memory): void {
    this.memory = memory;
    this.writer = undefined;
    this.writtenMs = -Infinity;
    this.flashedMs = -Infinity;
    if (memory === "torn") this.text = string.sub(this.text, 1, this.random.below(string.len(this.text) + 1));
    if (memory === "flash") this.boot += 1;
    if (memory === "flash" || memory === "none") this.text = "";
    if (memory === "none") this.flash = "";
  }

  /** Fills a new table, as the router does before its first packet; false: there may be tunnels that it does not know. */
  restoreInto({ esp, ike, wanAddress }: Table, nowMs: number): boolean {
    const isFlash = this.memory === "flash";
    const text = isFlash ? this.flash : this.text;
    const { espIdleMs, ikeIdleMs } = this.limits;
    const ages = isFlash ? { espIdleMs: FLASH_AGE_MAX_MS, ikeIdleMs: FLASH_AGE_MAX_MS } : { espIdleMs, ikeIdleMs };
    const present = { bootId: this.bootId(), nowMs, wallMs: this.wallMs(nowMs), ...ages };
    const snapshot = readSnapshot(text, present);
    if (snapshot.header !== undefined) restoreItems(snapshot, esp, ike, nowMs);
    this.rewrite({ esp, ike, wanAddress }, nowMs);
    return snapshot.header !== undefined && snapshot.refusals.length === 0 && !isFlash;
  }

  private rewrite({ esp, ike, wanAddress }: Pick<Table, "esp" | "ike" | "wanAddress">, nowMs: number): void {
    clearNews(esp, ike);
    this.writtenMs = nowMs;
    this.writer = this.newWriter(wanAddress, nowMs);
    const lines = linesOf(this.writer, esp, ike);
    this.lines = lines.length;
    this.text = this.writer.header + lines.join("");
  }

  private copyToFlash({ esp, ike, wanAddress }: Pick<Table, "esp" | "ike" | "wanAddress">, nowMs: number): void {
    this.flashedMs = nowMs;
    const writer = this.newWriter(wanAddress, nowMs);
    this.flash = writer.header + linesOf(writer, esp, ike).join("");
  }

  private newWriter(wanAddress: number, nowMs: number): SnapshotWriter {
    return new SnapshotWriter({ bootId: this.bootId(), monotonicMs: nowMs, wallMs: this.wallMs(nowMs), wanAddress });
  }

  private bootId(): string {
    return `boot-${this.boot}`;
  }

  /** @param nowMs the monotonic clock of this boot */
  private wallMs(nowMs: number): number {
    return Math.floor(nowMs + this.wallOffsetMs);
  }
}
