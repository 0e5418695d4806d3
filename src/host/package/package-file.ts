// SPDX-License-Identifier: GPL-2.0-only
// What lies in a package: files with path, mode and content. Owner is root, the time is that of the build.

export interface PackageFile {
  /** From the root, without a slash before it: `etc/config/vpnmasq`. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly content: Buffer;
}

/** Bytes in order, as both package formats want their names: not by a person's alphabet. */
export function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** Every folder on the way to a file, parents first, the root left out. */
export function foldersOf(files: readonly PackageFile[]): string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    const names = path.split("/").slice(0, -1);
    for (let depth = 1; depth <= names.length; depth += 1) folders.add(names.slice(0, depth).join("/"));
  }
  return [...folders].sort(byBytes);
}
