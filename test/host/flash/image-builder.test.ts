// SPDX-License-Identifier: GPL-2.0-only
// The ImageBuilder is asked for the board's profile with vpnmasq in it. Here it is a stand-in: a Makefile that writes what
// it was told, and an image with OpenWrt's metadata.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { readBoard } from "../../../src/host/board/catalogue.js";
import { flashCommand } from "../../../src/host/flash/command.js";
import { buildImage } from "../../../src/host/flash/image-builder.js";
import { writeSysupgrade } from "./images.js";

const MAKEFILE = `image:
	@echo "a stand-in for OpenWrt's ImageBuilder, for a test"
	@test "$(PACKAGES)" != broken
	@mkdir -p "$(BIN_DIR)"
	@echo "$(PROFILE)|$(PACKAGES)|$(FILES)" > told
	@cp image.bin "$(BIN_DIR)/openwrt-24.10.0-ramips-mt76x8-$(PROFILE)-squashfs-sysupgrade.bin"
`;

describe("an image made by the ImageBuilder", () => {
  let folder = "";
  const board = readBoard("gl-mt300n-v2");
  const quiet = (): void => undefined;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-builder-"));
    fs.writeFileSync(path.join(folder, "Makefile"), MAKEFILE);
    fs.writeFileSync(path.join(folder, ".config"), "CONFIG_TARGET_ramips=y\nCONFIG_TARGET_ramips_mt76x8=y\n");
    fs.mkdirSync(path.join(folder, "packages"));
    fs.writeFileSync(path.join(folder, "vpnmasq_0.1.0_all.ipk"), "package");
    writeSysupgrade(path.join(folder, "image.bin"), 5000, "glinet,gl-mt300n-v2");
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  function packageFile(): string {
    return path.join(folder, "vpnmasq_0.1.0_all.ipk");
  }

  it("is the board's, with the package and the files", async () => {
    const options = { folder, packageFile: packageFile(), files: folder };
    const image = await buildImage(board, "sysupgrade", options, quiet);
    assert.match(image, /glinet_gl-mt300n-v2-squashfs-sysupgrade\.bin$/);
    assert.equal(fs.readFileSync(path.join(folder, "told"), "utf8"), `glinet_gl-mt300n-v2|vpnmasq|${folder}\n`);
    assert.ok(fs.existsSync(path.join(folder, "packages/vpnmasq_0.1.0_all.ipk")));
  });

  it("goes into the plan like any other image", async () => {
    let out = "";
    const words = ["gl-mt300n-v2", "--image-builder", folder, "--package", packageFile(), "--dry-run", "--json"];
    const status = await flashCommand(words, { out: (text) => (out += text), err: quiet });
    assert.equal(status, 0);
    const plan = JSON.parse(out) as { steps: { command: string }[] };
    assert.ok(plan.steps.some(({ command }) => command.includes("glinet_gl-mt300n-v2-squashfs-sysupgrade.bin")));
  });

  it("is not made without a package of vpnmasq", async () => {
    const options = { folder, packageFile: undefined, files: undefined };
    await assert.rejects(buildImage(board, "sysupgrade", options, quiet), {
      message: /packages has no package of vpnmasq\. Give its file: --package vpnmasq\.ipk/,
    });
  });

  it("is not made by another target's ImageBuilder, nor by a folder that is none", async () => {
    const options = { folder, packageFile: packageFile(), files: undefined };
    await assert.rejects(buildImage(readBoard("gl-mt6000"), "sysupgrade", options, quiet), {
      message: /is the ImageBuilder of ramips_mt76x8\.\nThe ImageBuilder for this board is .*mediatek-filogic/,
    });
    fs.rmSync(path.join(folder, ".config"));
    await assert.rejects(buildImage(board, "sysupgrade", options, quiet), { message: /is no ImageBuilder/ });
  });

  it("fails with the ImageBuilder's own last words", async () => {
    fs.writeFileSync(path.join(folder, "Makefile"), 'image:\n\t@echo "opkg: vpnmasq depends on luajit"; false\n');
    const options = { folder, packageFile: packageFile(), files: undefined };
    await assert.rejects(buildImage(board, "sysupgrade", options, quiet), {
      message: /The ImageBuilder failed:\n.*depends on luajit.*Nothing was built or written/s,
    });
  });
});
