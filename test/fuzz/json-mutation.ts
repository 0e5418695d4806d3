// SPDX-License-Identifier: GPL-2.0-only
// Changes a JSON document by its structure: bytes changed at random mostly make what is no JSON at all, and then only
// the JSON library is tried.

import type { Random } from "../spec/random";
import type { Mutation } from "./mutation";

/** @noSelf */
interface Cjson {
  decode: (text: string) => unknown;
  encode: (value: unknown) => string;
  encode_sparse_array(convert: boolean, ratio: number, safe: number): void;
  new: () => Cjson;
}

/** One of its own: its settings are not those of the program under test. */
const cjson = (require("cjson") as Cjson).new();
cjson.encode_sparse_array(true, 2, 10);

type Members = Record<string, unknown>;

const CHANGES_MAX = 3;
/** Going down stops here at the latest. */
const DEPTH_MAX = 6;
/** Of a hundred inputs, those left as bytes. */
const LEFT_PERCENT = 15;

const SCALARS: readonly unknown[] = [
  0, 1, -1, 0.5, 64, 65535, 65536, 4294967295, 1e15, 1e300, true, false, "", "x", "eth0", "192.0.2.1", "192.0.2.0/24",
  "/", "/a/../b", "\x1b[31mred", "\n", "a\0b", "\xff\xfe", "0x10", "null", "vpn", "all",
]; // prettier-ignore

function scalar(random: Random): unknown {
  if (random.below(4) === 0) return random.below(100000);
  if (random.below(12) === 0) return string.rep("long", 1 + random.below(200));
  return SCALARS[random.below(SCALARS.length)];
}

function value(random: Random, words: readonly string[]): unknown {
  const kind = random.below(8);
  if (kind === 0) return {};
  if (kind === 1) return [scalar(random), scalar(random)];
  if (kind === 2) return { [words[random.below(words.length)]]: scalar(random) };
  return scalar(random);
}

/** The keys in an order that is the same in every run. */
function keysOf(document: Members): unknown[] {
  const keys: unknown[] = [];
  for (const [key] of pairs(document)) keys.push(key);
  return keys.sort((one, other) => (tostring(one) < tostring(other) ? -1 : 1));
}

function changeOnce(root: Members, words: readonly string[], random: Random): void {
  let at = root;
  for (const _ of $range(1, DEPTH_MAX)) {
    const inner = keysOf(at)
      .map((key) => at[key as string])
      .filter((one) => type(one) === "table");
    if (inner.length === 0 || random.below(3) === 0) break;
    at = inner[random.below(inner.length)] as Members;
  }
  const keys = keysOf(at);
  const kind = random.below(4);
  const isList = keys.length > 0 && type(keys[0]) === "number";
  if (keys.length === 0 || (kind === 0 && !isList)) at[words[random.below(words.length)]] = value(random, words);
  else if (kind === 1 && !isList) at[keys[random.below(keys.length)] as string] = undefined;
  else at[keys[random.below(keys.length)] as string] = value(random, words);
}

/**
 * Replaces the input by a document that is JSON: itself, when it still is, else `base`, with a few members changed.
 * @param words names of members to put in
 */
export function changeJson(mutation: Mutation, base: string, words: readonly string[], random: Random): void {
  if (random.below(100) < LEFT_PERCENT) return;
  let [isJson, document] = pcall(cjson.decode, mutation.text());
  if (!isJson || type(document) !== "table") [isJson, document] = pcall(cjson.decode, base);
  if (!isJson || type(document) !== "table") return;
  for (const _ of $range(0, random.below(CHANGES_MAX))) changeOnce(document as Members, words, random);
  const [isWritten, text] = pcall(cjson.encode, document);
  if (isWritten) mutation.loadAt(0, text);
}
