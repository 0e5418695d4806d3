// SPDX-License-Identifier: GPL-2.0-only
// How a key of the JSON document is written as an option of UCI, and read from there.
//
// One rule for all keys: the option has the key's name, with _ for the dot. Values are turned into what the document has;
// what cannot be turned is handed on as it is, so that only the table of keys says what is accepted.

import type { DocumentKey, Kind } from "../document-key";
import type { UciValue } from "./uci-file";

/** `limits.esp_idle_ms` is the option `limits_esp_idle_ms`. */
export function optionName(key: string): string {
  return string.gsub(key, "%.", "_")[0];
}

/** As config_get_bool of OpenWrt has it. */
const FLAGS: Readonly<Record<string, boolean>> = {
  "1": true,
  on: true,
  true: true,
  yes: true,
  enabled: true,
  "0": false,
  off: false,
  false: false,
  no: false,
  disabled: false,
};

/** Undefined: neither yes nor no. */
export function readFlag(text: string): boolean | undefined {
  return FLAGS[text];
}

function readNumber(text: string): number | string {
  const [digits] = string.match(text, "^%-?%d+$");
  return digits === undefined ? text : (tonumber(digits) ?? text);
}

/** A list may also be one option, its texts between spaces: the shell's own way to read UCI makes no difference. */
function textsOf(value: UciValue): readonly string[] {
  if (typeof value !== "string") return value;
  const texts: string[] = [];
  for (const [text] of string.gmatch(value, "%S+")) texts.push(text);
  return texts;
}

type Convert = (this: void, value: UciValue) => unknown;

const asIs: Convert = (value) => value;
const number: Convert = (value) => (typeof value === "string" ? readNumber(value) : value);
const texts: Convert = (value) => textsOf(value);

const CONVERTERS: Readonly<Record<Kind["kind"], Convert>> = {
  choice: asIs,
  interface: asIs,
  path: asIs,
  address: asIs,
  other: asIs,
  whole: number,
  "power of two": number,
  flag: (value) => (typeof value === "string" ? (readFlag(value) ?? value) : value),
  addresses: texts,
  networks: texts,
  ports: (value) => textsOf(value).map((text) => readNumber(text)),
};

/** The document's value of an option, not checked. */
export function valueOfOption({ kind }: DocumentKey, value: UciValue): unknown {
  return CONVERTERS[kind.kind](value);
}
