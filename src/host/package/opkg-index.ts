// SPDX-License-Identifier: GPL-2.0-only
// The index of a feed for opkg: what each package says of itself, and how to know its file again.

import { createHash } from "node:crypto";

export interface IndexedIpk {
  readonly name: string;
  /** As in the package's own `control`. */
  readonly control: string;
  readonly file: Buffer;
}

/** The text of `Packages`. */
export function opkgIndex(packages: readonly IndexedIpk[]): string {
  return packages
    .map(({ name, control, file }) => {
      const [fields = "", description = ""] = control.split(/(?=^Description: )/m);
      const sum = createHash("sha256").update(file).digest("hex");
      return `${fields}Filename: ${name}\nSize: ${String(file.length)}\nSHA256sum: ${sum}\n${description}\n`;
    })
    .join("");
}
