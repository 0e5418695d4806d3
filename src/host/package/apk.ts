// SPDX-License-Identifier: GPL-2.0-only
// Packages for apk 3 (OpenWrt from 25.12 on): what is said of a package, its files and its scripts, as apk numbers them.
//
// Numbers of fields: apk-tools, src/apk_adb.h. What OpenWrt's own packages have besides: lists of files and conffiles in
// lib/apk/packages, which its scripts read.

import { createHash } from "node:crypto";
import { type AdbValue, AdbWriter } from "./adb.js";
import { adbFile, type DataBlock, SCHEMA } from "./adb-file.js";
import { type Definition, fullVersion, type PackageDefinition } from "./definition.js";
import { installedBytes } from "./ipk.js";
import { byBytes, foldersOf, type PackageFile } from "./package-file.js";
import { apkScripts } from "./scripts.js";
import { FOLDER_MODE } from "./tar.js";

const INFO = {
  name: 1,
  version: 2,
  hashes: 3,
  description: 4,
  arch: 5,
  licence: 6,
  maintainer: 8,
  installedSize: 12,
  fileSize: 13,
  depends: 15,
} as const;
const ACL = { mode: 1, user: 2, group: 3 } as const;
const FILE = { name: 1, acl: 2, size: 3, time: 4, hash: 5 } as const;
const FOLDER = { name: 1, acl: 2, files: 3 } as const;
const PACKAGE = { info: 1, folders: 2, scripts: 3 } as const;
const INDEX = { packages: 2 } as const;
const SCRIPT: Readonly<Record<string, number>> = {
  "post-install": 3,
  "pre-deinstall": 4,
  "post-deinstall": 5,
  "post-upgrade": 7,
};
const DEPENDENCY = { name: 1 } as const;

/** A package's identity: the first bytes of the database's SHA-256, taken while they are zero. */
const IDENTITY_BYTES = 20;
/** apk's name for packages without anything native. */
const ARCHITECTURE = "noarch";
const OWNER = "root";

