// SPDX-License-Identifier: GPL-2.0-only
// The commands: what each of them does, and with which status it exits.

import { EventLoop } from "../system/event-loop";
import { isOutputTerminal, terminalSize } from "../system/terminal";
import { parseAddress, parseSpi } from "../wire/address";
import { showBanner } from "./banner-command";
import { type Arguments, readCommandLine } from "./command-line";
import { readConfiguration } from "./configuration";
import { readNotes } from "./configuration-notes";
import { ask, askRouter, type Role } from "./control-client";
import { loadDocument } from "./document";
import { isEndpointDocument, readEndpointConfiguration } from "./endpoint-configuration";
import { showHealth } from "./health-command";
import { helpView } from "./help";
import { writeJson } from "./json";
import type { CounterItem } from "./report/decision-report";
import { type ExplainReport, SUBJECT_ACCEPTED } from "./report/explain-report";
import { keysReport } from "./report/key-report";
import type { StatusReport } from "./report/status-report";
import { TABLE_NAMES, type TableName, type TableReport } from "./report/table-report";
import type { TunnelItem, TunnelsReport } from "./report/tunnel-report";
import { answerCall, listMethods, RPC_ARGUMENTS_BYTES_MAX } from "./rpcd";
import { collectSupport, Mask, type SupportSources, supportView } from "./support";
import { supportLines, supportLinesAgain } from "./support-wire";
import { screenful } from "./text/screenful";
import { SCREEN_COLUMNS, wrapText } from "./text/layout";
import { badConfigurationView, goodConfigurationView, goodEndpointView, keysView, notesView } from "./view/check-view";
import { countersView, explainView } from "./view/explain-view";
import { statusView } from "./view/status-view";
import { tableView } from "./view/table-view";
import { tunnelsView, tunnelView } from "./view/tunnels-view";

const DONE = 0;
const FAILED = 1;
/** As the shell's own commands have it. */
const WRONG_USAGE = 2;

/** Between the two looks at the table that rates are made of: long enough for a stream to show, short to wait. */
const RATE_INTERVAL_MS = 500;

type Command = (this: void, given: Arguments) => number;

function write(lines: readonly string[]): number {
  io.stdout.write(`${lines.join("\n")}\n`);
  return DONE;
}

/** Text for people: on a terminal no more than its screen holds, unless all is asked for. */
function writeText(lines: readonly string[], given: Arguments): number {
  if (given.all === true || !isOutputTerminal()) return write(lines);
  return write(screenful(lines.join("\n"), terminalSize().rows));
}

function complain(problem: string, status: number): number {
  io.stderr.write(`${wrapText(`vpnmasq: ${problem}`, SCREEN_COLUMNS).join("\n")}\n`);
  return status;
}

/** Where each role listens when its configuration does not say otherwise. */
const CONTROL = { router: "/var/run/vpnmasq/control.sock", endpoint: "/var/run/vpnmasq/endpoint.sock" };

/** Asks one thing and shows the reply as a document or as text. */
function show<Reply>(
  given: Arguments,
  request: object,
  view: (this: void, reply: Reply) => string[],
  role: Role = "router",
): number {
  const [reply, problem] = ask<Reply>(role, given.control ?? CONTROL[role], request);
  if (problem !== undefined) return complain(problem, FAILED);
  return given.json === true ? write([writeJson(reply)]) : writeText(view(reply), given);
}

/** The tables asked for, or undefined and what went wrong. */
function askTables(given: Arguments): LuaMultiReturn<[TableReport[], undefined] | [undefined, string]> {
  const names: readonly TableName[] = given.table === undefined ? TABLE_NAMES : [given.table];
  const reports: TableReport[] = [];
  const control = given.control ?? CONTROL.router;
  for (const name of names) {
    const page = { offset: tonumber(given.offset) ?? given.offset, limit: tonumber(given.limit) ?? given.limit };
    const [report, problem] = askRouter<TableReport>(control, { command: "table", table: name, ...page });
    if (problem !== undefined) return $multi(undefined, problem);
    // Whoever did not ask for flows is not told that there are none.
    if (report.table !== "flows" || report.capacity > 0 || given.table === "flows") reports.push(report);
  }
  return $multi(reports, undefined);
}

/** Looks twice, so that rates are those of now; the router need remember nothing for us. */
function showTables(given: Arguments): number {
  const [earlier, problem] = askTables(given);
  if (problem !== undefined) return complain(problem, FAILED);
  if (given.json === true) return write([writeJson(given.table === undefined ? { tables: earlier } : earlier[0])]);
  if (earlier.some(({ table, items }) => table === "esp" && items.length > 0))
    new EventLoop().runOnce(RATE_INTERVAL_MS);
  const [reports, laterProblem] = askTables(given);
  if (laterProblem !== undefined) return complain(laterProblem, FAILED);
  const paragraphs = reports.map((report) => {
    const before = earlier.find(({ table }) => table === report.table);
    return tableView(report, before).join("\n");
  });
  return writeText([paragraphs.join("\n\n")], given);
}

function explain(given: Arguments): number {
  const { subject } = given;
  if (subject !== undefined && parseAddress(subject) === undefined && parseSpi(subject) === undefined) {
    return explainTunnel(given, subject);
  }
  return show<ExplainReport>(given, { command: "explain", subject }, (report) => explainView(report));
}

