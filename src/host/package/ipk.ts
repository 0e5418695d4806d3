// SPDX-License-Identifier: GPL-2.0-only
// Packages for opkg (OpenWrt up to 24.10): a gzipped tar of `debian-binary`, `data.tar.gz` and `control.tar.gz`.

import zlib from "node:zlib";
import { type Definition, fullVersion, type PackageDefinition } from "./definition.js";
import type { PackageFile } from "./package-file.js";
import { opkgScripts } from "./scripts.js";
import { tarOfFiles, tarOfTree } from "./tar.js";

/** The content of `debian-binary`, which stands first, as in Debian's packages. */
const FORMAT_VERSION = "2.0\n";

export function ipkName(definition: Definition, { name }: PackageDefinition): string {
  return `${name}_${fullVersion(definition)}_all.ipk`;
}

/** The fields that package and index have in common. */
export function controlFields(
  definition: Definition,
  { name, depends, section, description }: PackageDefinition,
  installedBytes: number,
): string {
  const fields: readonly (readonly [string, string])[] = [
    ["Package", name],
    ["Version", fullVersion(definition)],
    ["Depends", depends.join(", ")],
    ["License", definition.licence],
    ["Section", section],
    ["Maintainer", definition.maintainer],
    ["Architecture", "all"],
    ["Installed-Size", String(installedBytes)],
    ["Description", description.join("\n ")],
  ];
  return fields.map(([field, value]) => `${field}: ${value}\n`).join("");
}

export function installedBytes(files: readonly PackageFile[]): number {
  return files.reduce((sum, { content }) => sum + content.length, 0);
}

function gzip(bytes: Buffer): Buffer {
  // zlib writes no name and no time into the header, as gzip -n does.
  return zlib.gzipSync(bytes, { level: 9, memLevel: 9 });
}

function file(path: string, content: string | Buffer, mode = 0o644): PackageFile {
  return { path, mode, content: Buffer.from(content) };
}

/** The whole .ipk file. */
export async function ipkOf(
  definition: Definition,
  one: PackageDefinition,
  files: readonly PackageFile[],
  epochSeconds: number,
): Promise<Buffer> {
  const scripts = Object.entries(opkgScripts(one)).map(([name, text]) => file(name, text, 0o755));
  const conffiles = one.conffiles.map((path) => `${path}\n`).join("");
  const control = [
    file("control", controlFields(definition, one, installedBytes(files))),
    ...(conffiles === "" ? [] : [file("conffiles", conffiles)]),
    ...scripts,
  ];
  const parts = [
    file("debian-binary", FORMAT_VERSION),
    file("data.tar.gz", gzip(await tarOfTree(files, epochSeconds))),
    file("control.tar.gz", gzip(await tarOfTree(control, epochSeconds))),
  ];
  return gzip(await tarOfFiles(parts, epochSeconds));
}
