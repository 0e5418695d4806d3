// SPDX-License-Identifier: GPL-2.0-only
// Shares of a table among clients: a limit each, a limit in all, and a fair share when the table is full.

export class Quota {
  private readonly counts = new LuaMap<number, number>();
  private clients = 0;
  private total = 0;

  /**
   * @param totalMax records of all clients
   * @param perClientMax records of one client
   */
  constructor(
    private readonly totalMax: number,
    private readonly perClientMax: number,
  ) {}

  /** True when the client has as many records as one client may have. */
  isClientFull(client: number): boolean {
    return this.of(client) >= this.perClientMax;
  }

  isFull(): boolean {
    return this.total >= this.totalMax;
  }

  /**
   * True when the full table owes `newcomer` a record and `holder` is one to give it: the one holds less than an equal
   * part of the table, the other more. A newcomer without records counts among those who share.
   */
  givesWay(holder: number, newcomer: number): boolean {
    const clients = this.of(newcomer) === 0 ? this.clients + 1 : this.clients;
    const isOwed = (this.of(newcomer) + 1) * clients <= this.totalMax;
    return isOwed && this.of(holder) * clients > this.totalMax;
  }

  of(client: number): number {
    return this.counts.get(client) ?? 0;
  }

  inUse(): number {
    return this.total;
  }

  clientCount(): number {
    return this.clients;
  }

  add(client: number): void {
    const before = this.of(client);
    if (before === 0) this.clients += 1;
    this.counts.set(client, before + 1);
    this.total += 1;
  }

  remove(client: number): void {
    const before = this.of(client);
    this.total -= 1;
    if (before > 1) {
      this.counts.set(client, before - 1);
    } else {
      this.counts.delete(client);
      this.clients -= 1;
    }
  }
}