/** What is no address and no SPI may be the name of a tunnel, which the endpoint knows. */
function explainTunnel(given: Arguments, name: string): number {
  const [report, problem] = ask<TunnelItem>("endpoint", given.control ?? CONTROL.endpoint, {
    command: "explain",
    subject: name,
  });
  if (report !== undefined) {
    return given.json === true ? write([writeJson(report)]) : writeText(tunnelView(report), given);
  }
  return complain(
    `"${name}" is neither ${SUBJECT_ACCEPTED.replace(" or ", " nor ")}; as a tunnel: ${problem}`,
    WRONG_USAGE,
  );
}

/** Both roles where they usually listen; a socket that is named is the router's or the endpoint's. */
function supportSources(named: string | undefined): SupportSources {
  if (named === undefined) return CONTROL;
  const [tunnels] = ask("endpoint", named, { command: "tunnels" });
  return tunnels === undefined ? { router: named, endpoint: undefined } : { router: undefined, endpoint: named };
}

function support(given: Arguments): number {
  const control = given.control ?? CONTROL.router;
  if (given.again !== undefined) {
    const [lines, problem] = supportLinesAgain(given.again, control);
    return problem === undefined ? write(lines) : complain(problem, WRONG_USAGE);
  }
  const collected = collectSupport(supportSources(given.control));
  const bundle = given.mask === true ? new Mask().value(collected) : collected;
  if (given.wire === true) return write(supportLines(bundle, control));
  return write(given.json === true ? [writeJson(bundle)] : supportView(bundle));
}

function check(given: Arguments): number {
  if (given.keys === true) {
    return given.json === true ? write([writeJson(keysReport())]) : writeText(keysView(), given);
  }
  const { effective, view, problems } = checkFile(given.file);
  const notes = readNotes(given.file);
  if (given.json === true) {
    write([writeJson({ ok: problems.length === 0, problems, notes, configuration: effective })]);
  } else if (problems.length === 0) {
    writeText([...view, ...notesView(notes)], given);
  } else {
    io.stderr.write(`${badConfigurationView(given.file, problems).join("\n")}\n`);
  }
  return problems.length === 0 ? DONE : FAILED;
}

/** What is shown of a configuration, whichever role it is for. */
interface CheckedFile {
  readonly effective?: Readonly<Record<string, unknown>>;
  readonly view: readonly string[];
  readonly problems: readonly string[];
}

function checkFile(file: string): CheckedFile {
  const [document, unread] = loadDocument(file);
  if (document === undefined) return { view: [], problems: unread };
  if (isEndpointDocument(document)) {
    const [endpoint, problems] = readEndpointConfiguration(document);
    if (endpoint === undefined) return { view: [], problems };
    return { effective: endpoint.effective, view: goodEndpointView(file, endpoint), problems: [] };
  }
  const [configuration, problems] = readConfiguration(document);
  if (configuration === undefined) return { view: [], problems };
  return { effective: configuration.effective, view: goodConfigurationView(file, configuration), problems: [] };
}

/** Loaded only when asked for: it needs a terminal, which a service has not. */
function watch(given: Arguments): number {
  const { watchRouter } = require("./watch/watch") as typeof import("./watch/watch");
  const [, problem] = watchRouter(given.control ?? CONTROL.router);
  return problem === undefined ? DONE : complain(problem, FAILED);
}

/** Loaded only when asked for: the other commands need none of the router. */
function router(given: Arguments): number {
  return (require("./router") as typeof import("./router")).runRouter(given.config);
}

function endpoint(given: Arguments): number {
  return (require("./endpoint") as typeof import("./endpoint")).runEndpoint(given.config);
}

function help(given: Arguments): number {
  const [lines, problem] = helpView(given.topic);
  return lines === undefined ? complain(problem, WRONG_USAGE) : writeText(lines, given);
}

/** Whatever is wrong is in the reply: rpcd reads nothing else. */
function rpcd({ verb, method, control }: Arguments): number {
  if (verb === "list") return write([listMethods()]);
  const given = io.read(RPC_ARGUMENTS_BYTES_MAX) ?? "";
  return write([answerCall(method ?? "", given, (role, request) => ask(role, control ?? CONTROL[role], request))]);
}

/** Loaded only when asked for: it reads what the router has the kernel run. */
function offload(given: Arguments): number {
  const program = require("../forwarding/offload/listing") as typeof import("../forwarding/offload/listing");
  return writeText(program.listing(), given);
}

/** Asked for by the init script of OpenWrt alone. */
function uci(given: Arguments): number {
  return (require("./uci/uci-command") as typeof import("./uci/uci-command")).runUci(given);
}

const COMMANDS: Readonly<Record<string, Command>> = {
  router,
  endpoint,
  status: (given) => show<StatusReport>(given, { command: "status" }, (report) => statusView(report)),
  health: (given) => showHealth(given.control ?? CONTROL.router, given.json === true),
  table: showTables,
  explain,
  tunnels: (given) => show<TunnelsReport>(given, { command: "tunnels" }, (report) => tunnelsView(report), "endpoint"),
  counters: (given) =>
    show<{ counters: CounterItem[] }>(given, { command: "counters" }, ({ counters }) => countersView(counters)),
  watch,
  offload,
  banner: (given) => showBanner(given.control ?? CONTROL.router),
  support,
  check,
  help,
  rpcd,
  uci,
};

/** @returns the exit status. */
export function main(words: readonly string[]): number {
  if (words[0] === "selftest") {
    const selftest = require("../../test/selftest/selftest") as typeof import("../../test/selftest/selftest");
    return selftest.runSelftest(words.slice(1));
  }
  const [given, problem] = readCommandLine(words.length === 0 ? ["--help"] : words);
  if (given === undefined) return complain(`${problem}; see vpnmasq help`, WRONG_USAGE);
  return COMMANDS[given.command](given);
}
