// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq help [TOPIC]`: the documentation on a board that has neither docs nor a pager.
//
// The texts are made of docs/ by the build (src/host/help/) and lie packed beside the program, so that the router's own
// memory and the other commands' start know nothing of them.

import { fail, type Outcome, succeed } from "../system/outcome";
import { usages } from "./command-line";
import { nearestName } from "./nearest-name";
import { layoutRows } from "./text/layout";
import { heading } from "./view/style";

/** The interpreter's table of words; word 0 is the program's file. */
declare const arg: LuaTable<number, string>;

/** One of the texts, in lines that fit the screen. */
interface Topic {
  readonly name: string;
  readonly title: string;
  readonly lines: readonly string[];
}

const FILE = "vpnmasq-help.lua";

function loadTopics(): Outcome<readonly Topic[]> {
  const [folder] = string.match(arg.get(0), "^(.*/)");
  const path = `${folder ?? ""}${FILE}`;
  const [chunk, problem] = loadfile(path);
  if (chunk === undefined) return fail(`the help texts are missing: ${problem}; install the package again`);
  return succeed((chunk as (this: void) => readonly Topic[])());
}

function overview(program: string, topics: readonly Topic[]): string[] {
  const [trimmed] = string.gsub(program, "%s+$", "");
  const rows = topics.map(({ name, title }) => [name, title]);
  return [trimmed, "", heading("Topics: vpnmasq help TOPIC"), ...layoutRows(["left", "left"], rows, 3)];
}

function unknown(name: string, topics: readonly Topic[]): string {
  const nearest = nearestName(
    name,
    topics.map((topic) => topic.name),
  );
  const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
  return `help: there is no topic "${name}"${hint} (vpnmasq help lists all)`;
}

/** The lines to show, or what is wrong with the topic. Without the texts, commands still have their usage. */
export function helpView(name: string | undefined): Outcome<string[]> {
  const [topics, problem] = loadTopics();
  const { program, of } = usages();
  if (name === undefined) {
    return succeed(
      overview(program, topics === undefined ? [] : topics.filter((topic) => of(topic.name) === undefined)),
    );
  }
  const usage = of(name);
  const topic = topics?.find((one) => one.name === name);
  if (topic === undefined && usage === undefined) {
    return fail(topics === undefined ? problem : unknown(name, topics));
  }
  return succeed([usage ?? heading(topic!.title), ...(topic?.lines ?? [])]);
}
