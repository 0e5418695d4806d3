// SPDX-License-Identifier: GPL-2.0-only
// The table as text that outlives the process: what is worth remembering, one record a line.
//
//     vpnmasq-snapshot 1 BOOT-ID MONOTONIC-MS WALL-MS WAN-ADDRESS CHECKSUM
//     esp CLIENT SERVER OUT-SPI IN-SPI SEQUENCE LAST-MS CHECKSUM
//     ike CLIENT PORT SERVER COOKIES VERSION CREATED-MS LAST-MS NEGOTIATED-MS CHECKSUM
//     esp-gone CLIENT SERVER IN-SPI CHECKSUM
//     ike-gone SERVER COOKIES CHECKSUM
//
// It is a journal: a later line about the same item replaces the earlier one, and a "gone" line takes it back. Every
// line ends in a CRC-32 that starts from the header's, so a line of another file, which a torn write may leave behind,
// does not pass for one of this. Times are those of the monotonic clock; the header ties them to the wall clock, for
// the next boot.
//
// Only what an answer proved is kept: ESP items with a known incoming SPI and IKE sessions with both cookies. Flows are
// not: their peers open them anew, and a table of thousands would cost more than it saves.

import { formatAddress, formatCookie, parseAddress } from "../wire/address";
import { RESERVED_SPI_MAX } from "../wire/esp";
import { toWord, unsigned } from "../wire/word";
import { crc32 } from "./crc32";
import type { IkeSession } from "./ike";

const MAGIC = "vpnmasq-snapshot";
const VERSION = 1;

/** When and where a snapshot was begun. */
export interface SnapshotHeader {
  /** Names the boot that monotonic times count from; empty when unknown. */
  readonly bootId: string;
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** A word; 0 while the WAN has none. */
  readonly wanAddress: number;
}

/** An ESP item with a known incoming SPI; addresses and SPIs are words. */
export interface EspMemory {
  readonly client: number;
  readonly server: number;
  /** 0 while unknown. */
  readonly outSpi: number;
  readonly inSpi: number;
  readonly sequence: number;
  readonly lastMs: number;
}

/** Of an IKE session what a restart needs. */
export type IkeMemory = Pick<
  IkeSession,
  | "client"
  | "clientPort"
  | "server"
  | "initiatorHigh"
  | "initiatorLow"
  | "responderHigh"
  | "responderLow"
  | "version"
  | "createdMs"
  | "negotiatedMs"
> & { readonly lastMs: number };

// Writing

const time = (ms: number): string => string.format("%.0f", ms);
const word = (value: number): string => string.format("%08x", unsigned(value));

function cookiesOf(session: IkeMemory | IkeSession): string {
  return (
    formatCookie(session.initiatorHigh, session.initiatorLow) +
    formatCookie(session.responderHigh, session.responderLow)
  );
}

/** Writes the lines of one snapshot; each ends with a newline. */
export class SnapshotWriter {
  readonly header: string;
  private readonly seed: number;

  constructor(header: SnapshotHeader) {
    const boot = header.bootId === "" ? "-" : header.bootId;
    const fields = [
      MAGIC,
      VERSION,
      boot,
      time(header.monotonicMs),
      time(header.wallMs),
      formatAddress(header.wanAddress),
    ];
    const text = fields.join(" ");
    this.seed = crc32(text);
    this.header = `${text} ${word(this.seed)}\n`;
  }

  esp(item: EspMemory): string {
    const spis = `${word(item.outSpi)} ${word(item.inSpi)} ${word(item.sequence)}`;
    return this.line(`esp ${formatAddress(item.client)} ${formatAddress(item.server)} ${spis} ${time(item.lastMs)}`);
  }

  ike(session: IkeMemory): string {
    const negotiated = session.negotiatedMs === undefined ? "-" : time(session.negotiatedMs);
    const who = `${formatAddress(session.client)} ${session.clientPort} ${formatAddress(session.server)}`;
    const times = `${time(session.createdMs)} ${time(session.lastMs)} ${negotiated}`;
    return this.line(`ike ${who} ${cookiesOf(session)} ${session.version} ${times}`);
  }

  espGone(client: number, server: number, inSpi: number): string {
    return this.line(`esp-gone ${formatAddress(client)} ${formatAddress(server)} ${word(inSpi)}`);
  }

  ikeGone(session: IkeSession): string {
    return this.line(`ike-gone ${formatAddress(session.server)} ${cookiesOf(session)}`);
  }

  private line(text: string): string {
    return `${text} ${word(crc32(text, this.seed))}\n`;
  }
}

// Reading

