// SPDX-License-Identifier: GPL-2.0-only
// Why a tunnel is dead: what had happened when its incoming SPI first went to somebody else.
//
// The names are those of draft-brustoloni-vma-00: races 1 and 2 begin with a server that speaks first (nothing
// outstanding, or another client's item), race 3 with an outstanding item that timed out, race 4 with an established one.
// "own epochs" is what those leave: of two epochs of one client, an answer to one is taken for the other's and ends the
// client's turn, so that the other's own answer comes in somebody else's.

import type { Epoch, World } from "./world";
import { ESP_RECORD_WORDS, EspField, NO_SPI } from "../../src/masquerade/esp-record";

export type Cause = "race 1" | "race 2" | "race 3" | "race 4" | "collision" | "crash" | "own epochs";

export const CAUSES: readonly Cause[] = ["race 1", "race 2", "race 3", "race 4", "collision", "crash", "own epochs"];

interface History {
  /** The server sent on it before the client's first packet reached it: nobody's turn, or another's. */
  serverFirst: "race 1" | "race 2" | undefined;
  /** It was sent, and Tout ran out before the answer came. */
  timedOut: boolean;
  /** It had been answered, and then all was silent for longer than an item is kept. */
  fellSilent: boolean;
  crashed: boolean;
}

export class Blame {
  /** Why a packet first went to others only: what follows from it is not another cause. */
  private first: Cause | undefined;
  /** By the epochs' outgoing SPIs, of which no two are alike. */
  private readonly histories = new LuaMap<number, History>();

  constructor(private readonly world: World) {}

  noteServerPacket(epoch: Epoch): void {
    const history = this.of(epoch);
    if (epoch.isUsed || epoch.isHeard || history.serverFirst !== undefined) return;
    history.serverFirst = this.isAnyOutstanding() ? "race 2" : "race 1";
  }

  noteDelivery(epoch: Epoch, isHeard: boolean): void {
    if (!isHeard && this.ownersOf(epoch).length > 0) this.first ??= this.causeOf(epoch);
  }

  noteWait(): void {
    this.forEach((epoch, history) => {
      if (epoch.isUsed && !epoch.isHeard) history.timedOut = true;
    });
  }

  noteSilence(): void {
    this.forEach((epoch, history) => {
      if (epoch.isHeard) history.fellSilent = true;
      else if (epoch.isUsed) history.timedOut = true;
    });
  }

  noteCrash(): void {
    this.forEach((_, history) => {
      history.crashed = true;
    });
  }

  /** Why a client's newest epoch is dead. */
  causeFor(epoch: Epoch): Cause {
    return this.first ?? this.causeOf(epoch);
  }

  private causeOf(epoch: Epoch): Cause {
    const history = this.of(epoch);
    if (this.isCollided(epoch)) return "collision";
    if (history.crashed) return "crash";
    if (history.serverFirst !== undefined) return history.serverFirst;
    if (history.fellSilent) return "race 4";
    return history.timedOut ? "race 3" : "own epochs";
  }

  private isCollided(epoch: Epoch): boolean {
    const same = (other: Epoch): boolean => other !== epoch && other.inSpi === epoch.inSpi;
    return this.world.clients.some(({ epochs }) => epochs.some((other) => same(other)));
  }

  /** Records that have its incoming SPI. */
  private ownersOf({ inSpi }: Epoch): number[] {
    const { esp } = this.world.router;
    const owners: number[] = [];
    esp.forEach((record) => {
      if (esp.records.words[record * ESP_RECORD_WORDS + EspField.InSpi] === inSpi) owners.push(record);
    });
    return owners;
  }

  private isAnyOutstanding(): boolean {
    const { esp } = this.world.router;
    let isAny = false;
    esp.forEach((record) => {
      if (esp.records.words[record * ESP_RECORD_WORDS + EspField.InSpi] === NO_SPI) isAny = true;
    });
    return isAny;
  }

  private of(epoch: Epoch): History {
    const known = this.histories.get(epoch.outSpi);
    if (known !== undefined) return known;
    const history = { serverFirst: undefined, timedOut: false, fellSilent: false, crashed: false };
    this.histories.set(epoch.outSpi, history);
    return history;
  }

  private forEach(visit: (this: void, epoch: Epoch, history: History) => void): void {
    for (const { epochs } of this.world.clients) {
      for (const epoch of epochs) visit(epoch, this.of(epoch));
    }
  }
}
