// SPDX-License-Identifier: GPL-2.0-only
// Packages and indexes for apk 3, read again with a reader of their own.

import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, it } from "node:test";
import { SCHEMA } from "../../../src/host/package/adb-file.js";
import { type Apk, apkIndexOf, apkName, apkOf } from "../../../src/host/package/apk.js";
import { apkScripts } from "../../../src/host/package/scripts.js";
import { adbSignature } from "../../../src/host/package/signature.js";
import { type AdbTree, bytes, entries, list, readContainer, readDatabase, text } from "./adb-reader.js";
import { DEFINITION, EPOCH_SECONDS, FILES, SAMPLE } from "./sample.js";

const BLOCK = { database: 0, signature: 1, data: 2 };
/**
 * SHA-256 of the sample's database and data blocks as apk-tools 3.0.6 wrote them: `apk mkpkg` with the same files, owner
 * root, and SOURCE_DATE_EPOCH=1700000000. Whoever changes sample or scripts asks apk again.
 */
const BY_APK_ITSELF = "818f1f77ead1716fa02f290b6279a8165139a0e1e4f774c37319514bf5d4dbf2";

function sha256(content: Buffer): Buffer {
  return createHash("sha256").update(content).digest();
}

const unsigned: Apk = apkOf(DEFINITION, SAMPLE, FILES, EPOCH_SECONDS, () => undefined);

interface UnpackedFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

/** Its files, with the content that the data blocks give them. */
function unpack(file: Buffer): UnpackedFile[] {
  const [database, ...data] = readContainer(file).blocks.filter(({ type }) => type !== BLOCK.signature);
  assert.ok(database !== undefined);
  const contents = new Map<string, Buffer>();
  for (const { type, content } of data) {
    assert.equal(type, BLOCK.data);
    contents.set(`${String(content.readUInt32LE(0))} ${String(content.readUInt32LE(4))}`, content.subarray(8));
  }
  const files: UnpackedFile[] = [];
  entries(readDatabase(database.content)[2]).forEach((folder, folderIndex) => {
    const [, name, , inner] = list(folder);
    entries(inner).forEach((entry, index) => {
      const [, fileName, access, size, time, hash] = list(entry);
      const content = contents.get(`${String(folderIndex + 1)} ${String(index + 1)}`) ?? Buffer.alloc(0);
      assert.equal(content.length, size ?? 0);
      assert.equal(time, EPOCH_SECONDS);
      assert.deepEqual(bytes(hash), sha256(content));
      const [, mode, user, group] = list(access);
      assert.deepEqual([text(user), text(group)], ["root", "root"]);
      files.push({ path: `${text(name)}/${text(fileName)}`, mode: mode as number, content: content.toString() });
    });
  });
  return files;
}

function namesOf(trees: readonly AdbTree[]): string[] {
  return trees.map((tree) => text(list(tree)[1]));
}

