// SPDX-License-Identifier: GPL-2.0-only
// What of one table is offered to the kernel, and looked after while it is there: a share of its records at a time.

/** What a table and the kernel's maps have to do with each other. */
export interface Path {
  /** Records that were ever in use. */
  count(): number;
  /** Gives the kernel what it can have of a record. */
  place(record: number): void;
  /** Brings a record up to date and takes back what is quiet. */
  visit(record: number, nowMs: number): void;
  takeBackAll(): void;
}

/** All records of a table of the usual size are looked at within a second. */
const VISITS_SHARE = 10;
/** With more than 20 000 records it takes longer: a look is two system calls of some 2 µs each, 8 ms of a tick's 100. */
const VISITS_MAX = 2048;

export class Lane {
  private readonly offered = new LuaSet<number>();
  private hasOffers = false;
  private visitAt = 0;

  constructor(private readonly path: Path) {}

  /** @perPacket */
  offer(record: number): void {
    this.offered.add(record);
    this.hasOffers = true;
  }

  fill(): void {
    if (!this.hasOffers) return;
    this.hasOffers = false;
    for (const record of this.offered) {
      this.path.place(record);
      this.offered.delete(record);
    }
  }

  /** Call it about ten times a second. */
  lookAfter(nowMs: number): void {
    const records = this.path.count();
    for (const _ of $range(1, Math.min(Math.ceil(records / VISITS_SHARE), VISITS_MAX))) {
      this.visitAt = this.visitAt + 1 < records ? this.visitAt + 1 : 0;
      this.path.visit(this.visitAt, nowMs);
    }
  }

  takeBackAll(): void {
    this.path.takeBackAll();
  }
}
