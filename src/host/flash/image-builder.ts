// SPDX-License-Identifier: GPL-2.0-only
// A board's image with vpnmasq in it, made by OpenWrt's ImageBuilder, which the person has unpacked somewhere.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import type { Board } from "../board/board.js";
import { Refusal } from "../refusal.js";

export interface BuilderOptions {
  readonly folder: string;
  /** The package of vpnmasq, for the ImageBuilder's folder packages/; absent when it lies there or in a feed. */
  readonly packageFile: string | undefined;
  /** A folder whose content is laid over the root file system: etc/config/vpnmasq and the like. */
  readonly files: string | undefined;
}

/** What the image is to have: the program itself brings what it depends on. */
const PACKAGES = "vpnmasq";
const SHOWN_LINES = 15;
const NOTHING = "Nothing was built or written.";

/** How to get one; the version is the person's choice. */
function download({ openwrt: { target, subtarget } }: Board): string {
  const place = `https://downloads.openwrt.org/releases/VERSION/targets/${target}/${subtarget}/`;
  return `The ImageBuilder for this board is openwrt-imagebuilder-*-${target}-${subtarget}* in\n  ${place}\nUnpack it and give its folder: --image-builder FOLDER`;
}

/** What to do where there is neither an image nor an ImageBuilder. */
export function imageAdvice(board: Board): string {
  return (
    "An image is needed: --image FILE, or --image-builder FOLDER to make one.\n" +
    `vpnmasq does not build OpenWrt itself. ${download(board)}\n${NOTHING}`
  );
}

function checkBuilder(board: Board, { folder, packageFile, files }: BuilderOptions): void {
  const configuration = path.join(folder, ".config");
  if (!fs.existsSync(path.join(folder, "Makefile")) || !fs.existsSync(configuration)) {
    throw new Refusal(
      `${folder} is no ImageBuilder: it has no Makefile with a .config.\n${download(board)}\n${NOTHING}`,
    );
  }
  const { target, subtarget } = board.openwrt;
  const found = /^CONFIG_TARGET_(\w+)=y$/gm;
  const targets = [...fs.readFileSync(configuration, "utf8").matchAll(found)].map(([, name]) => name);
  if (!targets.includes(`${target}_${subtarget}`)) {
    const other = targets.find((name) => name.includes("_")) ?? "another target";
    throw new Refusal(`${folder} is the ImageBuilder of ${other}.\n${download(board)}\n${NOTHING}`);
  }
  for (const file of [packageFile, files]) {
    if (file !== undefined && !fs.existsSync(file)) throw new Refusal(`There is no ${file}. ${NOTHING}`);
  }
  const packages = path.join(folder, "packages");
  const isThere = fs.existsSync(packages) && fs.readdirSync(packages).some((name) => name.startsWith("vpnmasq"));
  if (packageFile === undefined && !isThere) {
    throw new Refusal(
      `${packages} has no package of vpnmasq. Give its file: --package vpnmasq.ipk (or .apk). ${NOTHING}`,
    );
  }
}

/** Runs make, showing its last lines when it fails. */
async function make(words: readonly string[], say: (text: string) => void): Promise<void> {
  say(`make ${words.join(" ")}`);
  const child = spawn("make", words, { stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  const readings = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of readline.createInterface({ input: stream })) lines.push(line);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (problem) => {
      reject(new Refusal(`make could not be started: ${problem.message}. ${NOTHING}`));
    });
    child.once("close", resolve);
  });
  await Promise.all(readings);
  if (status !== 0) throw new Refusal(`The ImageBuilder failed:\n${lines.slice(-SHOWN_LINES).join("\n")}\n${NOTHING}`);
}

/**
 * Makes the board's image of a kind.
 *
 * @returns its file
 * @throws Refusal when the ImageBuilder is none, is another board's, or fails
 */
export async function buildImage(
  board: Board,
  kind: string,
  options: BuilderOptions,
  say: (text: string) => void,
): Promise<string> {
  checkBuilder(board, options);
  const { folder, packageFile, files } = options;
  if (packageFile !== undefined) {
    fs.copyFileSync(packageFile, path.join(folder, "packages", path.basename(packageFile)));
  }
  const output = path.resolve(folder, "bin", "vpnmasq", board.name);
  fs.rmSync(output, { recursive: true, force: true });
  const overlay = files === undefined ? [] : [`FILES=${path.resolve(files)}`];
  const profile = `PROFILE=${board.openwrt.profile}`;
  await make(["-C", folder, "image", profile, `PACKAGES=${PACKAGES}`, ...overlay, `BIN_DIR=${output}`], say);
  const end = `${board.openwrt.profile}${board.images[kind]?.fileNameEnd ?? ""}`;
  const image = fs.existsSync(output) ? fs.readdirSync(output).find((name) => name.endsWith(end)) : undefined;
  if (image !== undefined) return path.join(output, image);
  throw new Refusal(`The ImageBuilder made no file *${end} in ${output}: was the image too large? ${NOTHING}`);
}
