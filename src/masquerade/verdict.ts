// SPDX-License-Identifier: GPL-2.0-only
// What is to be done with one packet, as data: the tables decide, the forwarding layer performs.
//
// A tracker fills the one verdict it was given and returns; nothing is allocated for a packet. The reason's name is
// what `vpnmasq counters` counts and `vpnmasq explain` explains.

import { NO_RECORD } from "./key-index";
import { allocateWords, type Words } from "./memory";
import type { Reason } from "./reason";

export enum Action {
  /** Send on. Outgoing: as coming from the WAN address. Incoming: to `client`. */
  Forward,
  /** Keep a copy until `holdKey` is released or discarded. */
  Hold,
  /** Send a copy to each of the first `copies` clients of `copyTo`. */
  Multicast,
  Drop,
}

export class Verdict {
  action: Action = Action.Drop;
  reason: Reason = "not-ours";
  /** The client a packet from the WAN goes to (a word). */
  client = 0;
  /** The port that replaces the client's: the source port going out, the destination port coming in; 0: unchanged. */
  port = 0;
  /** The IPv4 identification that replaces the client's, in fragments going out. */
  identification: number | undefined;
  /** What a held packet waits for: see {@link Releases}. */
  holdKey = 0;
  /** Of a packet that goes on: the record of the established item that it belongs to, or {@link NO_RECORD}. */
  item = NO_RECORD;
  copies = 0;
  readonly copyTo: Words;

  constructor(copiesMax: number) {
    this.copyTo = allocateWords(copiesMax);
  }

  forward(reason: Reason): void {
    this.action = Action.Forward;
    this.reason = reason;
    this.item = NO_RECORD;
    this.port = 0;
    this.identification = undefined;
  }

  deliver(client: number, reason: Reason): void {
    this.action = Action.Forward;
    this.reason = reason;
    this.client = client;
    this.item = NO_RECORD;
    this.port = 0;
    this.identification = undefined;
  }

  hold(holdKey: number, reason: Reason): void {
    this.action = Action.Hold;
    this.reason = reason;
    this.holdKey = holdKey;
  }

  drop(reason: Reason): void {
    this.action = Action.Drop;
    this.reason = reason;
  }

  /** Starts a multicast without receivers; {@link addCopy} names them. */
  multicast(reason: Reason): void {
    this.action = Action.Multicast;
    this.reason = reason;
    this.copies = 0;
    this.port = 0;
  }

  addCopy(client: number): void {
    this.copyTo[this.copies] = client;
    this.copies += 1;
  }
}
