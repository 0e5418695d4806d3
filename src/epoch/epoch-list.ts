// SPDX-License-Identifier: GPL-2.0-only
// The epochs of one tunnel that live in the kernel, in the order in which they came: usually one, two during a rekey.

/** A pair of SAs. SPIs are words. */
export interface Epoch {
  readonly outSpi: number;
  readonly inSpi: number;
  readonly sinceMs: number;
  /** When the first packet came in on it; undefined: it is not confirmed. */
  answeredMs: number | undefined;
  lastInMs: number | undefined;
  /** When the first epoch after it came: from then on the IKE daemon may remove it. */
  supersededMs: number | undefined;
  /** Made by the server's rekey, which this client does not follow; ends when a packet comes in on it. */
  isIgnored: boolean;
}

/** The newest, the one in use, and some that the daemon lets linger. */
const EPOCHS_MAX = 8;

export class EpochList {
  /** Oldest first. */
  all: Epoch[] = [];

  has(outSpi: number, inSpi: number): boolean {
    return this.all.some((epoch) => epoch.outSpi === outSpi && epoch.inSpi === inSpi);
  }

  /** Asked for each packet that comes in: a closure would be made for each of them. */
  byInSpi(inSpi: number): Epoch | undefined {
    for (const epoch of this.all) {
      if (epoch.inSpi === inSpi) return epoch;
    }
    return undefined;
  }

  /** The latest that is not ignored; an ignored one only when there is no other. */
  newest(): Epoch | undefined {
    return this.latest(isFollowed) ?? this.all[this.all.length - 1];
  }

  /** The latest through which a packet came. */
  answered(): Epoch | undefined {
    return this.latest(isAnswered);
  }

  hasIgnored(): boolean {
    return this.all.some((epoch) => epoch.isIgnored);
  }

  /** Adds one after all others. One too many displaces the oldest that carries no data. */
  add(epoch: Epoch): void {
    if (!epoch.isIgnored) {
      for (const older of this.all) older.supersededMs = older.supersededMs ?? epoch.sinceMs;
    }
    this.all.push(epoch);
    if (this.all.length <= EPOCHS_MAX) return;
    const inUse = this.answered();
    const displaced = this.all.find((older) => older !== inUse);
    this.all = this.all.filter((one) => one !== displaced);
  }

  /** Removes what has the SPI in either direction; true when there was one. */
  remove(spi: number): boolean {
    const before = this.all.length;
    this.all = this.all.filter((epoch) => epoch.outSpi !== spi && epoch.inSpi !== spi);
    return this.all.length < before;
  }

  private latest(holds: (this: void, epoch: Epoch) => boolean): Epoch | undefined {
    for (const at of $range(this.all.length - 1, 0, -1)) {
      if (holds(this.all[at])) return this.all[at];
    }
    return undefined;
  }
}

function isFollowed({ isIgnored }: Epoch): boolean {
  return !isIgnored;
}

function isAnswered({ answeredMs }: Epoch): boolean {
  return answeredMs !== undefined;
}
