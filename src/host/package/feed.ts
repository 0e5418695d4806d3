// SPDX-License-Identifier: GPL-2.0-only
// The folders that `npm run package` fills: a feed for opkg, one for apk, and the source of one for OpenWrt's build.

import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { SCHEMA } from "./adb-file.js";
import { apkIndexOf, apkName, apkOf } from "./apk.js";
import { contentsOf } from "./contents.js";
import type { Definition, PackageDefinition } from "./definition.js";
import { feedMakefile } from "./feed-makefile.js";
import { controlFields, installedBytes, ipkName, ipkOf } from "./ipk.js";
import { opkgIndex } from "./opkg-index.js";
import type { PackageFile } from "./package-file.js";
import { adbSignature, usignSignature } from "./signature.js";
import type { SigningKeys } from "./signing-keys.js";

/** Files of a feed, by their names. */
export type Feed = ReadonlyMap<string, Buffer>;

type Content = readonly (readonly [PackageDefinition, PackageFile[]])[];

function contentOf({ packages }: Definition): Content {
  return packages.map((one) => [one, contentsOf(one)]);
}

/** For OpenWrt up to 24.10. */
export async function opkgFeed(
  definition: Definition,
  epochSeconds: number,
  keys: SigningKeys | undefined,
): Promise<Feed> {
  const feed = new Map<string, Buffer>();
  const indexed = [];
  for (const [one, files] of contentOf(definition)) {
    const file = await ipkOf(definition, one, files, epochSeconds);
    const name = ipkName(definition, one);
    feed.set(name, file);
    indexed.push({ name, file, control: controlFields(definition, one, installedBytes(files)) });
  }
  const index = Buffer.from(opkgIndex(indexed));
  feed.set("Packages", index);
  feed.set("Packages.gz", zlib.gzipSync(index, { level: 9 }));
  if (keys !== undefined) feed.set("Packages.sig", Buffer.from(usignSignature(keys.usign, index)));
  return feed;
}

/** For OpenWrt from 25.12 on. */
export function apkFeed(definition: Definition, epochSeconds: number, keys: SigningKeys | undefined): Feed {
  const signer =
    (schema: (typeof SCHEMA)[keyof typeof SCHEMA]) =>
    (database: Buffer): Buffer | undefined =>
      keys === undefined ? undefined : adbSignature(keys.ecdsa, schema, database);
  const packages = contentOf(definition).map(
    ([one, files]) => [one, apkOf(definition, one, files, epochSeconds, signer(SCHEMA.package))] as const,
  );
  const feed = new Map(packages.map(([one, { file }]) => [apkName(definition, one), file] as const));
  feed.set("packages.adb", apkIndexOf(definition, packages, signer(SCHEMA.index)));
  return feed;
}

const FEED_SOURCE = "firmware/openwrt/feed/vpnmasq";

/** The folder of a feed for OpenWrt's build: its Makefile and test, and the files of each package. */
export function writeSourceFeed(definition: Definition, folder: string): void {
  fs.writeFileSync(path.join(FEED_SOURCE, "Makefile"), feedMakefile(definition));
  fs.cpSync(FEED_SOURCE, folder, { recursive: true });
  for (const [{ name }, files] of contentOf(definition)) {
    for (const file of files) {
      const target = path.join(folder, "files", name, file.path);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.writeFileSync(target, file.content, { mode: file.mode });
    }
  }
}
