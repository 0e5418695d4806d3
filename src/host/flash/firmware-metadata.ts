// SPDX-License-Identifier: GPL-2.0-only
// What OpenWrt's build appends to an image: for which boards it is, and which version (fwtool, fwimage.h).
//
// At the end of the file lie sections, the last one outermost: data, then a trailer of 16 bytes, big-endian: magic
// "FWx0", CRC-32 of all that comes before the trailer, type, three bytes of nothing, length of data and trailer.

import { crc32 } from "node:zlib";

const MAGIC = 0x46577830;
const TRAILER_BYTES = 16;
/** Before the metadata, within its section: version and flags, both 0. */
const HEADER_BYTES = 8;
/** Types of fwimage.h. A signature lies behind the metadata. */
const TYPE_SIGNATURE = 0;
const TYPE_METADATA = 1;
/** fwtool takes no larger one. */
const SECTION_BYTES_MAX = 31 * 1024;
/** A signature and the metadata; there are no others. */
const SECTIONS_MAX = 4;

export interface FirmwareMetadata {
  /** Names as in a board's `supportedDevices`. */
  readonly devices: readonly string[];
  /** "24.10.0", and "r28427-6df0e3d02a" as the running system has it in DISTRIB_REVISION; empty when not told. */
  readonly version: string;
  readonly revision: string;
  /** "mediatek/filogic"; empty when not told. */
  readonly target: string;
}

/** What is at the end of an image: metadata, nothing, or something broken, in words. */
export type MetadataFinding =
  | { readonly kind: "found"; readonly metadata: FirmwareMetadata }
  | { readonly kind: "none" }
  | { readonly kind: "broken"; readonly why: string };

/** The CRC as fwtool keeps it: without the inversion at the end. */
function fwtoolCrc(image: Buffer): number {
  return (crc32(image) ^ 0xffffffff) >>> 0;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function metadataOf(text: string): MetadataFinding {
  try {
    const document = JSON.parse(text) as Record<string, unknown>;
    // Images that older systems must not take carry a warning in the old list, and the names in the new one.
    const devices = document.new_supported_devices ?? document.supported_devices;
    if (!Array.isArray(devices)) return { kind: "broken", why: "its metadata names no supported devices" };
    const version = (document.version ?? {}) as Record<string, unknown>;
    const metadata = {
      devices: devices.map(textOf),
      version: textOf(version.version),
      revision: textOf(version.revision),
      target: textOf(version.target),
    };
    return { kind: "found", metadata };
  } catch {
    return { kind: "broken", why: "its metadata is no JSON" };
  }
}

/** Reads the metadata at the end of an image. */
export function readMetadata(image: Buffer): MetadataFinding {
  let end = image.length;
  for (let section = 0; section < SECTIONS_MAX; section += 1) {
    const begin = end - TRAILER_BYTES;
    if (begin < 0 || image.readUInt32BE(begin) !== MAGIC) return { kind: "none" };
    const sectionBytes = image.readUInt32BE(begin + 12);
    if (sectionBytes < TRAILER_BYTES || sectionBytes > Math.min(end, SECTION_BYTES_MAX)) {
      return { kind: "broken", why: "its metadata has an impossible length" };
    }
    if (image.readUInt32BE(begin + 4) !== fwtoolCrc(image.subarray(0, begin))) {
      return { kind: "broken", why: "its checksum is wrong: it was damaged, or downloaded in part" };
    }
    const type = image[begin + 8];
    const data = image.subarray(end - sectionBytes, begin);
    if (type === TYPE_METADATA) return metadataOf(data.subarray(HEADER_BYTES).toString("utf8"));
    if (type !== TYPE_SIGNATURE) return { kind: "broken", why: `its metadata has the unknown type ${String(type)}` };
    end -= sectionBytes;
  }
  return { kind: "none" };
}

/** An image with metadata appended, as the build makes it. */
export function withMetadata(image: Buffer, document: unknown): Buffer {
  const data = Buffer.concat([image, Buffer.alloc(HEADER_BYTES), Buffer.from(JSON.stringify(document))]);
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32BE(MAGIC, 0);
  trailer.writeUInt32BE(fwtoolCrc(data), 4);
  trailer.writeUInt8(TYPE_METADATA, 8);
  trailer.writeUInt32BE(data.length - image.length + TRAILER_BYTES, 12);
  return Buffer.concat([data, trailer]);
}
