// SPDX-License-Identifier: GPL-2.0-only
// An image file: what it is, by what it begins with, what it carries at its end, and its checksums.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { crc32, gunzipSync } from "node:zlib";
import type { ImageFormat } from "../board/board.js";
import { Refusal } from "../refusal.js";
import { type FirmwareMetadata, readMetadata } from "./firmware-metadata.js";

export interface Image {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** As boot loaders print it: 8 hexadecimal digits. */
  readonly crc32: string;
  readonly format: ImageFormat | "unknown";
  readonly metadata: FirmwareMetadata | undefined;
  /** Of a packed disk: its size once unpacked. */
  readonly unpackedBytes: number | undefined;
}

/** Larger than any image that OpenWrt builds; a file like that is something else, and is not read to memory. */
const FILE_BYTES_MAX = 1024 ** 3;

/** What a file of a format holds where: U-Boot's image.h, devicetree specification, POSIX ustar, RFC 1952, ELF. */
const MAGICS: readonly { readonly format: ImageFormat; readonly offset: number; readonly bytes: string }[] = [
  { format: "uimage", offset: 0, bytes: "27051956" },
  { format: "fit", offset: 0, bytes: "d00dfeed" },
  { format: "tar", offset: 257, bytes: Buffer.from("ustar").toString("hex") },
  { format: "gzip-disk", offset: 0, bytes: "1f8b08" },
  { format: "elf", offset: 0, bytes: "7f454c46" },
];

function formatOf(content: Buffer): Image["format"] {
  const found = MAGICS.find(
    ({ offset, bytes }) => content.subarray(offset, offset + bytes.length / 2).toString("hex") === bytes,
  );
  return found?.format ?? "unknown";
}

function readFile(file: string): Buffer {
  const status = fs.statSync(file, { throwIfNoEntry: false });
  if (status === undefined) {
    throw new Refusal(`There is no file ${file}. An image is to be given: --image FILE. Nothing was done.`);
  }
  if (!status.isFile()) {
    const what = status.isDirectory() ? "a folder" : "no plain file";
    const inside = status.isDirectory() ? imagesIn(file) : "";
    throw new Refusal(`${file} is ${what}; an image is a file.${inside}\nNothing was done.`);
  }
  if (status.size === 0) throw new Refusal(`${file} is empty: nothing was downloaded or built. Nothing was done.`);
  if (status.size > FILE_BYTES_MAX) throw new Refusal(`${file} is larger than any image. Nothing was done.`);
  try {
    return fs.readFileSync(file);
  } catch (problem) {
    throw new Refusal(`${file} cannot be read: ${(problem as Error).message}. Nothing was done.`);
  }
}

/** Images in a folder that was given instead of one of them. */
function imagesIn(folder: string): string {
  const names = fs.readdirSync(folder).filter((name) => /\.(bin|img|itb|gz|ubi|elf)$/.test(name));
  return names.length === 0 ? "" : ` In it are:\n${names.map((name) => `  ${path.join(folder, name)}`).join("\n")}`;
}

function unpackedSize(file: string, content: Buffer): number {
  try {
    return gunzipSync(content).length;
  } catch (problem) {
    throw new Refusal(`${file} cannot be unpacked: ${(problem as Error).message}. Nothing was done.`);
  }
}

/**
 * Reads an image.
 *
 * @throws Refusal when there is none, or it is damaged
 */
export function readImage(file: string): Image {
  const content = readFile(file);
  const finding = readMetadata(content);
  if (finding.kind === "broken") throw new Refusal(`${file} is no whole image: ${finding.why}. Nothing was done.`);
  const format = formatOf(content);
  return {
    path: file,
    bytes: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
    crc32: crc32(content).toString(16).padStart(8, "0"),
    format,
    metadata: finding.kind === "found" ? finding.metadata : undefined,
    unpackedBytes: format === "gzip-disk" ? unpackedSize(file, content) : undefined,
  };
}
