// SPDX-License-Identifier: GPL-2.0-only
// Files of OpenWrt's Unified Configuration Interface, as in /etc/config, read without libuci: LuaJIT has no binding for it.
//
// The grammar is libuci's (its file.c): words between white space, quoted by '…' as they are or by "…" with backslashes;
// quotes may span lines; `;` ends a statement as the end of the line does; `#` begins a comment.

import { fail, type Outcome, succeed } from "../../system/outcome";
import { clip, quote } from "../document";

/** An option's text, or the texts of a list. */
export type UciValue = string | readonly string[];

export interface UciSection {
  readonly type: string;
  /** Undefined: the section has no name. */
  readonly name: string | undefined;
  readonly options: LuaMap<string, UciValue>;
}

/** What ends a word, or gives its rest another meaning. */
const PLAIN_WORD = "^[^%s'\"#;\\]+";
/** What a C locale has for white space (isspace), but for the newline, which ends a statement. */
const SPACES = "^[ \t\r\v\f]+";
const NEWLINE = "\n";

/** One statement of the file. */
interface Statement {
  readonly line: number;
  readonly words: readonly string[];
}

class Scanner {
  private at = 1;
  private line = 1;
  /** Set once something is wrong; then nothing more is read. */
  problem: string | undefined;

  constructor(private readonly text: string) {}

  /** The next statement that has words; undefined at the end. */
  next(): Statement | undefined {
    while (this.problem === undefined && this.at <= string.len(this.text)) {
      const line = this.line;
      const words = this.words();
      if (words.length > 0) return { line, words };
    }
    return undefined;
  }

  private words(): string[] {
    const words: string[] = [];
    while (this.problem === undefined) {
      this.skip(SPACES);
      const character = this.character();
      if (character === "#") this.skip("^[^\n]*");
      else if (character === "" || this.take(NEWLINE) || this.take(";")) return words;
      else words.push(this.word());
    }
    return words;
  }

  private word(): string {
    let word = "";
    while (this.problem === undefined) {
      const [plain] = string.match(this.text, PLAIN_WORD, this.at);
      if (plain !== undefined) {
        this.at += string.len(plain);
        word += plain;
      } else if (this.take("'")) word += this.upTo("'");
      else if (this.take('"')) word += this.doubleQuoted();
      else if (this.take("\\")) word += this.escaped();
      else return word;
    }
    return word;
  }

  private doubleQuoted(): string {
    const line = this.line;
    let word = "";
    while (!this.take('"')) {
      if (this.character() === "") {
        this.problem = `line ${line}: there is no closing "`;
        return word;
      }
      if (this.take("\\")) {
        word += this.escaped();
      } else {
        word += this.character();
        this.take(this.character());
      }
    }
    return word;
  }

  /** What a backslash was before: a character as it is, or the end of a line, which is left out. */
  private escaped(): string {
    const character = this.character();
    this.take(character);
    return character === NEWLINE ? "" : character;
  }

  private upTo(quote: string): string {
    const [end] = string.find(this.text, quote, this.at, true);
    if (end === undefined) {
      this.problem = `line ${this.line}: there is no closing ${quote}`;
      return "";
    }
    const inside = string.sub(this.text, this.at, end - 1);
    const [, newlines] = string.gsub(inside, NEWLINE, "");
    this.line += newlines;
    this.at = end + 1;
    return inside;
  }

  /** Empty at the end. */
  private character(): string {
    return string.sub(this.text, this.at, this.at);
  }

  private take(character: string): boolean {
    if (character === "" || this.character() !== character) return false;
    this.at += 1;
    if (character === NEWLINE) this.line += 1;
    return true;
  }

  private skip(pattern: string): void {
    const [skipped] = string.match(this.text, pattern, this.at);
    if (skipped !== undefined) this.at += string.len(skipped);
  }
}

/** The file's sections, in order; or what is wrong, with its line. */
export function readUciFile(text: string): Outcome<UciSection[]> {
  const sections: UciSection[] = [];
  const scanner = new Scanner(text);
  for (let statement = scanner.next(); statement !== undefined; statement = scanner.next()) {
    const problem = obey(statement, sections);
    if (problem !== undefined) return fail(`line ${statement.line}: ${problem}`);
  }
  if (scanner.problem !== undefined) return fail(scanner.problem);
  return succeed(sections);
}

/** A keyword may be cut to its first letter, as libuci has it. @returns what is wrong */
function obey({ words }: Statement, sections: UciSection[]): string | undefined {
  const [keyword, first, second] = words;
  if (keyword === "package" || keyword === "p") return undefined;
  if (first === undefined) return `${quote(keyword)} needs a name`;
  if (keyword === "config" || keyword === "c") {
    openSection(sections, first, second);
    return undefined;
  }
  const isList = keyword === "list" || keyword === "l";
  if (!isList && keyword !== "option" && keyword !== "o") return `${quote(keyword)} is none of config, option and list`;
  if (sections.length === 0) return `${keyword} ${clip(first)} stands before the first config`;
  const { options } = sections[sections.length - 1];
  if (isList) addToList(options, first, second ?? "");
  else setOption(options, first, second ?? "");
  return undefined;
}

/** A name that was there before means the same section: what follows is added to it. */
function openSection(sections: UciSection[], type: string, name: string | undefined): void {
  const earlier = name === undefined ? -1 : sections.findIndex((section) => section.name === name);
  if (earlier >= 0) {
    const [section] = sections.splice(earlier, 1);
    sections.push({ ...section, type });
  } else {
    sections.push({ type, name, options: new LuaMap<string, UciValue>() });
  }
}

/** An empty text is as good as no option. */
function setOption(options: LuaMap<string, UciValue>, name: string, value: string): void {
  if (value === "") options.delete(name);
  else options.set(name, value);
}

function addToList(options: LuaMap<string, UciValue>, name: string, value: string): void {
  const before = options.get(name);
  const list = typeof before === "string" ? [before] : (before ?? []);
  options.set(name, [...list, value]);
}
