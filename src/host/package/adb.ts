// SPDX-License-Identifier: GPL-2.0-only
// The database format in which apk 3 writes packages and indexes ("ADB", apk-v3(5)).
//
// A value is a word: four bits of type, and either the value itself or the offset of where it stands in the buffer.
// Objects and lists are slots of such words behind their count. Equal values are written once, as apk itself does it, so
// that the same content is the same bytes, whoever wrote it.

const TYPE = {
  integer: 0x1,
  integer32: 0x2,
  blob8: 0x8,
  blob16: 0x9,
  blob32: 0xa,
  object: 0xe,
} as const;

/** A word with type and value. */
export type AdbValue = number;
/** Nothing: an absent field. */
export const ADB_NULL: AdbValue = 0;

const TYPE_SHIFT = 0x10000000;
/** Integers below stand in the word itself. */
const DIRECT_INTEGERS = 0x10000000;
const WORD_BYTES = 4;

/** The buffer begins with version bytes and the word of the root value. */
const HEADER_BYTES = 8;
const ROOT_OFFSET = 4;

function tagged(type: number, value: number): AdbValue {
  return type * TYPE_SHIFT + value;
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(WORD_BYTES);
  bytes.writeUInt32LE(value);
  return bytes;
}

export class AdbWriter {
  private readonly parts: Buffer[] = [Buffer.alloc(HEADER_BYTES)];
  private length = HEADER_BYTES;
  /** Offsets of what was written, by its bytes. */
  private readonly written = new Map<string, number>();

  integer(value: number): AdbValue {
    if (value < DIRECT_INTEGERS) return tagged(TYPE.integer, value);
    return tagged(TYPE.integer32, this.place(word(value), WORD_BYTES));
  }

  /** Text or bytes; nothing when empty. */
  blob(content: string | Buffer): AdbValue {
    return this.blobWith(content, (bytes, alignment) => this.place(bytes, alignment));
  }

  /** Bytes that are filled in later, and so must be nobody else's. @returns the value, and where its bytes begin */
  reserve(lengthBytes: number): { readonly value: AdbValue; readonly offset: number } {
    let start = 0;
    const value = this.blobWith(Buffer.alloc(lengthBytes), (bytes, alignment) => {
      start = this.append(bytes, alignment);
      return start;
    });
    return { value, offset: start + 1 };
  }

  /** Fields by their numbers, from 1 on. */
  object(fields: Readonly<Record<number, AdbValue>>): AdbValue {
    const last = Math.max(
      0,
      ...Object.entries(fields).map(([index, value]) => (value === ADB_NULL ? 0 : Number(index))),
    );
    const slots = Array.from({ length: last }, (_, index) => fields[index + 1] ?? ADB_NULL);
    return this.slots(slots);
  }

  /** The format has a type of its own for lists, yet apk writes them as objects; every reader takes both. */
  list(values: readonly AdbValue[]): AdbValue {
    return this.slots(values);
  }

  /** All that was written, with the root value in its header. */
  finish(root: AdbValue): Buffer {
    const bytes = Buffer.concat(this.parts);
    bytes.writeUInt32LE(root, ROOT_OFFSET);
    return bytes;
  }

  private blobWith(content: string | Buffer, place: (bytes: Buffer, alignment: number) => number): AdbValue {
    const bytes = Buffer.from(content);
    if (bytes.length === 0) return ADB_NULL;
    const [type, lengthBytes] =
      bytes.length > 0xffff ? [TYPE.blob32, 4] : bytes.length > 0xff ? [TYPE.blob16, 2] : [TYPE.blob8, 1];
    const prefix = word(bytes.length).subarray(0, lengthBytes);
    return tagged(type, place(Buffer.concat([prefix, bytes]), lengthBytes));
  }

  private slots(values: readonly AdbValue[]): AdbValue {
    if (values.length === 0) return ADB_NULL;
    return tagged(
      TYPE.object,
      this.place(Buffer.concat([values.length + 1, ...values].map((value) => word(value))), WORD_BYTES),
    );
  }

  private place(bytes: Buffer, alignment: number): number {
    const key = bytes.toString("latin1");
    const earlier = this.written.get(key);
    if (earlier !== undefined && earlier % alignment === 0) return earlier;
    const offset = this.append(bytes, alignment);
    this.written.set(key, offset);
    return offset;
  }

  private append(bytes: Buffer, alignment: number): number {
    const padding = Buffer.alloc((alignment - (this.length % alignment)) % alignment);
    const offset = this.length + padding.length;
    this.parts.push(padding, bytes);
    this.length = offset + bytes.length;
    return offset;
  }
}
