// SPDX-License-Identifier: GPL-2.0-only
// The log: levels, to standard error or to syslog; what repeats is counted, not repeated.

import { monotonicMs } from "./clock";
import { declareC } from "./ffi";

/** syslog.h */
const PRIORITY = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;

/** From the most urgent to the least. */
export type LogLevel = keyof typeof PRIORITY;

export interface LogOptions {
  /** The least urgent level that is written. */
  readonly level: LogLevel;
  readonly to: "stderr" | "syslog";
  /** The program's name, for syslog. */
  readonly name: string;
}

/** @noSelf */
interface SyslogLibrary {
  openlog(name: string, options: number, facility: number): void;
  syslog(priority: number, format: string, text: string): void;
  closelog(): void;
}

const C = declareC<SyslogLibrary>(`
  void openlog(const char *name, int options, int facility);
  void syslog(int priority, const char *format, const char *text);
  void closelog(void);
`);

/** syslog.h */
const LOG_PID = 1;
const LOG_DAEMON = 3 << 3;

/** How long a subject of {@link Log.limited} stays quiet after a message. */
const QUIET_MS = 60_000;
/** Subjects remembered; when a new one finds no room, all are forgotten. */
const SUBJECTS_MAX = 64;
/** Messages kept for {@link Log.tail}. */
const LATEST_MAX = 50;

interface Subject {
  quietUntilMs: number;
  leftOut: number;
}

export class Log {
  /** The least urgent level that is written; may be changed at run time. */
  level: LogLevel;
  private subjects = new LuaMap<string, Subject>();
  private subjectCount = 0;
  private readonly latest: string[] = [];
  /** What was said last about each subject of {@link changed}. */
  private readonly said = new LuaMap<string, string>();

  /** `options.name` is kept by the C library as a pointer, so the log must live as long as it is written to. */
  constructor(private readonly options: LogOptions) {
    this.level = options.level;
    if (options.to === "syslog") C.openlog(options.name, LOG_PID, LOG_DAEMON);
  }

  /** For what is more or less urgent by its content; the methods below are this with a level. */
  write(level: LogLevel, text: string): void {
    if (PRIORITY[level] > PRIORITY[this.level]) return;
    const line = `${os.date("%Y-%m-%d %H:%M:%S")} ${level}: ${text}`;
    this.latest.push(line);
    if (this.latest.length > LATEST_MAX) this.latest.shift();
    if (this.options.to === "syslog") C.syslog(PRIORITY[level], "%s", text);
    else io.stderr.write(`${line}\n`);
  }

  error(text: string): void {
    this.write("error", text);
  }

  warning(text: string): void {
    this.write("warning", text);
  }

  notice(text: string): void {
    this.write("notice", text);
  }

  info(text: string): void {
    this.write("info", text);
  }

  debug(text: string): void {
    this.write("debug", text);
  }

  /** Writes one message of a `subject` a minute at most; the next one tells how many were left out. */
  limited(level: LogLevel, subject: string, text: string): void {
    if (PRIORITY[level] > PRIORITY[this.level]) return;
    const nowMs = monotonicMs();
    const known = this.subjects.get(subject);
    if (known !== undefined && nowMs < known.quietUntilMs) {
      known.leftOut += 1;
      return;
    }
    const leftOut = known?.leftOut ?? 0;
    this.remember(subject, nowMs);
    this.write(level, leftOut === 0 ? text : `${text} (and ${leftOut} like it before)`);
  }

  /** Says once what holds now about a subject, and again when it changes; empty text is not worth saying. */
  changed(level: LogLevel, subject: string, text: string): void {
    if (this.said.get(subject) === text) return;
    this.said.set(subject, text);
    if (text !== "") this.write(level, text);
  }

  /** The last messages, oldest first: a bundle for support has them, wherever the log goes. */
  tail(): readonly string[] {
    return this.latest;
  }

  close(): void {
    if (this.options.to === "syslog") C.closelog();
  }

  private remember(subject: string, nowMs: number): void {
    if (!this.subjects.has(subject)) {
      if (this.subjectCount >= SUBJECTS_MAX) {
        this.subjects = new LuaMap<string, Subject>();
        this.subjectCount = 0;
      }
      this.subjectCount += 1;
    }
    this.subjects.set(subject, { quietUntilMs: nowMs + QUIET_MS, leftOut: 0 });
  }
}