export function apkName(definition: Definition, { name }: PackageDefinition): string {
  return `${name}-${fullVersion(definition)}.apk`;
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** What OpenWrt's scripts look for: which files there are, which of them people change, and how those were. */
function listsOf({ name, conffiles }: PackageDefinition, files: readonly PackageFile[]): PackageFile[] {
  const list = (suffix: string, lines: readonly string[]): PackageFile => ({
    path: `lib/apk/packages/${name}.${suffix}`,
    mode: 0o644,
    content: Buffer.from(lines.map((line) => `${line}\n`).join("")),
  });
  const contentOf = (path: string): Buffer => {
    const file = files.find((one) => `/${one.path}` === path);
    if (file === undefined) throw new Error(`${name}: the conffile ${path} is not in the package`);
    return file.content;
  };
  const names = list("list", files.map(({ path }) => `/${path}`).sort(byBytes));
  if (conffiles.length === 0) return [names];
  const sums = conffiles.map((path) => `${path} ${sha256(contentOf(path)).toString("hex")}`);
  return [names, list("conffiles", conffiles), list("conffiles_static", sums)];
}

/** The fields of a package that its index repeats. */
function infoFields(adb: AdbWriter, definition: Definition, one: PackageDefinition): Record<number, AdbValue> {
  return {
    [INFO.name]: adb.blob(one.name),
    [INFO.version]: adb.blob(fullVersion(definition)),
    [INFO.description]: adb.blob(one.description.join(" ")),
    [INFO.arch]: adb.blob(ARCHITECTURE),
    [INFO.licence]: adb.blob(definition.licence),
    [INFO.maintainer]: adb.blob(definition.maintainer),
    [INFO.depends]: adb.list(
      one.depends.toSorted(byBytes).map((name) => adb.object({ [DEPENDENCY.name]: adb.blob(name) })),
    ),
  };
}

/** Of files and folders. */
function accessOf(adb: AdbWriter, mode: number): AdbValue {
  const owner = adb.blob(OWNER);
  return adb.object({ [ACL.mode]: adb.integer(mode), [ACL.user]: owner, [ACL.group]: owner });
}

function fileEntry(adb: AdbWriter, file: PackageFile, epochSeconds: number): AdbValue {
  return adb.object({
    [FILE.name]: adb.blob(file.path.split("/").at(-1) ?? ""),
    [FILE.hash]: adb.blob(sha256(file.content)),
    [FILE.time]: adb.integer(epochSeconds),
    [FILE.size]: adb.integer(file.content.length),
    [FILE.acl]: accessOf(adb, file.mode),
  });
}

function filesIn(folder: string, files: readonly PackageFile[]): PackageFile[] {
  const isHere = ({ path }: PackageFile): boolean => path.split("/").slice(0, -1).join("/") === folder;
  return files.filter(isHere).sort((one, other) => byBytes(one.path, other.path));
}

/** The tree, and where each file's content belongs in it. */
function treeOf(
  adb: AdbWriter,
  files: readonly PackageFile[],
  epochSeconds: number,
): { readonly folders: AdbValue[]; readonly data: DataBlock[] } {
  const data: DataBlock[] = [];
  const folders = ["", ...foldersOf(files)].map((folder, folderIndex) => {
    const here = filesIn(folder, files);
    here.forEach(({ content }, index) => {
      if (content.length > 0) data.push({ folder: folderIndex + 1, file: index + 1, content });
    });
    const fileEntries = here.map((file) => fileEntry(adb, file, epochSeconds));
    return adb.object({
      [FOLDER.name]: adb.blob(folder),
      [FOLDER.acl]: accessOf(adb, FOLDER_MODE),
      [FOLDER.files]: adb.list(fileEntries),
    });
  });
  return { folders, data };
}

function scriptsOf(adb: AdbWriter, one: PackageDefinition): AdbValue {
  const fields: Record<number, AdbValue> = {};
  for (const [name, text] of Object.entries(apkScripts(one))) fields[SCRIPT[name] ?? 0] = adb.blob(text);
  return adb.object(fields);
}

/** A package, and what an index tells of it. */
export interface Apk {
  readonly file: Buffer;
  readonly database: Buffer;
  readonly installedBytes: number;
}

/** The whole .apk file. @param sign makes the signature of a database */
export function apkOf(
  definition: Definition,
  one: PackageDefinition,
  content: readonly PackageFile[],
  epochSeconds: number,
  sign: (database: Buffer) => Buffer | undefined,
): Apk {
  const files = [...content, ...listsOf(one, content)];
  const adb = new AdbWriter();
  const fields = infoFields(adb, definition, one);
  const { folders, data } = treeOf(adb, files, epochSeconds);
  const size = installedBytes(files);
  const identity = adb.reserve(IDENTITY_BYTES);
  const info = adb.object({ ...fields, [INFO.installedSize]: adb.integer(size), [INFO.hashes]: identity.value });
  const root = { [PACKAGE.info]: info, [PACKAGE.folders]: adb.list(folders), [PACKAGE.scripts]: scriptsOf(adb, one) };
  const database = adb.finish(adb.object(root));
  sha256(database).copy(database, identity.offset, 0, IDENTITY_BYTES);
  return { file: adbFile(SCHEMA.package, database, sign(database), data), database, installedBytes: size };
}

/** packages.adb: what a feed has. It names packages by the SHA-256 of their whole database. */
export function apkIndexOf(
  definition: Definition,
  packages: readonly (readonly [PackageDefinition, Apk])[],
  sign: (database: Buffer) => Buffer | undefined,
): Buffer {
  const adb = new AdbWriter();
  const sorted = packages.toSorted(([one], [other]) => byBytes(one.name, other.name));
  const entries = sorted.map(([one, apk]) =>
    adb.object({
      ...infoFields(adb, definition, one),
      [INFO.hashes]: adb.blob(sha256(apk.database)),
      [INFO.installedSize]: adb.integer(apk.installedBytes),
      [INFO.fileSize]: adb.integer(apk.file.length),
    }),
  );
  const database = adb.finish(adb.object({ [INDEX.packages]: adb.list(entries) }));
  return adbFile(SCHEMA.index, database, sign(database));
}