/** The present, to judge a snapshot's age by. */
export interface Present {
  readonly bootId: string;
  readonly nowMs: number;
  readonly wallMs: number;
  /** Items unused for longer are not restored. */
  readonly espIdleMs: number;
  readonly ikeIdleMs: number;
}

/** Lines that were not taken over, for one reason. */
export interface Refusal {
  readonly reason: string;
  lines: number;
  /** It tells of age, not of damage. */
  readonly isExpected: boolean;
}

/** What a snapshot holds, its times moved to the present's monotonic clock (so they may be negative). */
export interface Snapshot {
  /** Undefined: the whole file is refused. */
  header: SnapshotHeader | undefined;
  esp: EspMemory[];
  ike: IkeMemory[];
  refusals: Refusal[];
  /** The wall clock stands before the snapshot's time, as on boards without a clock: ages are taken as 0. */
  isClockBehind: boolean;
}

const CUT_OFF = "cut off: the last line was not written to its end";
const CHECKSUM = "the checksum is wrong";
const UNREADABLE = "not a record of this version";
const FUTURE = "dated after the present";
const IDLE = "idle for too long";

/** Reads what {@link SnapshotWriter} wrote. Never fails: whatever is not good is refused with a reason. */
export function readSnapshot(text: string, present: Present): Snapshot {
  return new SnapshotReader(present).read(text);
}

/** Splits a line into its text and whether the checksum at its end is right. */
function checked(line: string, seed: number): LuaMultiReturn<[string, boolean]> {
  const [text, checksum] = string.match(line, "^(.*) (%x%x%x%x%x%x%x%x)$");
  if (text === undefined) return $multi("", false);
  return $multi(text, toWord(tonumber(checksum, 16)!) === crc32(text, seed));
}

/** 8 hexadecimal digits at a place (from 1) of a text that was matched to hold nothing else. */
function wordAt(text: string, at: number): number {
  return toWord(tonumber(string.sub(text, at, at + 7), 16)!);
}

class SnapshotReader {
  private readonly snapshot: Snapshot = { header: undefined, esp: [], ike: [], refusals: [], isClockBehind: false };
  private seed = 0;
  /** What to add to the file's monotonic times. */
  private shiftMs = 0;
  private isSameBoot = false;
  private readonly espItems = new LatestByKey<EspMemory>();
  private readonly ikeSessions = new LatestByKey<IkeMemory>();

  constructor(private readonly present: Present) {}

  read(text: string): Snapshot {
    let isFirst = true;
    for (const [line, end] of string.gmatch(text, "([^\n]*)(\n?)")) {
      if (isFirst && !this.readHeader(line, end, text === "")) return this.snapshot;
      if (!isFirst && line !== "") this.readLine(line, end);
      isFirst = false;
    }
    this.snapshot.esp = this.espItems.inOrder();
    this.snapshot.ike = this.ikeSessions.inOrder();
    return this.snapshot;
  }

  private readHeader(line: string, end: string, isEmpty: boolean): boolean {
    const [version] = string.match(line, "^vpnmasq%-snapshot (%d+) ");
    if (version === undefined) return this.refuse(isEmpty ? "the file is empty" : "not a snapshot of vpnmasq");
    if (version !== tostring(VERSION)) {
      return this.refuse(`written in version ${string.sub(version, 1, 10)} of the format; this is version ${VERSION}`);
    }
    const [text, isGood] = checked(line, 0);
    if (end === "" || !isGood) return this.refuse(end === "" ? CUT_OFF : CHECKSUM);
    const [boot, monotonic, wall, wan] = string.match(text, "^%S+ 1 (%S+) (%d+) (%d+) (%S+)$");
    const wanAddress = parseAddress(wan ?? "");
    if (wanAddress === undefined) return this.refuse(UNREADABLE);
    const bootId = boot === "-" ? "" : boot;
    this.seed = crc32(text);
    this.placeInTime({ bootId, monotonicMs: tonumber(monotonic)!, wallMs: tonumber(wall)!, wanAddress });
    return true;
  }

  private placeInTime(header: SnapshotHeader): void {
    const { present, snapshot } = this;
    snapshot.header = header;
    this.isSameBoot = header.bootId !== "" && header.bootId === present.bootId;
    if (this.isSameBoot) return;
    snapshot.isClockBehind = present.wallMs < header.wallMs;
    this.shiftMs = present.nowMs - header.monotonicMs - Math.max(0, present.wallMs - header.wallMs);
  }

