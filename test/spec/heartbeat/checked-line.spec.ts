// SPDX-License-Identifier: GPL-2.0-only
// A line on a shared console: it is known when it came whole, and why not when it did not.

import { sealed, unsealed } from "../../../src/heartbeat/checked-line";
import { Random } from "../random";

const MARK = "VM1 ";
const TEXT = "VM1 42 ok none up=7";

describe("a checked line", () => {
  it("has the checksum of RFC 1146's algorithm, in four digits", () => {
    // The known check values of Fletcher-16.
    assert.equal("abcde*c8f0", sealed("abcde"));
    assert.equal("abcdefgh*0627", sealed("abcdefgh"));
  });

  it("gives its text back", () => {
    assert.same({ text: TEXT }, unsealed(sealed(TEXT), MARK));
  });

  it("is found behind a prompt and before a carriage return", () => {
    assert.same({ text: TEXT }, unsealed(`router login: ${sealed(TEXT)} \r`, MARK));
    assert.same({ text: TEXT }, unsealed(`VM1 4[   12.3] eth0: link up ${sealed(TEXT)}`, MARK));
  });

  it("names why it is none", () => {
    assert.same({ fault: "no-mark" }, unsealed("[   12.345678] eth0: link up", MARK));
    assert.same({ fault: "no-mark" }, unsealed("", MARK));
    assert.same({ fault: "cut-short" }, unsealed("VM1 42 ok", MARK));
    assert.same({ fault: "cut-short" }, unsealed("VM1 ", MARK));
    assert.same({ fault: "wrong-checksum" }, unsealed(`${TEXT}*0000`, MARK));
  });

  it("is never taken for whole when another's text stands in it", () => {
    const random = new Random(11);
    const line = sealed(TEXT);
    for (const _ of $range(1, 2000)) {
      const at = 4 + random.below(string.len(line) - 8);
      const foreign = `[${random.below(100000)}.${random.below(1000000)}] x`;
      const mixed = string.sub(line, 1, at) + foreign + string.sub(line, at + 1);
      assert.is_nil(unsealed(mixed, MARK).text);
    }
  });

  it("shows every single character that was changed", () => {
    const line = sealed(TEXT);
    for (const at of $range(5, string.len(line))) {
      for (const byte of $range(32, 126)) {
        const changed = string.sub(line, 1, at - 1) + string.char(byte) + string.sub(line, at + 1);
        if (changed !== line) assert.is_nil(unsealed(changed, MARK).text);
      }
    }
  });
});
