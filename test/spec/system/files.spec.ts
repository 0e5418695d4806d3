// SPDX-License-Identifier: GPL-2.0-only
// Files as whole things: replaced, added to, refused with words that name them.

import { AppendFile, makeFolder, readFile, removeFile, replaceFile } from "../../../src/system/files";
import { collectGarbage, must, outputOf, problemOf } from "./network";

describe("a file", () => {
  let folder: string;

  before_each(() => {
    folder = outputOf("mktemp -d");
  });

  after_each(() => {
    os.execute(`rm -r ${folder}`);
  });

  it("is replaced as a whole and read back, with any bytes in it", () => {
    const path = `${folder}/state`;
    const text = `first\0line\n${string.rep("x", 10_000)}`;
    must(replaceFile(path, "old", { sync: false, mode: 0o600 }));
    must(replaceFile(path, text, { sync: true, mode: 0o600 }));
    collectGarbage();
    assert.is_true(must(readFile(path, 20_000)) === text);
    assert.equal("600", outputOf(`stat -c %a ${path}`));
    assert.equal("state", outputOf(`ls ${folder}`));
  });

  it("that is larger than allowed is refused, not cut", () => {
    const path = `${folder}/large`;
    must(replaceFile(path, "12345", { sync: false, mode: 0o600 }));
    assert.equal("12345", must(readFile(path, 5)));
    assert.equal(`${path}: larger than 4 bytes`, problemOf(readFile(path, 4)));
  });

  it("that cannot be replaced keeps what it had", () => {
    const path = `${folder}/kept`;
    must(replaceFile(path, "kept", { sync: false, mode: 0o600 }));
    must(makeFolder(`${path}.new`, 0o700));
    assert.matches("Is a directory", problemOf(replaceFile(path, "lost", { sync: false, mode: 0o600 })));
    assert.equal("kept", must(readFile(path, 100)));
  });

  it("that is not there is named with the system's words", () => {
    const path = `${folder}/none`;
    assert.equal(`${path}: cannot be opened: No such file or directory`, problemOf(readFile(path, 10)));
  });

  it("grows by records, also when opened again", () => {
    const path = `${folder}/journal`;
    for (const record of ["one\n", "two\n"]) {
      const journal = must(AppendFile.open(path, 0o600));
      must(journal.append(record));
      must(journal.sync());
      journal.close();
      journal.close();
      assert.matches("closed", problemOf(journal.append("three\n")));
    }
    assert.equal("one\ntwo\n", must(readFile(path, 100)));
  });

  it("on a full disk reports what could not be written", () => {
    const full = must(AppendFile.open("/dev/full", 0o600));
    assert.matches("/dev/full: cannot be written: No space left", problemOf(full.append("x")));
    full.close();
  });

  it("is removed, and removing it again is no error", () => {
    const path = `${folder}/gone`;
    must(replaceFile(path, "x", { sync: false, mode: 0o600 }));
    must(removeFile(path));
    must(removeFile(path));
    assert.matches("cannot be removed", problemOf(removeFile(folder)));
  });
});

describe("a folder", () => {
  it("is made with its parents, and again without error", () => {
    const folder = outputOf("mktemp -d");
    must(makeFolder(`${folder}/a/b/c`, 0o755));
    must(makeFolder(`${folder}/a/b/c`, 0o755));
    assert.equal("755", outputOf(`stat -c %a ${folder}/a/b/c`));
    must(replaceFile(`${folder}/file`, "", { sync: false, mode: 0o600 }));
    assert.matches("Not a directory", problemOf(makeFolder(`${folder}/file/under`, 0o755)));
    os.execute(`rm -r ${folder}`);
  });
});
