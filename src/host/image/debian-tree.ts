// SPDX-License-Identifier: GPL-2.0-only
// A tree of unpacked Debian packages of the board's architecture, made once and kept in the user's cache.
//
// mmdebstrap has an apt state of its own, so neither the machine's packages nor its list of architectures are touched.
// Packages are unpacked, not installed: nothing of the foreign architecture runs here.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { DEBIAN_SUITE, debianSources } from "../debian-sources.js";
import { runProgram } from "../run-program.js";
import { cachedFolder } from "../cache.js";

/** Not needed on a board, and more than the rest together. */
const LEFT_OUT = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/lib/*/gconv/*"];

/**
 * The kernel's package: fetched apart, since what it depends on (to make an initial RAM disk, to install a boot loader) is not
 * wanted. Its name without a version stands for a package that depends on the latest one.
 */
function kernelHook(name: string): string {
  return `set -e
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
cd "$1/tmp"
apt-get download -qq "$(apt-cache depends ${name} | sed -n 's/^ *Depends: //p')"
for package in *.deb; do
  dpkg --fsys-tarfile "$package" | tar -x --keep-directory-symlink --exclude=./usr/share/doc -C "$1"
  rm "$package"
done`;
}

/**
 * The tree, made first if it is not there.
 * @param architecture Debian's name of it, as "arm64"
 * @param packages what is unpacked with all that it depends on; a kernel (linux-image-…) without
 * @returns its path; do not write there
 */
export function debianTree(
  architecture: string,
  packages: readonly string[],
  progress: (text: string) => void,
): Promise<string> {
  const kernels = packages.filter((name) => name.startsWith("linux-image-"));
  const others = packages.filter((name) => !kernels.includes(name));
  const options = [
    "--mode=root",
    "--variant=extract",
    `--architecture=${architecture}`,
    "--skip=check/qemu", // nothing of the tree runs
    `--include=${others.join(",")}`,
    ...LEFT_OUT.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    ...kernels.map((name) => `--extract-hook=${kernelHook(name)}`),
  ];
  const key = createHash("sha256")
    .update(JSON.stringify([DEBIAN_SUITE, options]))
    .digest("hex");
  return cachedFolder(`debian-${architecture}`, key, progress, async (partial) => {
    progress(`fetching Debian packages for ${architecture}, once (about 15 s)`);
    await runProgram("mmdebstrap", [...options, DEBIAN_SUITE, path.join(partial, "tree"), ...debianSources()]);
    fs.rmSync(path.join(partial, "tree/tmp"), { recursive: true, force: true });
  }).then((folder) => path.join(folder, "tree"));
}
