// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq rpcd list` and `vpnmasq rpcd call METHOD`: what OpenWrt's rpcd runs to answer `ubus call vpnmasq METHOD`, and
// so what the pages of LuCI are made of.
//
// rpcd hands a call's arguments to standard input as JSON, reads one JSON object from standard output, and makes the
// whole of it a message of ubus; so replies are bounded, and lists come in pages. A refusal is a reply too,
// {"error": TEXT}: rpcd throws away standard error and the exit status.

import type { Outcome } from "../system/outcome";
import type { Role } from "./control-client";
import { readJson, writeJson } from "./json";
import { readPage } from "./page";
import { keysReport } from "./report/key-report";
import { quoteAll, refusal, type Request } from "./request-line";

/** Items on a page: an ESP item takes some 400 bytes, a tunnel some 1000. */
export const RPC_PAGE_ITEMS = { standard: 25, most: 50 };
/** Half of what rpcd holds of a program's output (its RPC_EXEC_MAX_SIZE is 256 KiB). */
export const RPC_REPLY_BYTES_MAX = 128 * 1024;
/** rpcd's own bound on a request is that of ubus, 1 MiB; ours are a few words. */
export const RPC_ARGUMENTS_BYTES_MAX = 4096;

/** Asks a running router or endpoint. */
export type Asker = (role: Role, request: object) => Outcome<object>;

interface Method {
  /** By name, a value of the type that rpcd is to expect: text, or 32 for a whole number of 32 bits. */
  readonly arguments: Readonly<Record<string, string | number>>;
  readonly answer: (given: Request, ask: Asker) => object;
}

const PAGE = { offset: 32, limit: 32 };

/** Hands a request on, with the named arguments. */
function forward(role: Role, command: string, names: readonly string[], given: Request, ask: Asker): object {
  const request: Record<string, unknown> = { command };
  for (const name of names) request[name] = given[name];
  const [reply, problem] = ask(role, request);
  return reply ?? refusal(problem);
}

function plain(role: Role, command: string): Method {
  return { arguments: {}, answer: (given, ask) => forward(role, command, [], given, ask) };
}

/** The same for lists, whose pages are smaller here. */
function paged(role: Role, command: string, names: readonly string[], example: Method["arguments"]): Method {
  return {
    arguments: { ...example, ...PAGE },
    answer: (given, ask) => {
      const page = readPage(given, RPC_PAGE_ITEMS);
      if (typeof page === "string") return refusal(page);
      return forward(role, command, [...names, "offset", "limit"], { ...given, ...page }, ask);
    },
  };
}

const METHODS: Readonly<Record<string, Method>> = {
  health: plain("router", "health"),
  status: plain("router", "status"),
  counters: plain("router", "counters"),
  log: plain("router", "log"),
  table: paged("router", "table", ["table"], { table: "esp" }),
  explain: {
    arguments: { subject: "192.0.2.1" },
    answer: (given, ask) => forward("router", "explain", given.subject === "" ? [] : ["subject"], given, ask),
  },
  tunnels: paged("endpoint", "tunnels", [], {}),
  tunnel: {
    arguments: { name: "office" },
    answer: ({ name }, ask) => forward("endpoint", "explain", ["subject"], { subject: name }, ask),
  },
  keys: { arguments: {}, answer: () => keysReport() },
};

const NAMES = Object.keys(METHODS).sort((one, other) => (one < other ? -1 : 1));

/** The methods and their arguments, as rpcd reads them when it starts. Written here, as ours of JSON has no empty object. */
export function listMethods(): string {
  const members = NAMES.map((name) => {
    const { arguments: example } = METHODS[name];
    return `${writeJson(name)}:${next(example)[0] === undefined ? "{}" : writeJson(example)}`;
  });
  return `{${members.join(",")}}`;
}

/** Answers one call. @param text the arguments; rpcd adds some of its own, which are left aside */
export function answerCall(name: string, text: string, ask: Asker): string {
  const line = writeJson(replyTo(name, text, ask));
  if (string.len(line) <= RPC_REPLY_BYTES_MAX) return line;
  return writeJson(refusal(`the reply has more than ${RPC_REPLY_BYTES_MAX} bytes; ask for less (limit, subject)`));
}

function replyTo(name: string, text: string, ask: Asker): object {
  if (!NAMES.includes(name)) return refusal(`there is no method of this name; use one of ${quoteAll(NAMES)}`);
  const [given, problem] = readJson(text === "" ? "{}" : text);
  if (problem !== undefined) return refusal(`arguments: not JSON: ${problem}`);
  if (type(given) !== "table") return refusal("arguments: use a JSON object");
  return METHODS[name].answer(given as Request, ask);
}
