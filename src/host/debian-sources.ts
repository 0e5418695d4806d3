// SPDX-License-Identifier: GPL-2.0-only
// Where Debian packages come from: the machine's own sources, so that a local mirror is used where there is one.

import { execFileSync } from "node:child_process";

export const DEBIAN_SUITE = "bookworm";

/** The machine's Debian sources as one-line entries. */
export function debianSources(): string[] {
  const format = "$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)";
  const listed = execFileSync("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
    encoding: "utf8",
  });
  const entries = listed
    .split("\n")
    .map((line) => line.split(" "))
    .filter(
      ([origin, , release, component]) =>
        origin === "Debian" && release?.startsWith(DEBIAN_SUITE) && component === "main",
    )
    .map(([, uri, release]) => `deb ${uri} ${release} main`);
  return [...new Set(entries)];
}
