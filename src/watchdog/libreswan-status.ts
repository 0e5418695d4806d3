// SPDX-License-Identifier: GPL-2.0-only
// Reads what `ipsec whack --status` prints (libreswan 4.10, programs/pluto/{connections,state}.c).
//
// For the list that a person sees. Lines that it does not know are passed over, so that another version costs a field
// and not the list.

import { toWord } from "../wire/word";
import type { IkeConnection, IkeEpoch, IkeTimers } from "./ike-daemon";

interface Draft {
  name: string;
  ikeVersion: number | undefined;
  isConnecting: boolean;
  epochs: IkeEpoch[];
  timers: IkeTimers | undefined;
}

/** State names by what they say: IKEv1 has STATE_MAIN_…, STATE_AGGR_… and STATE_QUICK_…, IKEv2 STATE_V2_…. */
const VERSION_2_STATE = "^STATE_V2_";
const SPI_PAIR = '^000 #(%d+): "([^"]+)".- esp%.(%x+)@%S+ esp%.(%x+)@';
const STATE = '^000 #(%d+): "([^"]+)"%S* (STATE_%S+) (.*)$';
const SETTING = '^000 "([^"]+)": ';
const LIFETIMES = "ipsec_life: (%d+)s;.*rekey_margin: (%d+)s; rekey_fuzz: (%d+)%%";

/** Connections of `--status`, in the order in which they are listed. */
export function readStatus(text: string): IkeConnection[] {
  const drafts: Draft[] = [];
  const expiring = new LuaSet<string>();
  for (const [line] of string.gmatch(text, "[^\n]+")) {
    readSetting(drafts, line);
    readState(drafts, expiring, line);
    readSpis(drafts, expiring, line);
  }
  return drafts.map((draft) => connectionOf(draft));
}

function draftOf(drafts: Draft[], name: string): Draft {
  const known = drafts.find((draft) => draft.name === name);
  if (known !== undefined) return known;
  const draft: Draft = { name, ikeVersion: undefined, isConnecting: false, epochs: [], timers: undefined };
  drafts.push(draft);
  return draft;
}

function readSetting(drafts: Draft[], line: string): void {
  const [name] = string.match(line, SETTING);
  if (name === undefined) return;
  const draft = draftOf(drafts, name);
  const [life, margin, fuzz] = string.match(line, LIFETIMES);
  if (fuzz === undefined) return;
  draft.timers = {
    keylifeMs: tonumber(life)! * 1000,
    marginMs: tonumber(margin)! * 1000,
    fuzz: tonumber(fuzz)! / 100,
  };
}

/** A state that is replaced has EXPIRE as its next event: its SAs go in a moment. */
function readState(drafts: Draft[], expiring: LuaSet<string>, line: string): void {
  const [serial, name, state, rest] = string.match(line, STATE);
  if (rest === undefined) return;
  const draft = draftOf(drafts, name);
  draft.ikeVersion = string.match(state, VERSION_2_STATE)[0] === undefined ? 1 : 2;
  if (string.match(rest, "RETRANSMIT")[0] !== undefined) draft.isConnecting = true;
  if (string.match(rest, "; EXPIRE in ")[0] !== undefined) expiring.add(serial);
}

/** The peer's SPI comes first: it is our outgoing one. */
function readSpis(drafts: Draft[], expiring: LuaSet<string>, line: string): void {
  const [serial, name, outgoing, incoming] = string.match(line, SPI_PAIR);
  if (incoming === undefined || expiring.has(serial)) return;
  draftOf(drafts, name).epochs.push({ outSpi: spiOf(outgoing), inSpi: spiOf(incoming) });
}

function spiOf(hexadecimal: string): number {
  return toWord(tonumber(hexadecimal, 16)!);
}

function connectionOf({ name, ikeVersion, isConnecting, epochs, timers }: Draft): IkeConnection {
  const idle = isConnecting ? "connecting" : "down";
  return { name, state: epochs.length > 0 ? "up" : idle, ikeVersion, epochs, timers };
}
