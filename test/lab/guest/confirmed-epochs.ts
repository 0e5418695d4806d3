// SPDX-License-Identifier: GPL-2.0-only
// Whether data kept off epochs that nobody had answered yet: counted at the wire, where SPIs and lengths are visible.
//
// A ping of the watchdog is the shortest packet that a tunnel carries here; whatever is longer is data. Which two SPIs
// are an epoch is known from the IKE daemon's log.

import type { Packet } from "./capture";
import { runDirectoryOf } from "./libreswan";
import { readText } from "./shell";
import type { Client } from "./topology";

/** An echo request without payload: 20 (IP) + 8 + 8 (IV) + 32 (28 and padding) + 16, with AES-GCM. */
const PING_BYTES_MAX = 84;

/** A client's epoch; SPIs in hexadecimal. */
export interface EpochSpis {
  readonly outgoing: string;
  readonly incoming: string;
}

/** Every epoch that a client's daemon has ever made. */
export function epochsOf(client: Client): EpochSpis[] {
  const epochs: EpochSpis[] = [];
  const log = readText(`${runDirectoryOf(client.name)}/pluto.log`);
  for (const [outgoing, incoming] of string.gmatch(log, "=>0x(%x+) <0x(%x+)")) epochs.push({ outgoing, incoming });
  return epochs;
}

export interface EpochUse {
  /** Epochs on which anything was sent. */
  used: number;
  /** Packets of data sent. */
  data: number;
  /** Packets of data that were sent on an epoch before anything had come in on it. */
  early: number;
}

/**
 * Judges one end's link.
 * @param packets in the order in which they passed
 * @param answers by the SPI on which this end sends, the one on which it is answered
 * @param before SPIs of epochs that carried traffic before the first of these packets
 */
export function epochUse(
  packets: readonly Packet[],
  answers: ReadonlyMap<string, string>,
  before: readonly string[],
): EpochUse {
  const heard = new Set<string>(before);
  const sent = new Set<string>();
  const use: EpochUse = { used: 0, data: 0, early: 0 };
  for (const { isOutgoing, spi, lengthBytes } of packets) {
    const answer = answers.get(spi);
    if (!isOutgoing) heard.add(spi);
    else if (answer !== undefined) {
      sent.add(spi);
      const isData = lengthBytes > PING_BYTES_MAX;
      use.data += isData ? 1 : 0;
      use.early += isData && !heard.has(answer) ? 1 : 0;
    }
  }
  use.used = sent.size;
  return use;
}

/** For {@link epochUse} at the client's link. */
export function answersAtClient(epochs: readonly EpochSpis[]): Map<string, string> {
  return new Map(epochs.map(({ outgoing, incoming }) => [outgoing, incoming]));
}

/** For {@link epochUse} at the server's. */
export function answersAtServer(epochs: readonly EpochSpis[]): Map<string, string> {
  return new Map(epochs.map(({ outgoing, incoming }) => [incoming, outgoing]));
}
