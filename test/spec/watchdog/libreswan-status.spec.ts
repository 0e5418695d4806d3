// SPDX-License-Identifier: GPL-2.0-only
// What is read from libreswan's own words.

import type { IkeConnection } from "../../../src/watchdog/ike-daemon";
import { readStatus } from "../../../src/watchdog/libreswan-status";
import { LIBRESWAN_STATUS } from "./ike-captures";

function connectionOf(name: string): IkeConnection {
  return readStatus(LIBRESWAN_STATUS).find((connection) => connection.name === name)!;
}

describe("libreswan's status", () => {
  it("lists its connections in order", () => {
    const names = readStatus(LIBRESWAN_STATUS).map(({ name }) => name);
    assert.same(["office-1", "office-2", "office-3"], names);
  });

  it("tells the SPIs of an epoch, the peer's as the outgoing one, and passes over one that a rekey replaced", () => {
    const { state, ikeVersion, epochs } = connectionOf("office-1");
    assert.equal<string>("up", state);
    assert.equal(2, ikeVersion!);
    assert.same([{ outSpi: 0x966cecbb - 2 ** 32, inSpi: 0x3a1fdebe }], epochs);
  });

  it("tells IKEv1 from IKEv2, and reads an SPI without its leading zero", () => {
    const { ikeVersion, epochs } = connectionOf("office-3");
    assert.equal(1, ikeVersion!);
    assert.same([{ outSpi: 0xe8ac2982 - 2 ** 32, inSpi: 0x0d60e581 }], epochs);
  });

  it("tells a connection whose peer does not answer", () => {
    const { state, epochs } = connectionOf("office-2");
    assert.equal<string>("connecting", state);
    assert.equal(0, epochs.length);
  });

  it("tells the timers that the watchdog's own depend on", () => {
    assert.same({ keylifeMs: 28800000, marginMs: 540000, fuzz: 1 }, connectionOf("office-1").timers!);
  });

  it("of a daemon without connections, or cut off, or of nobody, is no error", () => {
    assert.same<IkeConnection[]>([], readStatus(""));
    assert.same<IkeConnection[]>([], readStatus('whack: Pluto is not running (no "/run/pluto/pluto.ctl")\n'));
    for (const length of $range(0, string.len(LIBRESWAN_STATUS), 7)) {
      const connections = readStatus(string.sub(LIBRESWAN_STATUS, 1, length));
      assert.is_true(connections.length <= 3);
    }
  });
});
