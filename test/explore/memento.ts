// SPDX-License-Identifier: GPL-2.0-only
// What an object and all that it reaches was like, to make it so again: the way back from a step.
//
// The trackers know no way back and need none for any other purpose. One that knew their fields would go wrong with the
// next field; this one knows only what Lua objects are made of: tables and flat memory. Objects stay who they are, so
// whoever refers to one goes on doing so; what was made since is left to the garbage collector.

import type { Words } from "../../src/masquerade/memory";
import { byteArray, type BytePtr, copyBytes, create, sizeOf } from "../../src/system/ffi";

type Table = LuaTable<AnyNotNil, unknown>;

/** Empties a table and leaves it its memory, which is filled again at once. */
const clear = require("table.clear") as (this: void, table: Table) => void;
/** Lua's own word for what a value is; flat memory is "cdata". */
const kindOf = type as (this: void, value: unknown) => string;

export class Memento {
  /** In the order found: tables, and how many of the fields below are theirs. */
  private readonly tables = new LuaTable<number, Table>();
  private readonly fieldCounts = new LuaTable<number, number>();
  private tableCount = 0;
  private readonly keys = new LuaTable<number, AnyNotNil>();
  private readonly values = new LuaTable<number, unknown>();
  private fieldCount = 0;
  private readonly memories = new LuaTable<number, Words>();
  /** Kept from one use to the next: memories in one place are of one size as a rule. */
  private readonly contents = new LuaTable<number, BytePtr>();
  private memoryCount = 0;
  private readonly known = new LuaTable<AnyNotNil, boolean>();

  /** @param unchanging objects that need no way back: they never change, or are empty between steps, or nobody asks them */
  save(root: object, unchanging: readonly object[]): void {
    this.tableCount = 0;
    this.fieldCount = 0;
    this.memoryCount = 0;
    clear(this.known as Table);
    for (const object of unchanging) this.known.set(object, true);
    this.note(root);
    // A table's fields may name tables that are noted, and so looked at, after it.
    let at = 1;
    while (at <= this.tableCount) {
      this.saveFields(at);
      at += 1;
    }
  }

  restore(): void {
    let field = 0;
    for (const at of $range(1, this.tableCount)) {
      const table = this.tables.get(at);
      clear(table);
      const last = field + this.fieldCounts.get(at);
      while (field < last) {
        field += 1;
        table.set(this.keys.get(field), this.values.get(field));
      }
    }
    for (const at of $range(1, this.memoryCount)) {
      const memory = this.memories.get(at);
      copyBytes(memory, this.contents.get(at), sizeOf(memory));
    }
  }

  private note(value: unknown): void {
    const kind = kindOf(value);
    if ((kind !== "table" && kind !== "cdata") || this.known.has(value as AnyNotNil)) return;
    this.known.set(value as AnyNotNil, true);
    if (kind === "cdata") {
      this.saveMemory(value as Words);
      return;
    }
    this.tableCount += 1;
    this.tables.set(this.tableCount, value as Table);
  }

  private saveFields(at: number): void {
    const before = this.fieldCount;
    for (const [key, value] of pairs(this.tables.get(at))) {
      this.fieldCount += 1;
      this.keys.set(this.fieldCount, key);
      this.values.set(this.fieldCount, value);
      this.note(key);
      this.note(value);
    }
    this.fieldCounts.set(at, this.fieldCount - before);
  }

  private saveMemory(memory: Words): void {
    this.memoryCount += 1;
    const lengthBytes = sizeOf(memory);
    if (!this.contents.has(this.memoryCount) || sizeOf(this.contents.get(this.memoryCount)) !== lengthBytes) {
      this.contents.set(this.memoryCount, create(byteArray, lengthBytes));
    }
    this.memories.set(this.memoryCount, memory);
    copyBytes(this.contents.get(this.memoryCount), memory, lengthBytes);
  }
}
