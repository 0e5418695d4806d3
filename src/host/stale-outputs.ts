// SPDX-License-Identifier: GPL-2.0-only
// Removes what an earlier build made from a source that is gone: a spec that was deleted must not run any more.

import fs from "node:fs";
import path from "node:path";

/** Deletes every file under `folder` that `isCurrent`, asked with its path, does not know. */
export function removeStaleOutputs(folder: string, isCurrent: (file: string) => boolean): void {
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !isCurrent(file)) fs.rmSync(file);
  }
}
