// SPDX-License-Identifier: GPL-2.0-only
// Reads what `swanctl --list-conns --raw` and `--list-sas --raw` print (strongSwan 5.9, vici's README.md).
//
// A connection of the watchdog is a child of strongSwan's: it is named by both, IKE/CHILD.

import { toWord } from "../wire/word";
import type { IkeConnection, IkeEpoch } from "./ike-daemon";
import { readMessages, type Section } from "./vici-text";

/** What it prints for the versions that there are. */
const VERSIONS: Readonly<Record<string, number | undefined>> = { "1": 1, "2": 2 };

/** One child SA, or a configured child without any. */
interface Child {
  readonly name: string;
  readonly ikeVersion: number | undefined;
  readonly epoch: IkeEpoch | undefined;
  readonly isConnecting: boolean;
}

/** Children of the two commands' output together: configured ones first, in their order. */
export function readLists(text: string): IkeConnection[] {
  const connecting = new LuaSet<string>();
  const used = established(text, connecting);
  const children = [...configured(text, connecting), ...used];
  const names: string[] = [];
  for (const { name } of children) {
    if (!names.includes(name)) names.push(name);
  }
  return names.map((name) =>
    connectionOf(
      name,
      children.filter((child) => child.name === name),
    ),
  );
}

function configured(text: string, connecting: LuaSet<string>): Child[] {
  const children: Child[] = [];
  for (const message of readMessages(text, "list-conn event")) {
    for (const { name: ike, section } of message.sections) {
      for (const { name } of sectionOf(section, "children")) {
        const isConnecting = connecting.has(ike);
        children.push({ name: `${ike}/${name}`, ikeVersion: undefined, epoch: undefined, isConnecting });
      }
    }
  }
  return children;
}

/** Notes the IKE sessions that are under way in `connecting`: they have no child yet. */
function established(text: string, connecting: LuaSet<string>): Child[] {
  const children: Child[] = [];
  for (const message of readMessages(text, "list-sa event")) {
    for (const { name: ike, section } of message.sections) {
      const ikeVersion = VERSIONS[section.values.get("version") ?? ""];
      if (section.values.get("state") === "CONNECTING") connecting.add(ike);
      for (const { section: child } of sectionOf(section, "child-sas")) {
        children.push(childOf(ike, ikeVersion, child));
      }
    }
  }
  return children;
}

/** INSTALLED is in use; REKEYED, DELETING and DELETED are on their way out, the others on their way in. */
function childOf(ike: string, ikeVersion: number | undefined, { values }: Section): Child {
  const state = values.get("state");
  const incoming = tonumber(values.get("spi-in") ?? "", 16);
  const outgoing = tonumber(values.get("spi-out") ?? "", 16);
  const isUsed = state === "INSTALLED" || state === "REKEYING";
  const isPair = isUsed && incoming !== undefined && outgoing !== undefined;
  return {
    name: `${ike}/${values.get("name") ?? "?"}`,
    ikeVersion,
    epoch: isPair ? { outSpi: toWord(outgoing), inSpi: toWord(incoming) } : undefined,
    isConnecting: state === "CREATED" || state === "ROUTED" || state === "INSTALLING",
  };
}

function sectionOf(section: Section, name: string): Section["sections"] {
  return section.sections.find((one) => one.name === name)?.section.sections ?? [];
}

function connectionOf(name: string, children: readonly Child[]): IkeConnection {
  const epochs: IkeEpoch[] = [];
  for (const { epoch } of children) {
    if (epoch !== undefined) epochs.push(epoch);
  }
  const idle = children.some((child) => child.isConnecting) ? "connecting" : "down";
  const ikeVersion = children.find((child) => child.ikeVersion !== undefined)?.ikeVersion;
  return { name, state: epochs.length > 0 ? "up" : idle, ikeVersion, epochs, timers: undefined };
}
