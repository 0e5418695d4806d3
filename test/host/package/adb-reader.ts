// SPDX-License-Identifier: GPL-2.0-only
// Reads files of apk 3 as apk-v3(5) describes them, without anything of the writer: for its tests.

import assert from "node:assert/strict";
import zlib from "node:zlib";

export type AdbTree = number | Buffer | AdbTree[] | undefined;

export interface AdbBlock {
  readonly type: number;
  readonly content: Buffer;
}

export interface AdbContainer {
  readonly schema: string;
  readonly blocks: readonly AdbBlock[];
}

/** The blocks of a file, their order and padding checked. */
export function readContainer(file: Buffer): AdbContainer {
  assert.equal(file.toString("latin1", 0, 4), "ADBd", "the file is compressed with deflate");
  const plain = zlib.inflateRawSync(file.subarray(4));
  assert.equal(plain.toString("latin1", 0, 4), "ADB.");
  const blocks: AdbBlock[] = [];
  let at = 8;
  while (at < plain.length) {
    const word = plain.readUInt32LE(at);
    const sizeBytes = word & 0x3fffffff;
    const end = at + Math.ceil(sizeBytes / 8) * 8;
    assert.ok(end <= plain.length, "a block ends within the file");
    assert.ok(
      plain.subarray(at + sizeBytes, end).every((byte) => byte === 0),
      "padding is zeros",
    );
    blocks.push({ type: word >>> 30, content: plain.subarray(at + 4, at + sizeBytes) });
    at = end;
  }
  return { schema: plain.toString("latin1", 4, 8), blocks };
}

const BLOB_LENGTH_BYTES: Readonly<Record<number, number>> = { 0x8: 1, 0x9: 2, 0xa: 4 };

/** A value and all below it; slots become a list whose place 0 is unused, as apk counts fields from 1. */
function readValue(database: Buffer, word: number): AdbTree {
  const type = word >>> 28;
  const value = word & 0x0fffffff;
  if (type === 0) return undefined;
  if (type === 1) return value;
  if (type === 2) return database.readUInt32LE(value);
  const lengthBytes = BLOB_LENGTH_BYTES[type];
  if (lengthBytes !== undefined) {
    assert.equal(value % lengthBytes, 0, "a blob's length is aligned");
    const length = database.readUIntLE(value, lengthBytes);
    return database.subarray(value + lengthBytes, value + lengthBytes + length);
  }
  assert.ok(type === 0xd || type === 0xe, `type ${String(type)} of a value`);
  assert.equal(value % 4, 0, "slots are aligned");
  const count = database.readUInt32LE(value);
  const slots: AdbTree[] = [undefined];
  for (let index = 1; index < count; index += 1)
    slots.push(readValue(database, database.readUInt32LE(value + 4 * index)));
  return slots;
}

export function readDatabase(database: Buffer): AdbTree[] {
  assert.equal(database.readUInt32LE(0), 0, "versions 0");
  return list(readValue(database, database.readUInt32LE(4)));
}

// What a field is, or the test fails

export function list(tree: AdbTree): AdbTree[] {
  if (tree === undefined) return [];
  assert.ok(Array.isArray(tree));
  return tree;
}

/** The entries of a list, without the unused place 0. */
export function entries(tree: AdbTree): AdbTree[] {
  return list(tree).slice(1);
}

export function bytes(tree: AdbTree): Buffer {
  assert.ok(Buffer.isBuffer(tree));
  return tree;
}

export function text(tree: AdbTree): string {
  return tree === undefined ? "" : bytes(tree).toString();
}
