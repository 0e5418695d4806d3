// SPDX-License-Identifier: GPL-2.0-only
// What takes long to make is made once and kept in the user's cache, under a name for all that it is made from.
//
// It is made under another name and renamed when complete, so whatever kills the making leaves nothing that looks finished.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { takeLock } from "./lock.js";

/** What nobody used for this long is removed when something newer of its name is made. */
const KEPT_MS = 24 * 60 * 60 * 1000;
/** Characters of the key in a folder's name: 64 bits, so that two recipes never meet. */
const KEY_CHARACTERS = 16;

/** The user's cache of this project. */
export function cacheDirectory(): string {
  const base = process.env.XDG_CACHE_HOME ?? "";
  return path.join(base === "" ? path.join(os.homedir(), ".cache") : base, "vpnmasq");
}

/** Removes what was not used lately, and what a killed maker left. Only the holder of the lock may call this. */
function removeOld(directory: string, name: string): void {
  for (const found of fs.readdirSync(directory)) {
    if (!found.startsWith(`${name}-`)) continue;
    const place = path.join(directory, found);
    const isOld = Date.now() - fs.statSync(place).mtimeMs > KEPT_MS;
    if (isOld || found.includes(".partial-")) fs.rmSync(place, { recursive: true, force: true });
  }
}

/**
 * The folder of this name and key, made first if it is not there.
 * @param make fills the folder that it is given
 */
export async function cachedFolder(
  name: string,
  key: string,
  progress: (text: string) => void,
  make: (partial: string) => Promise<void>,
): Promise<string> {
  const directory = cacheDirectory();
  const target = path.join(directory, `${name}-${key.slice(0, KEY_CHARACTERS)}`);
  if (fs.existsSync(target)) {
    fs.utimesSync(target, new Date(), new Date());
    return target;
  }
  fs.mkdirSync(directory, { recursive: true });
  const unlock = await takeLock(path.join(directory, `${name}.lock`), progress);
  const partial = `${target}.partial-${process.pid}`;
  try {
    if (fs.existsSync(target)) return target;
    removeOld(directory, name);
    fs.mkdirSync(partial);
    await make(partial);
    fs.renameSync(partial, target);
    return target;
  } finally {
    fs.rmSync(partial, { recursive: true, force: true });
    unlock();
  }
}
