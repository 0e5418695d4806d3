// SPDX-License-Identifier: GPL-2.0-only
// What a new table takes over from a snapshot when there is little room.

import { EspTracker } from "../../../src/masquerade/esp";
import { IkeTracker } from "../../../src/masquerade/ike";
import { restoreItems } from "../../../src/masquerade/journal-lines";
import { DEFAULT_LIMITS } from "../../../src/masquerade/limits";
import { Releases } from "../../../src/masquerade/releases";
import type { EspMemory } from "../../../src/masquerade/snapshot";
import { address } from "../frame";

const SERVER = address("198.51.100.1");
const CLIENT = address("192.168.1.10");
/** Most of the places of a look-up this small. */
const SHARED_SPIS = 3;
const OWNERS = 8;
const LONE_SPIS = 5;
const LIMITS = { ...DEFAULT_LIMITS, espItemsMax: 32 };

describe("Restoring a snapshot", () => {
  it("finds room for an SPI's only owner, whatever its neighbours in the look-up share", () => {
    for (const seed of $range(1, 100)) {
      const releases = new Releases();
      const ike = new IkeTracker(LIMITS, releases);
      const tracker = new EspTracker(LIMITS, ike, releases, seed);
      const esp: EspMemory[] = [];
      const remember = (client: number, inSpi: number): void => {
        esp.push({ client, server: SERVER, outSpi: 0xa000 + esp.length, inSpi, sequence: 0, lastMs: 0 });
      };
      for (const spi of $range(1, SHARED_SPIS))
        for (const owner of $range(1, OWNERS)) remember(CLIENT + owner, 0xb000 + spi);
      for (const spi of $range(1, LONE_SPIS)) remember(CLIENT, 0xc000 + spi);
      restoreItems({ header: undefined, esp, ike: [], refusals: [], isClockBehind: false }, tracker, ike, 0);
      for (const spi of $range(1, LONE_SPIS)) assert.is_true(tracker.ownsInSpi(CLIENT, SERVER, 0xc000 + spi));
    }
  });
});
