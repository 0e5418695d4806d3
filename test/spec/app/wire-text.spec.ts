// SPDX-License-Identifier: GPL-2.0-only
// A document as lines for a serial console: their form, their length, and lines that are asked for again.

import { base64, linesAgain, wireLines } from "../../../src/app/wire-text";
import { unsealed } from "../../../src/heartbeat/checked-line";
import { Random } from "../random";

function bytesOf(random: Random, count: number): string {
  return random
    .octets(count)
    .map((octet) => string.char(octet))
    .join("");
}

describe("base64", () => {
  it("is RFC 4648's, with its own examples", () => {
    const examples = {
      "": "",
      f: "Zg==",
      fo: "Zm8=",
      foo: "Zm9v",
      foob: "Zm9vYg==",
      fooba: "Zm9vYmE=",
      foobar: "Zm9vYmFy",
    };
    for (const [text, encoded] of pairs(examples)) assert.equal(encoded, base64(text));
    assert.equal("AP/+", base64(string.char(0, 255, 254)));
  });
});

describe("a bundle on the wire", () => {
  it("reads like this", () => {
    assert.same(
      ["VM1S begin 1 3 8c736521 plain*6d1f", "VM1S 1 Zm9v*5311", "VM1S end 1*fbd1"],
      wireLines({ packing: "plain", bytes: "foo" }),
    );
  });

  it("has lines that fit the screen and tell whether they are whole, up to its longest", () => {
    const lines = wireLines({ packing: "gzip", bytes: bytesOf(new Random(3), 400_000) });
    assert.equal(Math.ceil(400_000 / 48) + 2, lines.length);
    for (const line of lines) {
      assert.is_true(string.len(line) <= 80);
      assert.is_nil(unsealed(line, "VM1S ").fault);
    }
  });

  it("gives lines again that are asked for, and then its end", () => {
    const lines = wireLines({ packing: "gzip", bytes: bytesOf(new Random(5), 480) });
    const [again] = linesAgain(lines, "3,7-9");
    assert.same([lines[3], lines[7], lines[8], lines[9], lines[11]], again);
  });

  it("says which numbers it knows when others are asked for", () => {
    const lines = wireLines({ packing: "plain", bytes: "foo" });
    for (const list of ["0", "2", "1-2", "x", "", "1,,1", "2-1", "1-"]) {
      const [again, problem] = linesAgain(lines, list);
      assert.is_nil(again);
      assert.matches('use numbers of lines as "3,7%-9", from 1 to 1$', problem!);
    }
  });
});
