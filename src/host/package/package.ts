// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run package`: packages for OpenWrt, with indexes, so that the folder of each release is a feed.
//
// The same commit makes the same bytes: times are those of SOURCE_DATE_EPOCH, or of the last commit.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { refuseNames, runCommand } from "../command.js";
import type { CommandWords, OptionRules } from "../command-words.js";
import type { ResultDocument } from "../document.js";
import { contentsOf } from "./contents.js";
import { readDefinition } from "./definition.js";
import { apkFeed, type Feed, opkgFeed, writeSourceFeed } from "./feed.js";
import { installedBytes } from "./ipk.js";
import { makeSigningKeys, readSigningKeys } from "./signing-keys.js";

const OUTPUT = "build/packages";
const RELEASES = { opkg: "24.10", apk: "25.12" } as const;
/** Where there is neither a commit nor the variable, as in an unpacked archive: 2026-01-01. */
const FALLBACK_EPOCH_SECONDS = 1767225600;

/** reproducible-builds.org: what a build has for the time. */
function epochSeconds(): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  try {
    const git = execFileSync("git", ["log", "-1", "--format=%ct"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return Number(git.trim());
  } catch {
    return FALLBACK_EPOCH_SECONDS;
  }
}

function writeFeed(folder: string, feed: Feed): void {
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, content] of feed) fs.writeFileSync(path.join(folder, name), content);
}

async function makePackages(keyFolder: string | undefined): Promise<ResultDocument> {
  const definition = readDefinition();
  const keys = keyFolder === undefined ? undefined : readSigningKeys(keyFolder);
  const seconds = epochSeconds();
  const feeds = {
    [RELEASES.opkg]: await opkgFeed(definition, seconds, keys),
    [RELEASES.apk]: apkFeed(definition, seconds, keys),
  };
  fs.rmSync(OUTPUT, { recursive: true, force: true });
  for (const [release, feed] of Object.entries(feeds)) writeFeed(path.join(OUTPUT, release), feed);
  writeSourceFeed(definition, path.join(OUTPUT, "feed/vpnmasq"));
  const figures: Record<string, { value: number; unit: string; reach?: string }> = {};
  for (const one of definition.packages) {
    const size = installedBytes(contentsOf(one));
    const reach = one.name === "vpnmasq" ? { reach: "<= 204800" } : {};
    figures[`${one.name} installed size`] = { value: size, unit: "bytes", ...reach };
  }
  for (const [release, feed] of Object.entries(feeds)) {
    for (const [name, content] of feed) figures[`${release}/${name}`] = { value: content.length, unit: "bytes" };
  }
  const notes = [`times are ${new Date(seconds * 1000).toISOString()}`];
  if (keys === undefined) notes.push("the indexes are not signed; --sign KEYDIR signs them");
  const total = figures["vpnmasq installed size"]?.value ?? 0;
  return { name: "package", ok: total <= 204_800, figures, notes };
}

function show({ figures, notes }: ResultDocument): void {
  for (const [name, { value, unit }] of Object.entries(figures)) {
    console.log(`${name.padEnd(48)}${String(value).padStart(8)} ${unit}`);
  }
  for (const note of notes) console.log(note);
}

const OPTIONS = {
  sign: { value: "KEYDIR", does: "sign the indexes with the keys of this folder" },
  "make-keys": { value: "KEYDIR", does: "make a folder with new keys, and nothing else" },
  json: { does: "the result as one JSON document" },
} as const satisfies OptionRules;

async function run({ names, values, flags }: CommandWords<keyof typeof OPTIONS>): Promise<boolean> {
  refuseNames(names);
  const newKeys = values["make-keys"];
  if (newKeys !== undefined) {
    makeSigningKeys(newKeys);
    return true;
  }
  const result = await makePackages(values.sign);
  if (flags.has("json")) console.log(JSON.stringify(result));
  else show(result);
  return result.ok;
}

await runCommand({ usage: "package [-- OPTION...]", options: OPTIONS, run });
