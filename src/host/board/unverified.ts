// SPDX-License-Identifier: GPL-2.0-only
// What a board's document says without having read it in a source: shown before the board is flashed, and in
// docs/boards.md.

import type { Board, Unverified, Way } from "./board.js";

/** What the steps of a way rest on, beside the way's own part. */
const ALSO: Readonly<Record<Exclude<Way["way"], "emulated">, readonly Unverified["of"][]>> = {
  sysupgrade: ["flash", "images"],
  "u-boot": ["flash", "images", "console"],
  disk: ["images"],
  "by-hand": ["flash", "images"],
};

/** Sentences that matter to somebody who goes this way. */
export function unverifiedOf({ unverified = [] }: Board, way: Exclude<Way["way"], "emulated">): string[] {
  return unverified.filter(({ of }) => of === way || ALSO[way].includes(of)).map(({ what }) => what);
}

/** All boards' sentences, as a list in Markdown. */
export function unverifiedList(boards: readonly Board[]): string {
  const lines = boards.flatMap(({ name, unverified = [] }) =>
    unverified.map(({ of, what }) => `- \`${name}\`, ${of}: ${what}`),
  );
  return lines.join("\n");
}
