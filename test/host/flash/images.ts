// SPDX-License-Identifier: GPL-2.0-only
// Images for tests: the format's magic, noise, and the metadata that OpenWrt's build appends.

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { gzipSync } from "node:zlib";
import { withMetadata } from "../../../src/host/flash/firmware-metadata.js";

export const REVISION = "r28427-6df0e3d02a";

/** What OpenWrt says of an image for these devices. */
export function metadataFor(...devices: string[]): unknown {
  return {
    metadata_version: "1.1",
    compat_version: "1.0",
    supported_devices: devices,
    version: { dist: "OpenWrt", version: "24.10.0", revision: REVISION, target: "ramips/mt76x8" },
  };
}

/** Noise that begins with what is given. */
export function noise(bytes: number, begin: Buffer): Buffer {
  return Buffer.concat([begin, randomBytes(bytes - begin.length)]);
}

export const UIMAGE_MAGIC = Buffer.from("27051956", "hex");
export const FIT_MAGIC = Buffer.from("d00dfeed", "hex");

/** An image as sysupgrade takes it. */
export function writeSysupgrade(file: string, bytes: number, ...devices: string[]): string {
  fs.writeFileSync(file, withMetadata(noise(bytes, UIMAGE_MAGIC), metadataFor(...devices)));
  return file;
}

/** A packed disk. @returns the disk's content */
export function writeDisk(file: string, bytes: number, ...devices: string[]): Buffer {
  const disk = noise(bytes, Buffer.alloc(512));
  fs.writeFileSync(file, withMetadata(gzipSync(disk), metadataFor(...devices)));
  return disk;
}
