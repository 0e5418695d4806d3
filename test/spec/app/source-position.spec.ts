// SPDX-License-Identifier: GPL-2.0-only
// Positions as the build writes them into the bundle: one character a line, read back line by line.

import { sourcePosition } from "../../../src/app/source-position";

// Lua lines 10 … 13 come from lines 5, 5, 7 and 6 of one file, 14 and 15 from lines 300 and 301 of another.
const POSITIONS = "|src/wire/esp.ts 10 D?A>|src/app/main.ts 14 ~300;@";

describe("the source position of a line of the bundle", () => {
  it("is found at the start of a file", () => {
    assert.equal("src/wire/esp.ts:5", sourcePosition(POSITIONS, 10));
    assert.equal("src/app/main.ts:300", sourcePosition(POSITIONS, 14));
  });

  it("follows steps forwards, backwards and of none", () => {
    assert.equal("src/wire/esp.ts:5", sourcePosition(POSITIONS, 11));
    assert.equal("src/wire/esp.ts:7", sourcePosition(POSITIONS, 12));
    assert.equal("src/wire/esp.ts:6", sourcePosition(POSITIONS, 13));
  });

  it("goes on from a line that was written out", () => {
    assert.equal("src/app/main.ts:301", sourcePosition(POSITIONS, 15));
  });

  it("is unknown before the first file", () => {
    assert.is_nil(sourcePosition(POSITIONS, 9));
  });
});
