// SPDX-License-Identifier: GPL-2.0-only
// What cannot stand in a case's file as it is: white space of other kinds, and characters that steer a terminal.

import { readRole } from "../../../../src/app/uci/uci-document";
import { readUciFile } from "../../../../src/app/uci/uci-file";

describe("a file of UCI", () => {
  it("may have any white space between words", () => {
    const [sections] = readUciFile("config\frouter\v'one'\r\n\foption lan\v\vlan\f\n");
    assert.equal(1, sections!.length);
    const [{ type, name, options }] = sections!;
    assert.equal("router", type);
    assert.equal("one", name!);
    assert.equal("lan", options.get("lan")!);
  });

  it("steers no terminal by what is said of it", () => {
    for (const word of ["\x1b[31m", "a\x7f", "'a\nb'"]) {
      const [sections, unread] = readUciFile(`${word} x`);
      assert.is_nil(sections);
      assert.is_nil(string.find(unread!, "%c")[0], unread);
      const result = readRole("router", readUciFile(`config ${word} ${word}`)[0]!, undefined);
      assert.equal("wrong", result.kind);
      const [problem] = result.kind === "wrong" ? result.problems : [];
      assert.is_nil(string.find(problem, "%c")[0], problem);
    }
  });
});
