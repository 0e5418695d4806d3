// SPDX-License-Identifier: GPL-2.0-only
// Snapshots: what was written reads back, what was damaged is refused with a reason, and nothing else is lost.

import type { IkeSession } from "../../../src/masquerade/ike";
import { crc32 } from "../../../src/masquerade/crc32";
import { readSnapshot, type Snapshot, SnapshotWriter } from "../../../src/masquerade/snapshot";
import { unsigned } from "../../../src/wire/word";
import { address } from "../frame";
import { Random } from "../random";

const HEADER = { bootId: "boot-1", monotonicMs: 1000, wallMs: 5_000_000, wanAddress: address("203.0.113.1") };
const HERE = { bootId: "boot-1", nowMs: 10_000, wallMs: 5_009_000, espIdleMs: 60_000, ikeIdleMs: 600_000 };

const ITEM = {
  client: address("192.168.1.10"),
  server: address("198.51.100.1"),
  outSpi: 0x1001,
  inSpi: -2,
  sequence: 77,
  lastMs: 4000,
};

const SESSION = {
  client: address("192.168.1.10"),
  clientPort: 500,
  server: address("198.51.100.1"),
  initiatorHigh: 0x11223344,
  initiatorLow: -1,
  responderHigh: -0x80000000,
  responderLow: 5,
  version: 2,
  createdMs: 1500,
  lastMs: 3000,
  negotiatedMs: 2000,
};

const writer = new SnapshotWriter(HEADER);

function reasons(snapshot: Snapshot): string[] {
  return snapshot.refusals.map(({ reason, lines }) => `${lines} ${reason}`);
}

/** What the checksums of the file's lines start from: the header's own. */
function headerSeed(): number {
  return crc32(string.gsub(writer.header, " %x+\n$", "")[0]);
}

