// SPDX-License-Identifier: GPL-2.0-only
// The commands, their arguments and options, as argparse reads them and `--help` shows them.

import { VERSION } from "./version";

/** What was asked for; `command` names the command. */
export interface Arguments {
  readonly command: string;
  readonly json?: boolean;
  readonly all?: boolean;
  /** Undefined: where the program that is asked usually listens. */
  readonly control?: string;
  readonly config: string;
  readonly table?: "ike" | "esp" | "flows";
  readonly offset: string;
  readonly limit: string;
  readonly subject?: string;
  readonly mask?: boolean;
  readonly wire?: boolean;
  readonly again?: string;
  readonly file: string;
  readonly keys?: boolean;
  readonly topic?: string;
  /** Of `rpcd`: "list" or "call". */
  readonly verb: string;
  readonly method?: string;
  readonly role: "router" | "endpoint";
  readonly directory: string;
  readonly output?: string;
}

interface Element {
  args(count: string): Element;
  choices(values: readonly string[]): Element;
  default(value: string): Element;
  argname(name: string): Element;
  action(run: (this: void) => void): Element;
}

interface Parser {
  command(name: string, description: string): Parser;
  command_target(name: string): Parser;
  get_help(): string;
  hidden(isHidden: boolean): Parser;
  flag(name: string, description: string): Element;
  option(name: string, description: string): Element;
  argument(name: string, description: string): Element;
  pparse(this: Parser, words: readonly string[]): LuaMultiReturn<[true, Arguments] | [false, string]>;
}

type Argparse = (this: void, name: string, description: string) => Parser;

const DEFAULT_CONFIGURATION = "/etc/vpnmasq.json";
const DEFAULT_ENDPOINT_CONFIGURATION = "/etc/vpnmasq-endpoint.json";
const UCI_DIRECTORY = "/etc/config";

/** Adds all commands. @returns the parser of each, by name */
function addCommands(root: Parser): LuaMap<string, Parser> {
  const commands = new LuaMap<string, Parser>();
  const parser = {
    command: (name: string, description: string): Parser => {
      const command = root.command(name, description);
      commands.set(name, command);
      return command;
    },
  };
  const router = parser.command("router", "masquerade until stopped (as root)");
  router.option("--config", "the configuration").argname("FILE").default(DEFAULT_CONFIGURATION);
  const endpoint = parser.command("endpoint", "keep this IPsec peer's tunnels alive until stopped (as root)");
  endpoint.option("--config", "the configuration").argname("FILE").default(DEFAULT_ENDPOINT_CONFIGURATION);
  parser.command("status", "whether it runs, on which links, how full it is");
  parser.command("health", "whether it forwards; exits with 0 only when it does");
  const table = parser.command("table", "tunnels and sessions, with ages and rates");
  table.argument("table", "one of them only").args("?").choices(["ike", "esp", "flows"]);
  table.option("--offset", "items to leave out first").argname("N").default("0");
  table.option("--limit", "most items shown").argname("N").default("200");
  const explain = parser.command("explain", "what was decided, why, and what comes next");
  explain.argument("subject", "address, SPI or tunnel; absent: whatever is not plain").args("?");
  parser.command("tunnels", "the endpoint's tunnels: state, epochs, what comes next");
  parser.command("counters", "packets by what became of them");
  parser.command("watch", "health, links and tables, live; q ends it");
  parser.command("offload", "the programs that forward in the kernel, as it runs them");
  parser.command("banner", "health in one look, for a login");
  const support = parser.command("support", "everything in one text, to send to who helps");
  support.flag("--mask", "give addresses other names");
  support.flag("--wire", "packed and checked, for a serial console");
  support.option("--again", "with --wire's last bundle: these lines again").argname("LINES");
  const check = parser.command("check", "say what a configuration does, or what is wrong");
  check.argument("file", "the configuration").args("?").default(DEFAULT_CONFIGURATION);
  check.flag("--keys", "list every key instead");
  const uci = parser.command("uci", "OpenWrt: make a role's document from /etc/config");
  uci.argument("role", "router or endpoint").choices(["router", "endpoint"]);
  uci.option("--directory", "where UCI's files lie").argname("DIR").default(UCI_DIRECTORY);
  uci.option("--output", "write it there when it is good").argname("FILE");
  parser.command("selftest", "test interpreter, CPU and kernel of this board");
  const help = parser.command("help", "a command or another topic, explained");
  help.argument("topic", "absent: all commands and topics").args("?");
  const rpcd = root.command("rpcd", "what OpenWrt's rpcd runs to answer ubus").hidden(true);
  rpcd.argument("verb", "list the methods, or call one").choices(["list", "call"]);
  rpcd.argument("method", "the method").args("?");
  return commands;
}

function makeParser(): LuaMultiReturn<[Parser, LuaMap<string, Parser>]> {
  const argparse = require("argparse") as Argparse;
  const parser = argparse("vpnmasq", "Many IPsec clients behind one router, with native ESP.");
  parser.command_target("command");
  parser.flag("--version", "print the version").action(() => {
    io.stdout.write(`vpnmasq ${VERSION}\n`);
    os.exit(0);
  });
  parser.flag("--json", "one JSON document instead of text");
  parser.flag("--all", "all of a text that a terminal's screen does not hold");
  parser.option("--control", "the socket of the router or endpoint").argname("PATH");
  return $multi(parser, addCommands(parser));
}

/** Usage and options: of the program, and of a command, or undefined when there is no such command. */
export function usages(): { readonly program: string; readonly of: (command: string) => string | undefined } {
  const [parser, commands] = makeParser();
  return { program: parser.get_help(), of: (command) => commands.get(command)?.get_help() };
}

/** The arguments, or what is wrong with them. Help and version are printed, and the program ends. */
export function readCommandLine(
  words: readonly string[],
): LuaMultiReturn<[Arguments, undefined] | [undefined, string]> {
  const [parser] = makeParser();
  const [isGood, result] = parser.pparse(words);
  // The router runs for months: what only reads words must not stay in memory.
  _G.package.loaded.argparse = undefined;
  if (!isGood) return $multi(undefined, result);
  return $multi(result, undefined);
}
