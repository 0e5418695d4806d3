// SPDX-License-Identifier: GPL-2.0-only
// Reads the messages that `swanctl --raw` prints: strongSwan's vici protocol as text (vici's vici_message.c, dump).
//
// `name {key=value key=[item item] section {…}}`, one message a line. Values are not quoted and may hold spaces: a value
// ends where the next key or section, or the end of its own section, begins.

export interface Section {
  readonly values: LuaTable<string, string>;
  readonly sections: readonly NamedSection[];
}

export interface NamedSection {
  readonly name: string;
  readonly section: Section;
}

/** Deeper than any of vici's messages. */
const DEPTH_MAX = 16;

const LIST_VALUE = "^%s*([^%s=%[%]{}]+)=%[([^%]]*)%]()";
const KEY = "^%s*([^%s=%[%]{}]+)=()";
const SECTION = "^%s*([^%s=%[%]{}]+) {()";
const CLOSE = "^%s*}()";

/** The content of every message of that name: `list-sa event {…}` has the name "list-sa event". */
export function readMessages(text: string, name: string): Section[] {
  const messages: Section[] = [];
  for (const [line] of string.gmatch(text, "[^\n]+")) {
    if (string.sub(line, 1, string.len(name) + 2) === `${name} {`) {
      messages.push(new Reader(line, string.len(name) + 3).section(0));
    }
  }
  return messages;
}

class Reader {
  constructor(
    private readonly text: string,
    private at: number,
  ) {}

  /** What follows an opening brace, up to its closing one or the end of the text. */
  section(depth: number): Section {
    const values = new LuaTable<string, string>();
    const sections: NamedSection[] = [];
    while (!this.isClosed() && this.readItem(values, sections, depth));
    return { values, sections };
  }

  private isClosed(): boolean {
    const [after] = string.match(this.text, CLOSE, this.at);
    if (after === undefined) return this.at > string.len(this.text);
    this.at = tonumber(after)!;
    return true;
  }

  /** False when nothing here can be read: the rest of the message is passed over. */
  private readItem(values: LuaTable<string, string>, sections: NamedSection[], depth: number): boolean {
    const [list, items, afterList] = string.match(this.text, LIST_VALUE, this.at);
    if (afterList !== undefined) return this.take(values, list, items, tonumber(afterList)!);
    const [key, start] = string.match(this.text, KEY, this.at);
    if (start !== undefined) {
      const end = this.endOfValue(tonumber(start)!);
      return this.take(values, key, string.sub(this.text, tonumber(start)!, end - 1), end);
    }
    const [name, inside] = string.match(this.text, SECTION, this.at);
    if (inside === undefined || depth >= DEPTH_MAX) return false;
    this.at = tonumber(inside)!;
    sections.push({ name, section: this.section(depth + 1) });
    return true;
  }

  private take(values: LuaTable<string, string>, key: string, value: string, after: number): boolean {
    values.set(key, value);
    this.at = after;
    return true;
  }

  /** Just behind a value that starts there. */
  private endOfValue(start: number): number {
    let at = start;
    while (at <= string.len(this.text) && !this.isEndOfValue(at)) at += 1;
    return at;
  }

  private isEndOfValue(at: number): boolean {
    const character = string.sub(this.text, at, at);
    if (character === "}") return true;
    if (character !== " ") return false;
    return string.match(this.text, KEY, at)[0] !== undefined || string.match(this.text, SECTION, at)[0] !== undefined;
  }
}
