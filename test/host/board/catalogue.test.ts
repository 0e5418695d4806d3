// SPDX-License-Identifier: GPL-2.0-only
// Every board's document is right, a wrong one is refused with what is wrong, and docs/boards.md says the same.

import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, it } from "node:test";
import type { Board, Unverified } from "../../../src/host/board/board.js";
import { allBoards, boardNames, boardOf, readBoard } from "../../../src/host/board/catalogue.js";
import { boardTable, sizeText } from "../../../src/host/board/table.js";
import { unverifiedList, unverifiedOf } from "../../../src/host/board/unverified.js";
import { Refusal } from "../../../src/host/refusal.js";

const SAMPLE = "gl-mt300n-v2";
const UNVERIFIED: readonly Unverified[] = (["console", "flash", "u-boot"] as const).map((of) => ({ of, what: of }));

/** The sample board, changed. */
function changed(change: (board: Record<string, unknown>) => void): unknown {
  const board = structuredClone(readBoard(SAMPLE)) as unknown as Record<string, unknown>;
  change(board);
  return board;
}

function refusalOf(document: unknown): string {
  try {
    boardOf(document, SAMPLE);
  } catch (problem) {
    assert.ok(problem instanceof Refusal);
    return problem.message;
  }
  return "";
}

describe("the boards", () => {
  it("are all as the schema says", () => {
    assert.deepEqual(
      allBoards().map(({ name }) => name),
      boardNames(),
    );
    assert.ok(boardNames().length >= 8);
  });

  it("stand in docs/boards.md as they are", () => {
    const document = fs.readFileSync("docs/boards.md", "utf8");
    const table = boardTable(allBoards());
    assert.ok(document.includes(table), `docs/boards.md is to hold this table:\n${table}`);
  });

  it("have what was not verified in docs/boards.md", () => {
    const document = fs.readFileSync("docs/boards.md", "utf8");
    const list = unverifiedList(allBoards());
    assert.ok(document.includes(list), `docs/boards.md is to hold this list:\n${list}`);
  });

  it("show what was not verified of a way, and of what it rests on", () => {
    const board = { ...readBoard(SAMPLE), unverified: UNVERIFIED };
    assert.deepEqual(unverifiedOf(board, "u-boot"), ["console", "flash", "u-boot"]);
    assert.deepEqual(unverifiedOf(board, "sysupgrade"), ["flash"]);
    assert.deepEqual(unverifiedOf(readBoard("x86-64"), "disk"), []);
  });

  it("load no image over the place where it is read back to", () => {
    for (const { name, ways, images } of allBoards()) {
      for (const way of ways) {
        if (way.way !== "u-boot") continue;
        const between = Number(way.readBackAddress) - Number(way.loadAddress);
        assert.ok((images[way.image]?.largestBytes ?? Infinity) <= between, `${name}: ${String(between)} bytes`);
      }
    }
  });

  it("have ways that write no precious partition", () => {
    for (const board of allBoards()) {
      const precious = board.flash.flatMap(({ partitions }) =>
        partitions.filter(({ isPrecious }) => isPrecious === true),
      );
      const lines = board.ways.flatMap((way) => (way.way === "u-boot" ? way.write.map(({ line }) => line) : []));
      for (const { name } of precious)
        for (const line of lines) assert.doesNotMatch(line, new RegExp(`\\b${name}\\b`), `${board.name}: ${line}`);
    }
  });
});

describe("a board's document", () => {
  it("is refused with the key that is not known", () => {
    const text = refusalOf(changed((board) => (board.colour = "blue")));
    assert.match(text, /gl-mt300n-v2\.json is wrong/);
    assert.match(text, /must NOT have additional properties \("colour"\)/);
  });

  it("is refused with the key that is missing", () => {
    assert.match(refusalOf(changed((board) => delete board.console)), /must have required property 'console'/);
  });

  it("is refused when a way uses an image that it does not have", () => {
    const text = refusalOf(changed((board) => (board.ways = [{ way: "disk", image: "floppy" }])));
    assert.match(text, /the image "floppy", and images has sysupgrade/);
  });

  it("is refused when partitions lie over one another or beyond the flash", () => {
    const overlapping = refusalOf(
      changed((board) => {
        const [flash] = board.flash as { partitions: { sizeBytes: number }[] }[];
        for (const partition of flash?.partitions ?? []) partition.sizeBytes += 65536;
      }),
    );
    assert.match(overlapping, /partition u-boot reaches into u-boot-env/);
    assert.match(overlapping, /partition firmware ends beyond the flash/);
  });

  it("is refused when a pattern is none", () => {
    const loader = readBoard("gl-ar300m").ways.find(({ way }) => way === "u-boot");
    const text = refusalOf(changed((board) => (board.ways = [{ ...loader, prompt: "(" }])));
    assert.match(text, /\/ways\/0\/prompt must match format "regex"/);
  });

  it("is refused when it has another board's name", () => {
    assert.match(refusalOf(changed((board) => (board.name = "x"))), /its name is "x", its file's "gl-mt300n-v2"/);
  });
});

describe("a board that there is not", () => {
  it("is answered with the nearest name, and with all names", () => {
    assert.throws(
      () => readBoard("gl-mt6001"),
      /no board "gl-mt6001"\. Did you mean gl-mt6000\?\nThere are: gl-ar300m,/,
    );
  });

  it("is answered with all names when none is near", () => {
    assert.throws(() => readBoard("zzzzzzzz"), { message: /^There is no board "zzzzzzzz"\.\nThere are/ });
  });
});

describe("a size in the table of boards", () => {
  it("is what people call it", () => {
    assert.deepEqual([16777216, 1073741824, 8000000000, 65536, 1000].map(sizeText), [
      "16 MB",
      "1 GB",
      "8 GB",
      "64 kB",
      "1000 bytes",
    ]);
  });

  it("is empty of flash for a board whose disk may have any size", () => {
    const board: Board = readBoard("x86-64");
    assert.match(boardTable([board]), /\| disk +\|/);
  });
});
