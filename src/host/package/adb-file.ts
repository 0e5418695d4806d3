// SPDX-License-Identifier: GPL-2.0-only
// Files of apk 3: one block with the database, its signatures, and one block for each file's content; all compressed.

import zlib from "node:zlib";

export const SCHEMA = { package: "pckg", index: "indx" } as const;
export type Schema = (typeof SCHEMA)[keyof typeof SCHEMA];

const BLOCK = { database: 0, signature: 1, data: 2 } as const;
const BLOCK_TYPE_SHIFT = 0x40000000;
const BLOCK_ALIGNMENT = 8;
const BLOCK_HEADER_BYTES = 4;

/** What a file is called while it is compressed with deflate, and what it is inside. */
const COMPRESSED_MAGIC = "ADBd";
const MAGIC = "ADB.";

/** A file's content, and where its entry stands in the package: both counted from 1. */
export interface DataBlock {
  readonly folder: number;
  readonly file: number;
  readonly content: Buffer;
}

function block(type: number, ...content: readonly Buffer[]): Buffer {
  const lengthBytes = BLOCK_HEADER_BYTES + content.reduce((sum, { length }) => sum + length, 0);
  const header = Buffer.alloc(BLOCK_HEADER_BYTES);
  header.writeUInt32LE(type * BLOCK_TYPE_SHIFT + lengthBytes);
  const padding = Buffer.alloc((BLOCK_ALIGNMENT - (lengthBytes % BLOCK_ALIGNMENT)) % BLOCK_ALIGNMENT);
  return Buffer.concat([header, ...content, padding]);
}

function dataBlock({ folder, file, content }: DataBlock): Buffer {
  const place = Buffer.alloc(8);
  place.writeUInt32LE(folder, 0);
  place.writeUInt32LE(file, 4);
  return block(BLOCK.data, place, content);
}

/**
 * The file to write.
 *
 * @param signature of the database, see signature.ts; undefined: nobody vouches for it.
 */
export function adbFile(
  schema: Schema,
  database: Buffer,
  signature: Buffer | undefined,
  data: readonly DataBlock[] = [],
): Buffer {
  const plain = Buffer.concat([
    Buffer.from(MAGIC + schema),
    block(BLOCK.database, database),
    ...(signature === undefined ? [] : [block(BLOCK.signature, signature)]),
    ...data.map((one) => dataBlock(one)),
  ]);
  return Buffer.concat([Buffer.from(COMPRESSED_MAGIC), zlib.deflateRawSync(plain, { level: 9, memLevel: 9 })]);
}
