// SPDX-License-Identifier: GPL-2.0-only
// Keys of a JSON document: what each accepts, what holds when it is absent, and what it is for.
//
// A table of keys is the only description of its document: documents are checked by it, errors quote it, and the tables
// in docs/ and `vpnmasq check --keys` are its text.

import { ADDRESS_ACCEPTED, parseAddress, parsePrefix, PREFIX_ACCEPTED } from "../wire/address";
import { JSON_NULL, writeJson } from "./json";

/** What a value is, with the same bounds that `read` checks, as data: for forms, and for UCI, which writes all as text. */
export type Kind =
  | { readonly kind: "choice"; readonly values: readonly string[] }
  | { readonly kind: "whole"; readonly least: number; readonly most: number; readonly unit: string }
  | { readonly kind: "power of two"; readonly least: number; readonly most: number }
  | { readonly kind: "flag" | "interface" | "path" | "address" | "addresses" | "networks" | "ports" | "other" };

/** What another key of the same document has to be for a key to count. */
export interface Condition {
  readonly key: string;
  /** The value; undefined: any but null. */
  readonly is?: string;
}

export interface DocumentKey {
  /** As in the document; a dot leads into an inner object. */
  readonly key: string;
  /** What may stand there, to follow "use ". */
  readonly accepted: string;
  readonly kind: Kind;
  /** The value to work with; undefined when what stands there is not accepted. */
  readonly read: (value: unknown) => unknown;
  /** As in a document; undefined: the key must be given. */
  readonly standard: unknown;
  /** The standard value as text. */
  readonly standardText: string;
  readonly explanation: string;
  /** Whether a reload takes a change over; else it waits for a restart. */
  readonly isLive: boolean;
  /** When it counts at all; undefined: always. Forms ask for it only then; a document may say it at any time. */
  readonly counts?: Condition;
}

export type Accepts = Pick<DocumentKey, "accepted" | "kind" | "read">;

export function choice(...values: readonly string[]): Accepts {
  const quoted = values.map((value) => `"${value}"`);
  const accepted = `${quoted.slice(0, -1).join(", ")} or ${quoted[quoted.length - 1]}`;
  return { accepted, kind: { kind: "choice", values }, read: (value) => values.find((one) => one === value) };
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return (
    type(value) === "number" &&
    (value as number) >= least &&
    (value as number) <= most &&
    Math.floor(value as number) === value
  );
}

/** @param unit of the document's number @param factor turns it into the unit the program works with */
export function whole(least: number, most: number, unit = "", factor = 1): Accepts {
  const range = string.format("a whole number from %d to %d", least, most);
  return {
    accepted: unit === "" ? range : `${range} (${unit})`,
    kind: { kind: "whole", least, most, unit },
    read: (value) => (isWhole(value, least, most) ? value * factor : undefined),
  };
}

export function powerOfTwo(least: number, most: number): Accepts {
  return {
    accepted: `a power of two from ${least} to ${most}`,
    kind: { kind: "power of two", least, most },
    read: (value) => (isWhole(value, least, most) && (value & (value - 1)) === 0 ? value : undefined),
  };
}

const OTHER: Kind = { kind: "other" };
const PATH: Kind = { kind: "path" };

/** Text that matches a Lua pattern and is not too long. */
export function text(accepted: string, pattern: string, bytesMax: number, kind: Kind = OTHER): Accepts {
  const isGood = (value: unknown): value is string =>
    type(value) === "string" &&
    string.len(value as string) <= bytesMax &&
    string.match(value as string, pattern)[0] !== undefined;
  return { accepted, kind, read: (value) => (isGood(value) ? value : undefined) };
}

/** A list, each of whose entries is accepted. */
export function list(accepted: string, kind: Kind, readEntry: (value: unknown) => unknown): Accepts {
  const read = (value: unknown): unknown => {
    if (type(value) !== "table") return undefined;
    const entries: unknown[] = [];
    for (const [key, entry] of pairs(value as LuaTable)) {
      const result = type(key) === "number" ? readEntry(entry) : undefined;
      if (result === undefined) return undefined;
      entries.push(result);
    }
    return entries;
  };
  return { accepted, kind, read: (value) => read(value) };
}

export const flag: Accepts = {
  accepted: "true or false",
  kind: { kind: "flag" },
  read: (value) => (type(value) === "boolean" ? value : undefined),
};

export function orNull(inner: Accepts): Accepts {
  return {
    accepted: `${inner.accepted}, or null`,
    kind: inner.kind,
    read: (value) => (value === JSON_NULL ? JSON_NULL : inner.read(value)),
  };
}

/** linux/if.h: IFNAMSIZ is 16 with the ending zero; the kernel refuses "/" and white space. */
export const interfaceName = text('an interface name, 1 to 15 characters, as "eth0"', "^[^/%s%c]+$", 15, {
  kind: "interface",
});
/** linux/un.h: a socket's path has 108 bytes with the ending zero. */
export const socketPath = text("an absolute path of at most 107 bytes", "^/[^%c]+$", 107, PATH);
export const path = text("an absolute path", "^/[^%c]+$", 1000, PATH);
/** Of OpenWrt's service manager; docs/openwrt.md. */
export const procdInstance = text('SERVICE/INSTANCE, as "vpnmasq/router"', "^[%w_-]+/[%w_-]+$", 64);
export const ports = list("a list of port numbers, 1 to 65535", { kind: "ports" }, (value) =>
  isWhole(value, 1, 0xffff) ? value : undefined,
);
export const address: Accepts = {
  accepted: `an IPv4 address, ${ADDRESS_ACCEPTED}`,
  kind: { kind: "address" },
  read: (value) => (type(value) === "string" ? parseAddress(value as string) : undefined),
};
export const addresses = list("a list of IPv4 addresses", { kind: "addresses" }, (value) =>
  type(value) === "string" ? parseAddress(value as string) : undefined,
);
export const prefixes = list(`a list of networks, each ${PREFIX_ACCEPTED}`, { kind: "networks" }, (value) =>
  type(value) === "string" ? parsePrefix(value as string) : undefined,
);

/** Of a key that must be given. */
export const REQUIRED = undefined;

export function key(
  name: string,
  accepts: Accepts,
  standard: unknown,
  explanation: string,
  isLive = false,
): DocumentKey {
  const standardText = standard === REQUIRED ? "must be given" : writeJson(standard);
  return { key: name, ...accepts, standard, standardText, explanation, isLive };
}

/** Keys that count under a condition. One that another key's value makes is named before the explanation. */
export function when(counts: Condition, keys: readonly DocumentKey[]): DocumentKey[] {
  const { key: other, is } = counts;
  return keys.map((one) => {
    const explanation = is === undefined ? one.explanation : `${other} ${is}: ${one.explanation}`;
    return { ...one, explanation, counts };
  });
}

/**
 * Keys whose change only counts after a restart, of those that differ; the other changes may be taken over at once.
 * @param running and `fresh` are the values of all keys
 */
export function needsRestart(
  keys: readonly DocumentKey[],
  running: Readonly<Record<string, unknown>>,
  fresh: Readonly<Record<string, unknown>>,
): string[] {
  const waiting = keys.filter(
    ({ key: name, isLive }) => !isLive && writeJson(running[name]) !== writeJson(fresh[name]),
  );
  return waiting.map(({ key: name }) => name);
}