  private readLine(line: string, end: string): void {
    const [text, isGood] = checked(line, this.seed);
    if (end === "" || !isGood) {
      this.refuse(end === "" ? CUT_OFF : CHECKSUM);
      return;
    }
    // Items are told apart by their text, so digits have one form.
    const [kind, fields] = string.match(string.lower(text), "^([a-z-]+) (.*)$");
    if (kind === "esp") this.readEsp(fields);
    else if (kind === "ike") this.readIke(fields);
    else if (kind === "esp-gone") this.espItems.forget(fields);
    else if (kind === "ike-gone") this.ikeSessions.forget(fields);
    else this.refuse(UNREADABLE);
  }

  private readEsp(fields: string): void {
    const [clientText, serverText, outText, inText, sequence, last] = string.match(
      fields,
      "^([%d.]+) ([%d.]+) (%x%x%x%x%x%x%x%x) (%x%x%x%x%x%x%x%x) (%x%x%x%x%x%x%x%x) (%-?%d+)$",
    );
    const client = parseAddress(clientText ?? "");
    const server = parseAddress(serverText ?? "");
    if (client === undefined || server === undefined || isReserved(inText) || isForbiddenOut(outText)) {
      this.refuse(UNREADABLE);
      return;
    }
    const key = `${clientText} ${serverText} ${inText}`;
    this.espItems.forget(key);
    const lastMs = this.timeOf(tonumber(last)!, this.present.espIdleMs);
    if (lastMs === undefined) return;
    const spis = { outSpi: wordAt(outText, 1), inSpi: wordAt(inText, 1), sequence: wordAt(sequence, 1) };
    this.espItems.remember(key, { client, server, ...spis, lastMs });
  }

  private readIke(fields: string): void {
    const [clientText, port, serverText, cookies, version, created, last, negotiated] = string.match(
      fields,
      "^([%d.]+) (%d+) ([%d.]+) (%x+) ([12]) (%-?%d+) (%-?%d+) (%-?%d*)$",
    );
    const client = parseAddress(clientText ?? "");
    const server = parseAddress(serverText ?? "");
    const clientPort = tonumber(port ?? "") ?? 0;
    const isGood = client !== undefined && server !== undefined && string.len(cookies) === 32;
    if (!isGood || clientPort < 1 || clientPort > 0xffff) {
      this.refuse(UNREADABLE);
      return;
    }
    const key = `${serverText} ${cookies}`;
    this.ikeSessions.forget(key);
    const lastMs = this.timeOf(tonumber(last)!, this.present.ikeIdleMs);
    if (lastMs === undefined) return;
    const negotiatedMs = tonumber(negotiated);
    this.ikeSessions.remember(key, {
      client,
      clientPort,
      server,
      initiatorHigh: wordAt(cookies, 1),
      initiatorLow: wordAt(cookies, 9),
      responderHigh: wordAt(cookies, 17),
      responderLow: wordAt(cookies, 25),
      version: tonumber(version)!,
      createdMs: Math.min(tonumber(created)! + this.shiftMs, this.present.nowMs),
      lastMs,
      negotiatedMs: negotiatedMs === undefined ? undefined : Math.min(negotiatedMs + this.shiftMs, this.present.nowMs),
    });
  }

  /** The file's time on the present's clock; undefined, and the line refused, when it is too long ago or to come. */
  private timeOf(fileMs: number, idleMs: number): number | undefined {
    const nowMs = this.present.nowMs;
    const hereMs = fileMs + this.shiftMs;
    if (this.isSameBoot && hereMs > nowMs) this.refuse(FUTURE);
    else if (nowMs - hereMs > idleMs) this.refuse(IDLE);
    else return Math.min(hereMs, nowMs);
    return undefined;
  }

  /** Always false, so that a caller can return it. */
  private refuse(reason: string): false {
    const known = this.snapshot.refusals.find((refusal) => refusal.reason === reason);
    if (known === undefined) this.snapshot.refusals.push({ reason, lines: 1, isExpected: reason === IDLE });
    else known.lines += 1;
    return false;
  }
}

function isReserved(spi: string): boolean {
  const value = tonumber(spi, 16)!;
  return value <= RESERVED_SPI_MAX;
}

/** An outgoing SPI is unknown (0) or one that may travel. */
function isForbiddenOut(spi: string): boolean {
  return isReserved(spi) && tonumber(spi, 16) !== 0;
}

/** The last value given for each key, in the order of their first lines. */
class LatestByKey<Value> {
  private readonly values = new LuaMap<string, Value>();
  private readonly keys: string[] = [];

  remember(key: string, value: Value): void {
    this.values.set(key, value);
    this.keys.push(key);
  }

  forget(key: string): void {
    this.values.delete(key);
  }

  inOrder(): Value[] {
    const found: Value[] = [];
    for (const key of this.keys) {
      const value = this.values.get(key);
      if (value !== undefined) found.push(value);
      this.values.delete(key);
    }
    return found;
  }
}
