// SPDX-License-Identifier: GPL-2.0-only
// Whether an image is for a board: its metadata, its format, its name and its size against the board's document.

import path from "node:path";
import type { Board, ImageFormat } from "../board/board.js";
import type { Image } from "./image.js";

const FORMAT_NAMES: Readonly<Record<ImageFormat | "unknown", string>> = {
  uimage: "a kernel with a uImage header",
  tar: "a tar archive",
  fit: "a flattened image tree",
  "gzip-disk": "a packed disk",
  elf: "an ELF program",
  unknown: "nothing that is known",
};

/** The image's name must not say another profile where nothing within it says the board. */
function nameProblem(image: Image, board: Board, fileNameEnd: string): string | undefined {
  const name = path.basename(image.path);
  if (name.includes(`${board.openwrt.profile}${fileNameEnd}`)) return undefined;
  return (
    `It does not say for which board it is, and its name does not end in "${board.openwrt.profile}${fileNameEnd}" ` +
    `as OpenWrt's build names it. If you know that it is right: --unchecked-image`
  );
}

/**
 * Why the image must not be put on the board.
 *
 * @param kind of `board.images`
 * @param isUnchecked whether the person vouches for an image that does not say its board
 * @returns undefined when it may
 */
export function imageProblem(image: Image, board: Board, kind: string, isUnchecked: boolean): string | undefined {
  const expected = board.images[kind];
  if (expected === undefined) return `${board.title} has no image "${kind}".`;
  const { metadata } = image;
  if (metadata !== undefined && !metadata.devices.some((name) => board.openwrt.supportedDevices.includes(name))) {
    const wanted = board.openwrt.supportedDevices.join(" or ");
    return `It is for ${metadata.devices.join(", ")}. ${board.title} takes images for ${wanted}.`;
  }
  if (image.format !== expected.format) {
    return (
      `It is ${FORMAT_NAMES[image.format]}. This way takes ${FORMAT_NAMES[expected.format]}, ` +
      `OpenWrt's file *${board.openwrt.profile}${expected.fileNameEnd}.`
    );
  }
  const { largestBytes = Infinity, largestBecause = "" } = expected;
  if (image.bytes > largestBytes) {
    return `It has ${String(image.bytes)} bytes; at most ${String(largestBytes)} fit: ${largestBecause}.`;
  }
  if (metadata !== undefined || isUnchecked) return undefined;
  if (expected.isSysupgrade) {
    return (
      "It has no metadata of OpenWrt at its end, so it does not say for which board it is. " +
      "If you know that it is right: --unchecked-image"
    );
  }
  return nameProblem(image, board, expected.fileNameEnd);
}
