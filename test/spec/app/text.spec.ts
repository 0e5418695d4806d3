// SPDX-License-Identifier: GPL-2.0-only
// Times, amounts and columns exactly as a person sees them.

import { formatDuration } from "../../../src/app/text/duration";
import { displayWidth, hang, layoutRows, wrapText } from "../../../src/app/text/layout";
import { formatBytes, formatCount, formatRate } from "../../../src/app/text/quantity";

describe("a duration", () => {
  it("has at most two units", () => {
    const cases: [number, string][] = [
      [0, "0.0 s"],
      [-5, "0.0 s"],
      [449, "0.4 s"],
      [9949, "9.9 s"],
      [9950, "9 s"],
      [59_999, "59 s"],
      [60_000, "1 m"],
      [125_000, "2 m 5 s"],
      [3_600_000, "1 h"],
      [11_099_000, "3 h 4 m"],
      [183_600_000, "2 d 3 h"],
    ];
    for (const [durationMs, text] of cases) assert.equal(text, formatDuration(durationMs));
  });
});

describe("an amount", () => {
  it("is in powers of 1024", () => {
    const cases: [number, string][] = [
      [0, "0 B"],
      [1023, "1023 B"],
      [1024, "1.0 KiB"],
      [1024 * 1024 - 1, "1.0 MiB"],
      [123_456_789, "117.7 MiB"],
      [5 * 1024 ** 5, "5.0 PiB"],
      [5000 * 1024 ** 5, "5000.0 PiB"],
    ];
    for (const [bytes, text] of cases) assert.equal(text, formatBytes(bytes));
  });

  it("of nothing a second is a dash", () => {
    assert.equal("-", formatRate(undefined));
    assert.equal("-", formatRate(0));
    assert.equal("12.0 KiB/s", formatRate(12288));
  });

  it("is one, or many", () => {
    assert.equal("1 packet", formatCount(1, "packet"));
    assert.equal("0 packets", formatCount(0, "packet"));
  });
});

describe("a text", () => {
  it("counts characters, not bytes", () => {
    assert.equal(6, displayWidth("RFC §2"));
  });

  it("breaks between words, and never between a number and its unit", () => {
    assert.same(["one two", "three"], wrapText("one two three", 8));
    assert.same(["forgotten in", "59 m 58 s"], wrapText("forgotten in 59 m 58 s", 14));
    assert.same(["unbreakable"], wrapText("unbreakable", 3));
    assert.same([""], wrapText("", 3));
  });

  it("hangs under its beginning and stays within 80 columns", () => {
    const lines = hang("- ", string.rep("word ", 30), 2);
    assert.equal(`- ${string.rep("word ", 14)}word`, lines[0]);
    for (const line of lines) assert.is_true(displayWidth(line) <= 80);
    assert.equal("  word", string.sub(lines[1], 1, 6));
  });
});

describe("rows", () => {
  it("line up, and the last column breaks", () => {
    const rows = [
      ["7", "a", "short"],
      ["1234", "bcd", string.rep("long ", 20)],
    ];
    assert.same(
      ["   7  a    short", `1234  bcd  ${string.rep("long ", 13)}long`, `           ${string.rep("long ", 5)}long`],
      layoutRows(["right", "left", "left"], rows),
    );
  });
});
