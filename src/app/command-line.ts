// SPDX-License-Identifier: GPL-2.0-only
// The commands, their arguments and options, as argparse reads them and `--help` shows them.

/** What was asked for; `command` names the command. */
export interface Arguments {
  readonly command: string;
  readonly json?: boolean;
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
  add_help_command(): Parser;
  flag(name: string, description: string): Element;
  option(name: string, description: string): Element;
  argument(name: string, description: string): Element;
  pparse(this: Parser, words: readonly string[]): LuaMultiReturn<[true, Arguments] | [false, string]>;
}

type Argparse = (this: void, name: string, description: string) => Parser;

const DEFAULT_CONFIGURATION = "/etc/vpnmasq.json";
const DEFAULT_ENDPOINT_CONFIGURATION = "/etc/vpnmasq-endpoint.json";

function addCommands(parser: Parser): void {
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
  const support = parser.command("support", "everything in one text, to send to who helps");
  support.flag("--mask", "give addresses other names");
  support.flag("--wire", "packed and checked, for the host tool on a serial console");
  support.option("--again", "with --wire's last bundle: these lines again").argname("LINES");
  const check = parser.command("check", "say what a configuration does, or what is wrong");
  check.argument("file", "the configuration").args("?").default(DEFAULT_CONFIGURATION);
  check.flag("--keys", "list every key instead");
  parser.command("selftest", "test interpreter, CPU and kernel of this board");
}

/** The arguments, or what is wrong with them. Help and version are printed, and the program ends. */
export function readCommandLine(
  words: readonly string[],
  version: string,
): LuaMultiReturn<[Arguments, undefined] | [undefined, string]> {
  const argparse = require("argparse") as Argparse;
  const parser = argparse("vpnmasq", "Many IPsec clients behind one router, with native ESP.");
  parser.command_target("command").add_help_command();
  parser.flag("--version", "print the version").action(() => {
    io.stdout.write(`vpnmasq ${version}\n`);
    os.exit(0);
  });
  parser.flag("--json", "one JSON document instead of text");
  parser.option("--control", "the socket of the router or endpoint").argname("PATH");
  addCommands(parser);
  const [isGood, result] = parser.pparse(words);
  // The router runs for months: what only reads words must not stay in memory.
  _G.package.loaded.argparse = undefined;
  if (!isGood) return $multi(undefined, result);
  return $multi(result, undefined);
}
