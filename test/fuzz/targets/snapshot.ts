// SPDX-License-Identifier: GPL-2.0-only
// Snapshots: whatever a file holds, what is taken from it is within its bounds, the trackers stay sound with it, and
// written again it reads the same.

import { EspTracker } from "../../../src/masquerade/esp";
import { crc32 } from "../../../src/masquerade/crc32";
import { IkeTracker } from "../../../src/masquerade/ike";
import { restoreItems } from "../../../src/masquerade/journal-lines";
import { DEFAULT_LIMITS, type Limits } from "../../../src/masquerade/limits";
import { Releases } from "../../../src/masquerade/releases";
import { type Present, readSnapshot, type Snapshot, SnapshotWriter } from "../../../src/masquerade/snapshot";
import { unsigned } from "../../../src/wire/word";
import { auditEsp } from "../../spec/masquerade/esp-audit";
import { auditIke } from "../ike-audit";
import { textOf } from "../input";
import { demand, type Target } from "../target";

/** Small tables, so that a few lines pass their limits. */
const LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  espItemsMax: 12,
  espItemsPerClientMax: 5,
  ikeItemsMax: 8,
  ikeItemsPerClientMax: 3,
};
const NOW_MS = 5_000_000;
const HEADER = { bootId: "boot", monotonicMs: 4_000_000, wallMs: 1_700_000_000_000, wanAddress: 0x0a000001 };
const PRESENT: Present = {
  bootId: "boot",
  nowMs: NOW_MS,
  wallMs: 1_700_000_100_000,
  espIdleMs: LIMITS.espIdleMs,
  ikeIdleMs: LIMITS.ikeIdleMs,
};
const [CLIENT, SERVER] = [0xc0a80102 - 2 ** 32, 0xc6336401 - 2 ** 32];

function sample(bootId: string): string {
  const writer = new SnapshotWriter({ ...HEADER, bootId });
  const item = { client: CLIENT, server: SERVER, outSpi: 0x1001, inSpi: 0x2001, sequence: 7, lastMs: 4_900_000 };
  const session = {
    client: CLIENT,
    clientPort: 500,
    server: SERVER,
    initiatorHigh: 1,
    initiatorLow: 2,
    responderHigh: 3,
    responderLow: -4,
    version: 2,
    createdMs: 4_000_000,
    lastMs: 4_800_000,
    negotiatedMs: 4_500_000,
  };
  const other = { ...item, client: CLIENT + 1, outSpi: 0 };
  const gone = writer.espGone(CLIENT + 1, SERVER, 0x2001);
  return writer.header + writer.esp(item) + writer.ike(session) + writer.esp(other) + gone + writer.esp(other);
}

/** Every line with a checksum that is right, the header's first. */
function sealed(text: string): string {
  let seed = 0;
  let isFirst = true;
  return string.gsub(text, "([^\n]*)(\n)", (line: string, end: string) => {
    const [content] = string.gsub(line, " %x+$", "");
    const checksum = crc32(content, seed);
    if (isFirst) seed = checksum;
    isFirst = false;
    return `${content} ${string.format("%08x", unsigned(checksum))}${end}`;
  })[0];
}

function restored(snapshot: Snapshot): void {
  const releases = new Releases();
  const ike = new IkeTracker(LIMITS, releases);
  const esp = new EspTracker(LIMITS, ike, releases, 3);
  restoreItems(snapshot, esp, ike, NOW_MS);
  auditEsp(esp, LIMITS);
  auditIke(ike, LIMITS);
}

/** Items and sessions as text. */
function listed({ esp, ike }: Snapshot): string {
  const writer = new SnapshotWriter({ ...HEADER, monotonicMs: NOW_MS });
  const lines = [...esp.map((item) => writer.esp(item)), ...ike.map((session) => writer.ike(session))];
  return writer.header + lines.join("");
}

export const snapshot: Target = {
  name: "snapshot",
  explanation: "Snapshot files, torn, altered and resealed: taken within bounds, restored, and read back the same.",
  seeds: () => [sample("boot"), sample("other"), sample("")],
  tokens: ["\nesp ", "\nike ", "\nesp-gone ", "\nike-gone ", " - ", "00000000", "ffffffff", "192.168.1.2", "-1", "\0"],
  repair: (mutation) => {
    mutation.loadAt(0, sealed(mutation.text()));
  },
  execute: (input, reached) => {
    const read = readSnapshot(textOf(input), PRESENT);
    for (const { reason } of read.refusals) reached.note(string.gsub(reason, "%d+", "#")[0]);
    for (const { inSpi, lastMs } of read.esp) {
      demand(inSpi !== 0 && lastMs <= NOW_MS, "an ESP item out of bounds");
    }
    for (const { clientPort, lastMs, createdMs, negotiatedMs } of read.ike) {
      demand(
        clientPort > 0 && clientPort <= 0xffff && lastMs <= NOW_MS && createdMs <= NOW_MS,
        "a session out of bounds",
      );
      demand((negotiatedMs ?? 0) <= NOW_MS, "negotiated in the future");
    }
    restored(read);
    const again = listed(read);
    const second = readSnapshot(again, PRESENT);
    demand(second.refusals.length === 0, `refused when read again: ${second.refusals[0]?.reason ?? ""}`);
    demand(listed(second) === again, "other items when read again");
    reached.note(`${read.esp.length} items, ${read.ike.length} sessions`);
  },
};
