// SPDX-License-Identifier: GPL-2.0-only
// Tar archives that are the same bytes every time: sorted names, root as owner by number alone, one time for all.

import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { byBytes, foldersOf, type PackageFile } from "./package-file.js";

export const FOLDER_MODE = 0o755;

interface TarEntry {
  readonly name: string;
  readonly mode: number;
  /** Undefined: a folder. */
  readonly content?: Buffer;
}

async function tarOf(entries: readonly TarEntry[], epochSeconds: number): Promise<Buffer> {
  const archive = pack();
  const bytes = buffer(archive);
  const common = { mtime: new Date(epochSeconds * 1000), uid: 0, gid: 0, uname: "", gname: "" };
  for (const { name, mode, content } of entries) {
    if (content === undefined) archive.entry({ ...common, name, mode, type: "directory" });
    else archive.entry({ ...common, name, mode, type: "file" }, content);
  }
  archive.finalize();
  return bytes;
}

function entryOf({ path, mode, content }: PackageFile): TarEntry {
  return { name: `./${path}`, mode, content };
}

/**
 * An archive of the files in their order, each name with `./` before it, as opkg's own builder has it.
 *
 * @param epochSeconds the time of every entry.
 */
export function tarOfFiles(files: readonly PackageFile[], epochSeconds: number): Promise<Buffer> {
  return tarOf(
    files.map((file) => entryOf(file)),
    epochSeconds,
  );
}

/** The same of a tree: folders first, all in the order of their names. */
export function tarOfTree(files: readonly PackageFile[], epochSeconds: number): Promise<Buffer> {
  const folders = ["", ...foldersOf(files)].map((name) => ({
    name: `./${name}`.replace(/[^/]$/, "$&/"),
    mode: FOLDER_MODE,
  }));
  const sorted = files.toSorted((one, other) => byBytes(one.path, other.path));
  return tarOf([...folders, ...sorted.map((file) => entryOf(file))], epochSeconds);
}