describe("a snapshot", () => {
  it("reads back as it was written", () => {
    const snapshot = readSnapshot(writer.header + writer.esp(ITEM) + writer.ike(SESSION), HERE);
    assert.same([ITEM], snapshot.esp);
    assert.same([SESSION], snapshot.ike);
    assert.same(HEADER, snapshot.header!);
    assert.same([], snapshot.refusals);
  });

  it("keeps the last of several lines about one item", () => {
    const later = { ...ITEM, outSpi: 0x2002, lastMs: 5000 };
    const other = { ...ITEM, inSpi: 0x3003 };
    const snapshot = readSnapshot(writer.header + writer.esp(ITEM) + writer.esp(other) + writer.esp(later), HERE);
    assert.same([later, other], snapshot.esp);
  });

  it("knows an item again whose digits are written in capitals", () => {
    const [line] = string.gsub(writer.esp({ ...ITEM, inSpi: 0xabcdef }), " %x+\n$", "");
    const capitals = string.upper(line).replace("ESP", "esp");
    const checksum = string.format("%08x", unsigned(crc32(capitals, headerSeed())));
    const text = `${writer.header}${writer.esp({ ...ITEM, inSpi: 0xabcdef })}${capitals} ${checksum}\n`;
    assert.equal(1, readSnapshot(text, HERE).esp.length);
    assert.same([], readSnapshot(text, HERE).refusals);
  });

  it("forgets what a later line takes back, and knows it again when it comes back", () => {
    const gone = writer.espGone(ITEM.client, ITEM.server, ITEM.inSpi);
    const ikeGone = writer.ikeGone({ ...SESSION } as unknown as IkeSession);
    const text = writer.header + writer.ike(SESSION) + writer.esp(ITEM) + gone + ikeGone;
    assert.same([], readSnapshot(text, HERE).esp);
    assert.same([], readSnapshot(text, HERE).ike);
    assert.same([ITEM], readSnapshot(text + writer.esp(ITEM), HERE).esp);
  });

  it("refuses a torn last line and keeps the rest", () => {
    const text = writer.header + writer.esp(ITEM) + writer.ike(SESSION);
    const snapshot = readSnapshot(string.sub(text, 1, -2), HERE);
    assert.same([ITEM], snapshot.esp);
    assert.same([], snapshot.ike);
    assert.same(["1 cut off: the last line was not written to its end"], reasons(snapshot));
  });

  it("refuses a damaged line and keeps the others", () => {
    const [damaged] = string.gsub(writer.esp(ITEM), "192", "193");
    const snapshot = readSnapshot(writer.header + damaged + writer.ike(SESSION), HERE);
    assert.same([], snapshot.esp);
    assert.same([SESSION], snapshot.ike);
    assert.same(["1 the checksum is wrong"], reasons(snapshot));
  });

  it("refuses a line of another snapshot", () => {
    const other = new SnapshotWriter({ ...HEADER, wallMs: 1 });
    assert.same(["1 the checksum is wrong"], reasons(readSnapshot(writer.header + other.esp(ITEM), HERE)));
  });

  it("is refused whole when it is empty, foreign, of another version, or has a damaged first line", () => {
    const [otherVersion] = string.gsub(writer.header, "snapshot 1", "snapshot 2");
    const [damaged] = string.gsub(writer.header, "203", "204");
    const cases: [string, string][] = [
      ["", "1 the file is empty"],
      ["\x7fELF\x01\n", "1 not a snapshot of vpnmasq"],
      ["\n", "1 not a snapshot of vpnmasq"],
      [otherVersion, "1 written in version 2 of the format; this is version 1"],
      [damaged, "1 the checksum is wrong"],
      [string.sub(writer.header, 1, -2), "1 cut off: the last line was not written to its end"],
    ];
    for (const [text, reason] of cases) {
      const snapshot = readSnapshot(text + writer.esp(ITEM), { ...HERE });
      if (text !== "") assert.same([reason], reasons(readSnapshot(text, HERE)));
      assert.same([], text === "" ? [] : snapshot.esp);
    }
    assert.same(["1 the file is empty"], reasons(readSnapshot("", HERE)));
  });

  it("loses what was idle for too long, and what is dated after the present", () => {
    const text = writer.header + writer.esp(ITEM) + writer.ike(SESSION);
    const late = readSnapshot(text, { ...HERE, nowMs: 64_001 });
    assert.same([], late.esp);
    assert.same([SESSION], late.ike);
    assert.same(["1 idle for too long"], reasons(late));
    assert.same(["1 dated after the present"], reasons(readSnapshot(text, { ...HERE, nowMs: 3500 })));
  });

  it("has its times moved to the clock of another boot", () => {
    const boot = { ...HERE, bootId: "boot-2", nowMs: 500, wallMs: HEADER.wallMs + 20_000 };
    const snapshot = readSnapshot(writer.header + writer.esp(ITEM) + writer.ike(SESSION), boot);
    // Written at 1000 of its boot, 20 s ago: 1000 there is −19,500 here.
    assert.equal(-16_500, snapshot.esp[0].lastMs);
    assert.equal(-18_500, snapshot.ike[0].negotiatedMs!);
    assert.is_false(snapshot.isClockBehind);
    const again = new SnapshotWriter({ ...HEADER, bootId: "boot-2", monotonicMs: 500 });
    const second = readSnapshot(again.header + again.esp(snapshot.esp[0]) + again.ike(snapshot.ike[0]), {
      ...boot,
      nowMs: 600,
    });
    assert.same(snapshot.esp, second.esp);
    assert.same(snapshot.ike, second.ike);
  });

  it("is taken as fresh where the clock stands before its time", () => {
    const boot = { ...HERE, bootId: "boot-2", nowMs: 500, wallMs: 60_000 };
    const snapshot = readSnapshot(writer.header + writer.esp(ITEM), boot);
    assert.is_true(snapshot.isClockBehind);
    assert.same([{ ...ITEM, lastMs: 500 }], snapshot.esp);
  });

  it("is a value or a refusal whatever single byte is changed", () => {
    const text = writer.header + writer.esp(ITEM) + writer.ike(SESSION);
    for (const at of $range(1, string.len(text))) {
      const byte = string.byte(text, at);
      const changed = string.sub(text, 1, at - 1) + string.char(byte ^ 1) + string.sub(text, at + 1);
      const snapshot = readSnapshot(changed, HERE);
      assert.is_true(snapshot.refusals.length > 0, `byte ${at}`);
    }
  });

  it("is never more than a refusal when the bytes are random, even with right checksums", () => {
    const random = new Random(1948);
    for (const _ of $range(1, 300)) {
      const noise = string.char(...random.octets(random.below(200)));
      assert.same([], readSnapshot(noise, HERE).esp);
      const signed = writer as unknown as { line(text: string): string };
      const [words] = string.gsub(noise, "[%z\n]", " ");
      const kind = random.below(2) === 0 ? "esp " : "ike ";
      const snapshot = readSnapshot(writer.header + signed.line(kind + words), HERE);
      assert.same(["1 not a record of this version"], reasons(snapshot));
    }
  });
});
