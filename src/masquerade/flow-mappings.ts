// SPDX-License-Identifier: GPL-2.0-only
// Which external port stands for which client's port: the mapping of RFC 4787 §4, one for all remotes.
//
// That one mapping serves every remote is what makes it endpoint-independent (REQ-1), and what lets two clients of the
// same rendezvous server speak to each other. It lives as long as one session uses it.

import { KeyIndex, NO_RECORD } from "./key-index";
import { allocateWords, type Words } from "./memory";
import { NO_PORT, type Ports } from "./ports";

/** The words of a mapping's row. */
export const enum Mapping {
  /** An address. While the row is free: the next free row. */
  Client = 0,
  ClientPort = 1,
  ExternalPort = 2,
  /** Sessions that use the mapping; 0 in a free row. */
  Sessions = 3,
}

export const MAPPING_WORDS = 4;

export class FlowMappings {
  readonly rows: Words;
  private readonly byClient: KeyIndex;
  private readonly byPort: KeyIndex;
  private firstFree = NO_RECORD;
  /** Rows from here on were never used. */
  private unused = 0;

  /**
   * @param capacity mappings that must fit
   * @param seed unknown to the network
   */
  constructor(
    private readonly capacity: number,
    private readonly ports: Ports,
    seed: number,
  ) {
    this.rows = allocateWords(capacity * MAPPING_WORDS);
    const clientKey = { first: Mapping.Client, second: Mapping.ClientPort, third: Mapping.ClientPort };
    const portKey = { first: Mapping.ExternalPort, second: Mapping.ExternalPort, third: Mapping.ExternalPort };
    this.byClient = new KeyIndex(this.rows, MAPPING_WORDS, clientKey, capacity, seed);
    this.byPort = new KeyIndex(this.rows, MAPPING_WORDS, portKey, capacity, seed);
  }

  /** The mapping of a client's port, or {@link NO_RECORD}. */
  find(client: number, clientPort: number): number {
    return this.byClient.find(client, clientPort, clientPort);
  }

  /** The mapping that an external port belongs to, or {@link NO_RECORD}. */
  findByPort(externalPort: number): number {
    return this.byPort.find(externalPort, externalPort, externalPort);
  }

  /** Makes a mapping that no session uses yet, for a client's port that has none; {@link NO_RECORD} without a port. */
  open(client: number, clientPort: number): number {
    const externalPort = this.ports.take(client, clientPort);
    if (externalPort === NO_PORT) return NO_RECORD;
    const mapping = this.takeRow();
    if (mapping === NO_RECORD) {
      this.ports.release(externalPort);
      return NO_RECORD;
    }
    const row = mapping * MAPPING_WORDS;
    this.rows[row + Mapping.Client] = client;
    this.rows[row + Mapping.ClientPort] = clientPort;
    this.rows[row + Mapping.ExternalPort] = externalPort;
    this.rows[row + Mapping.Sessions] = 0;
    if (this.byClient.insert(mapping)) {
      if (this.byPort.insert(mapping)) return mapping;
      this.byClient.remove(mapping);
    }
    this.freeRow(mapping);
    return NO_RECORD;
  }

  /** Counts one session more. */
  retain(mapping: number): void {
    const at = mapping * MAPPING_WORDS + Mapping.Sessions;
    this.rows[at] = this.rows[at] + 1;
  }

  /** Counts one session less; the mapping goes with its last one. */
  release(mapping: number): void {
    const at = mapping * MAPPING_WORDS + Mapping.Sessions;
    this.rows[at] = this.rows[at] - 1;
    this.closeUnused(mapping);
  }

  /** Gives the mapping up if no session uses it. */
  closeUnused(mapping: number): void {
    if (this.rows[mapping * MAPPING_WORDS + Mapping.Sessions] > 0) return;
    this.byClient.remove(mapping);
    this.byPort.remove(mapping);
    this.freeRow(mapping);
  }

  memoryBytes(): number {
    return this.capacity * MAPPING_WORDS * 4 + this.byClient.memoryBytes() + this.byPort.memoryBytes();
  }

  private takeRow(): number {
    const mapping = this.firstFree;
    if (mapping !== NO_RECORD) {
      this.firstFree = this.rows[mapping * MAPPING_WORDS + Mapping.Client];
      return mapping;
    }
    if (this.unused >= this.capacity) return NO_RECORD;
    this.unused += 1;
    return this.unused - 1;
  }

  private freeRow(mapping: number): void {
    const row = mapping * MAPPING_WORDS;
    this.ports.release(this.rows[row + Mapping.ExternalPort]);
    this.rows[row + Mapping.Client] = this.firstFree;
    this.firstFree = mapping;
  }
}