describe("an .apk package", () => {
  it("is called as apk looks for it", () => {
    assert.equal(apkName(DEFINITION, SAMPLE), "sample-1.2.3-r4.apk");
  });

  it("has every file with its mode, owner, time and content", () => {
    const unpacked = unpack(unsigned.file).filter(({ path }) => !path.startsWith("lib/apk/"));
    const expected = FILES.map(({ path, mode, content }) => ({ path, mode, content: content.toString() }));
    assert.deepEqual(
      unpacked.sort((one, other) => (one.path < other.path ? -1 : 1)),
      expected.sort((one, other) => (one.path < other.path ? -1 : 1)),
    );
  });

  it("lists its files and conffiles where OpenWrt's scripts look", () => {
    const lists = new Map(unpack(unsigned.file).map(({ path, content }) => [path, content]));
    const names = FILES.map(({ path }) => `/${path}\n`).sort();
    assert.equal(lists.get("lib/apk/packages/sample.list"), names.join(""));
    assert.equal(lists.get("lib/apk/packages/sample.conffiles"), "/etc/config/sample\n");
    const sum = sha256(Buffer.from("config sample\n")).toString("hex");
    assert.equal(lists.get("lib/apk/packages/sample.conffiles_static"), `/etc/config/sample ${sum}\n`);
  });

  it("has its folders and their files in the order of their bytes", () => {
    const [database] = readContainer(unsigned.file).blocks;
    assert.ok(database !== undefined);
    const folders = entries(readDatabase(database.content)[2]);
    for (const names of [namesOf(folders), ...folders.map((folder) => namesOf(entries(list(folder)[3])))]) {
      assert.deepEqual(names, names.toSorted());
    }
  });

  it("says what it is, needs and runs", () => {
    const [, info, , scripts] = readDatabase(unsigned.database);
    const fields = list(info);
    assert.deepEqual(
      [1, 2, 4, 5, 6, 8].map((index) => text(fields[index])),
      ["sample", "1.2.3-r4", "A package to look at.", "noarch", "GPL-2.0-only", DEFINITION.maintainer],
    );
    assert.deepEqual(namesOf(entries(fields[15])), ["lua-cjson", "luajit"]);
    const expected = apkScripts(SAMPLE);
    assert.equal(text(list(scripts)[3]), expected["post-install"]);
    assert.equal(text(list(scripts)[4]), expected["pre-deinstall"]);
    assert.equal(text(list(scripts)[5]), expected["post-deinstall"]);
    assert.equal(text(list(scripts)[7]), expected["post-upgrade"]);
  });

  it("is known by the hash of its database without that hash", () => {
    const identity = bytes(list(readDatabase(unsigned.database)[1])[3]);
    const before = Buffer.from(unsigned.database);
    before.fill(0, before.indexOf(identity), before.indexOf(identity) + identity.length);
    assert.deepEqual(identity, sha256(before).subarray(0, 20));
  });

  it("is the same bytes as apk itself writes", () => {
    const { blocks } = readContainer(unsigned.file);
    assert.equal(sha256(Buffer.concat(blocks.map(({ content }) => content))).toString("hex"), BY_APK_ITSELF);
  });
});

describe("a signature of apk", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const publicKey = createPublicKey(privateKey);
  const sign = (database: Buffer): Buffer => adbSignature(privateKey, SCHEMA.package, database);

  it("vouches for schema, key and database", () => {
    const signed = apkOf(DEFINITION, SAMPLE, FILES, EPOCH_SECONDS, sign);
    const [database, signature] = readContainer(signed.file).blocks;
    assert.equal(signature?.type, BLOCK.signature);
    const { content } = signature;
    assert.deepEqual([content[0], content[1]], [0, 4], "version 0, SHA-512");
    const jwk = publicKey.export({ format: "jwk" });
    const point = Buffer.concat([
      Buffer.of(4),
      Buffer.from(jwk.x ?? "", "base64url"),
      Buffer.from(jwk.y ?? "", "base64url"),
    ]);
    assert.deepEqual(content.subarray(2, 18), createHash("sha512").update(point).digest().subarray(0, 16));
    const digest = createHash("sha512")
      .update(database?.content ?? "")
      .digest();
    const message = Buffer.concat([Buffer.from("pckg"), content.subarray(0, 18), digest]);
    assert.ok(verify("sha512", message, publicKey, content.subarray(18)));
  });

  it("is the same every time", () => {
    assert.deepEqual(sign(unsigned.database), sign(unsigned.database));
  });
});

describe("packages.adb", () => {
  it("names a package by the hash of its whole database, with the size of its file", () => {
    const { schema, blocks } = readContainer(apkIndexOf(DEFINITION, [[SAMPLE, unsigned]], () => undefined));
    assert.equal(schema, "indx");
    const [entry] = entries(readDatabase(blocks[0]?.content ?? Buffer.alloc(0))[2]);
    const fields = list(entry);
    assert.equal(text(fields[1]), "sample");
    assert.deepEqual(bytes(fields[3]), sha256(unsigned.database));
    assert.equal(fields[13], unsigned.file.length);
    assert.equal(fields[12], unsigned.installedBytes);
    assert.deepEqual(namesOf(entries(fields[15])), ["lua-cjson", "luajit"]);
  });
});
