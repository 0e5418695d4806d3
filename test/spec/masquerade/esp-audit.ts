// SPDX-License-Identifier: GPL-2.0-only
// What must hold of an ESP tracker after any packet at all: the records, the look-ups, the turns and the counts agree.

import type { EspTracker } from "../../../src/masquerade/esp";
import { ESP_RECORD_WORDS, EspField, FLAG_SHARED, NO_SPI, Phase } from "../../../src/masquerade/esp-record";
import type { EspServer } from "../../../src/masquerade/esp-server";
import type { Limits } from "../../../src/masquerade/limits";

/** Fails the spec that runs. (busted gives its `assert` to the spec's own file only.) */
export function must(holds: boolean, what: string): void {
  if (!holds) error(what, 2);
}

function auditServer(tracker: EspTracker, server: EspServer, limits: Limits): void {
  const words = tracker.records.words;
  for (const record of server.outstanding) {
    must(tracker.records.phase(record) === Phase.Outstanding, "a record in the turn is not outstanding");
    must(
      server.turnClient === words[record * ESP_RECORD_WORDS + EspField.Client],
      "a record of a client without the turn",
    );
  }
  for (const record of server.waiting) {
    must(tracker.records.phase(record) === Phase.Waiting, "a record in the queue does not wait");
  }
  for (const record of server.serverFirst) {
    must(tracker.records.phase(record) === Phase.Established, "an SPI that the server opened is not established");
    must(words[record * ESP_RECORD_WORDS + EspField.OutSpi] === NO_SPI, "an SPI that the server opened is paired");
  }
  must(server.waiting.length <= limits.waitingPerServerMax, "too many wait");
  must(server.serverFirst.length <= limits.espServerFirstPerServerMax, "the server opened too many SPIs");
}

/** Fails when the tracker contradicts itself or has passed a limit. */
export function auditEsp(tracker: EspTracker, limits: Limits): void {
  const words = tracker.records.words;
  const ofClient = new LuaMap<number, number>();
  const ofServer = new LuaMap<number, number>();
  const owned = new LuaSet<string>();
  let records = 0;
  let unanswered = 0;
  tracker.forEach((record) => {
    const row = record * ESP_RECORD_WORDS;
    const [client, server] = [words[row + EspField.Client], words[row + EspField.Server]];
    const [outSpi, inSpi] = [words[row + EspField.OutSpi], words[row + EspField.InSpi]];
    const phase = tracker.records.phase(record);
    records += 1;
    ofClient.set(client, (ofClient.get(client) ?? 0) + 1);
    ofServer.set(server, (ofServer.get(server) ?? 0) + 1);
    must((phase === Phase.Established) === (inSpi !== NO_SPI), "established means that the incoming SPI is known");
    if (outSpi !== NO_SPI) must(tracker.ownerOfOutSpi(server, outSpi) !== undefined, "an outgoing SPI is not found");
    if (inSpi !== NO_SPI) {
      must(tracker.ownsInSpi(client, server, inSpi), "an incoming SPI is not found");
      const key = `${client} ${server} ${inSpi}`;
      must(!owned.has(key), "one client owns an incoming SPI twice");
      owned.add(key);
    }
    if (phase !== Phase.Established) unanswered += 1;
  });
  must(records === tracker.count(), "the count is wrong");
  must(records <= limits.espItemsMax, "too many records");
  for (const [, count] of ofClient) must(count <= limits.espItemsPerClientMax, "too many records of one client");
  let listed = 0;
  for (const [address, server] of tracker.servers) {
    auditServer(tracker, server, limits);
    must((ofServer.get(address) ?? 0) === server.records, "a server's count is wrong");
    listed += server.outstanding.length + server.waiting.length;
  }
  must(unanswered === listed, "a record is unanswered, but neither has the turn nor waits for it");
  auditSharing(tracker);
}

/** An SPI with several owners must be marked as shared wherever a look-up may find it. */
function auditSharing(tracker: EspTracker): void {
  const words = tracker.records.words;
  const owners = new LuaMap<string, number>();
  const keyOf = (record: number): string => {
    const row = record * ESP_RECORD_WORDS;
    return `${words[row + EspField.Server]} ${words[row + EspField.InSpi]}`;
  };
  tracker.forEach((record) => {
    owners.set(keyOf(record), (owners.get(keyOf(record)) ?? 0) + 1);
  });
  tracker.forEach((record) => {
    const row = record * ESP_RECORD_WORDS;
    if (words[row + EspField.InSpi] === NO_SPI || (owners.get(keyOf(record)) ?? 0) < 2) return;
    must((words[row + EspField.State] & FLAG_SHARED) !== 0, "several owners, not marked as shared");
  });
}
