// SPDX-License-Identifier: GPL-2.0-only
// A small package with everything that the formats know, for their tests.

import type { Definition, PackageDefinition } from "../../../src/host/package/definition.js";
import type { PackageFile } from "../../../src/host/package/package-file.js";

export const EPOCH_SECONDS = 1_700_000_000;

export const SAMPLE: PackageDefinition = {
  name: "sample",
  title: "A sample",
  description: ["A package to", "look at."],
  section: "net",
  category: "Network",
  depends: ["luajit", "lua-cjson"],
  tree: [],
  built: {},
  conffiles: ["/etc/config/sample"],
  afterRemoval: ["rm -rf /var/run/sample"],
};

export const DEFINITION: Definition = {
  version: "1.2.3",
  release: 4,
  licence: "GPL-2.0-only",
  maintainer: "Some One <some.one@vpnmasq.invalid>",
  packages: [SAMPLE],
};

function file(path: string, content: string | Buffer, mode = 0o644): PackageFile {
  return { path, mode, content: Buffer.from(content) };
}

/** A program, a file that people change, an empty one, equal ones, and one larger than 64 KiB. */
export const FILES: readonly PackageFile[] = [
  file("usr/bin/sample", "#!/bin/sh\nexit 0\n", 0o755),
  file("etc/config/sample", "config sample\n"),
  file("usr/lib/sample/empty", ""),
  file("usr/lib/sample/one", "the same"),
  file("usr/lib/sample/other", "the same"),
  file("usr/lib/sample/large", Buffer.alloc(70_000, "0123456789")),
];
