// SPDX-License-Identifier: GPL-2.0-only
// How each client uses ESP with each server, summed up over its epochs: what the NAT-loss watch judges by.

import type { EspTracker } from "../masquerade/esp";
import { MS_PER_TICK } from "../masquerade/esp-items";
import { ESP_RECORD_WORDS, EspField, FLAG_UNSEEN, NO_SPI, Phase } from "../masquerade/esp-record";
import type { TunnelUse } from "./nat-loss";

/** Every client and server with an epoch that the client has sent on. */
export function tunnelUses(esp: EspTracker, nowMs: number): TunnelUse[] {
  const uses = new LuaMap<string, TunnelUse>();
  const words = esp.records.words;
  esp.forEach((record) => {
    const row = record * ESP_RECORD_WORDS;
    if (words[row + EspField.OutSpi] === NO_SPI) return;
    const client = words[row + EspField.Client];
    const server = words[row + EspField.Server];
    const isAnswered = esp.records.phase(record) === Phase.Established;
    const key = `${client}>${server}`;
    const sum = uses.get(key);
    const lastOutMs = words[row + EspField.LastOut] * MS_PER_TICK;
    const lastInMs = isAnswered ? words[row + EspField.LastIn] * MS_PER_TICK : undefined;
    const isLeftOut = esp.servers.get(server)?.leftOut.has(client) === true;
    // In a crowd most wait for their first turn for long; whose turn was not answered is left out.
    const isUnanswered = !isAnswered && !esp.isCrowd(esp.servers.get(server)!, nowMs);
    const isUnseen = isLeftOut || (isUnanswered && (words[row + EspField.State] & FLAG_UNSEEN) !== 0);
    uses.set(key, {
      client,
      server,
      lastOutMs: Math.max(lastOutMs, sum?.lastOutMs ?? lastOutMs),
      lastInMs: latest(lastInMs, sum?.lastInMs),
      hasUnseenUnanswered: isUnseen || sum?.hasUnseenUnanswered === true,
    });
  });
  const all: TunnelUse[] = [];
  for (const [, use] of uses) all.push(use);
  return all;
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}
