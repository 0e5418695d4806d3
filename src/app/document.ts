// SPDX-License-Identifier: GPL-2.0-only
// A JSON document read by a table of keys, and checked whole, so that a person sees all mistakes at once.

import { readFile } from "../system/files";
import type { DocumentKey } from "./document-key";
import { readJson, writeJson } from "./json";
import { nearestName } from "./nearest-name";

/** A document whose keys are not looked at yet. */
export type RawDocument = Readonly<Record<string, unknown>>;

/** What was wanted, or nothing and every problem found, a line each. */
export type Checked<Value> = LuaMultiReturn<[Value, undefined] | [undefined, string[]]>;

/** What the keys of a document hold. */
export interface DocumentValues {
  /** By key, as the program works with them. */
  readonly values: LuaMap<string, unknown>;
  /** By key, as in a document, standards included: for people and for comparing. */
  readonly effective: Readonly<Record<string, unknown>>;
}

/** A document is a few hundred bytes; what is much longer is another file. */
const FILE_BYTES_MAX = 65536;

/** Reads a file with a document in it. */
export function loadDocument(path: string): Checked<RawDocument> {
  const [content, problem] = readFile(path, FILE_BYTES_MAX);
  if (content === undefined) return $multi(undefined, [problem]);
  return parseDocument(content);
}

export function parseDocument(content: string): Checked<RawDocument> {
  const [document, problem] = readJson(content);
  if (problem !== undefined) return $multi(undefined, [`not JSON: ${problem}`]);
  if (!isObject(document)) return $multi(undefined, ['not an object; use {"lan": "...", "wan": "..."}']);
  return $multi(document, undefined);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return type(value) === "table" && (value as LuaTable<number, unknown>).get(1) === undefined;
}

/**
 * The values of a document's keys; without meaning when problems were added.
 * @param where the document lies in a larger one, to stand before its keys in problems: "tunnels[1]."
 */
export function readKeys(
  document: RawDocument,
  keys: readonly DocumentKey[],
  problems: string[],
  where = "",
): DocumentValues {
  const found: string[] = [];
  const given = flatten(document, keys, found);
  const values = new LuaMap<string, unknown>();
  const effective: Record<string, unknown> = {};
  for (const { key, accepted, standard, read } of keys) {
    const value = given.get(key) ?? standard;
    const result = value === undefined ? undefined : read(value);
    if (value === undefined) found.push(`${key}: must be given; use ${accepted}`);
    else if (result === undefined) found.push(`${key}: ${quote(value)} is not accepted; use ${accepted}`);
    else values.set(key, result);
    effective[key] = value;
  }
  for (const problem of found) problems.push(where + problem);
  return { values, effective };
}

/** The document's values by their keys with dots, in order. */
function flatten(document: RawDocument, keys: readonly DocumentKey[], problems: string[]): LuaMap<string, unknown> {
  const given = new LuaMap<string, unknown>();
  const take = (key: string, value: unknown): void => {
    if (given.has(key)) problems.push(`${clip(key)}: given twice`);
    else if (isKnown(key, keys, problems)) given.set(key, value);
  };
  const groups = groupsOf(keys);
  for (const name of sortedKeys(document)) {
    const value = document[name];
    if (!groups.includes(name)) take(name, value);
    else if (isObject(value)) for (const inner of sortedKeys(value)) take(`${name}.${inner}`, value[inner]);
    else problems.push(`${name}: ${quote(value)} is not accepted; use an object`);
  }
  return given;
}

/** Objects inside the document: what stands before the dot of a key. */
function groupsOf(keys: readonly DocumentKey[]): (string | undefined)[] {
  return keys.map(({ key }) => string.match(key, "^(.-)%.")[0] as string | undefined);
}

function sortedKeys(document: object): string[] {
  return Object.keys(document).sort((one, other) => (one < other ? -1 : 1));
}

function isKnown(name: string, keys: readonly DocumentKey[], problems: string[]): boolean {
  const known = keys.map(({ key }) => key);
  if (known.includes(name)) return true;
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? "`vpnmasq check --keys` lists all" : `did you mean "${nearest}"?`;
  problems.push(`${clip(name)}: there is no such key; ${hint}`);
  return false;
}

const SHOWN_BYTES_MAX = 40;

/** A text of the document, cut when it is long. What would steer a terminal, or not be seen, is shown as JSON has it. */
export function clip(text: string): string {
  if (text === "") return '""';
  const [shown] = string.gsub(text, "%c", (character: string) => string.format("\\u%04x", string.byte(character)));
  return string.len(shown) <= SHOWN_BYTES_MAX ? shown : `${string.sub(shown, 1, SHOWN_BYTES_MAX)}...`;
}

/** A value as it stands in the document, or a text in quotes; cut when it is long. */
export function quote(value: unknown): string {
  return clip(writeJson(value));
}
