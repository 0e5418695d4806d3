// SPDX-License-Identifier: GPL-2.0-only
// What is read from strongSwan's own words.

import type { IkeConnection } from "../../../src/watchdog/ike-daemon";
import { readLists } from "../../../src/watchdog/strongswan-list";
import { readMessages } from "../../../src/watchdog/vici-text";
import { STRONGSWAN_CONNECTING, STRONGSWAN_CONNECTIONS, STRONGSWAN_IKEV1, STRONGSWAN_REKEYED } from "./ike-captures";

function find(text: string, name: string): IkeConnection {
  return readLists(text).find((connection) => connection.name === name)!;
}

describe("strongSwan's lists", () => {
  it("name every configured child, after its connection", () => {
    const names = readLists(`${STRONGSWAN_CONNECTIONS}\n${STRONGSWAN_REKEYED}`).map(({ name }) => name);
    assert.same(["gw-2/office-1", "gw-2/spare-1", "dead/office-2"], names);
  });

  it("tell the SPIs of the epoch in use, and pass over the one that a rekey replaced", () => {
    const { state, ikeVersion, epochs } = find(STRONGSWAN_REKEYED, "gw-2/office-1");
    assert.equal<string>("up", state);
    assert.equal(2, ikeVersion!);
    assert.same([{ outSpi: 0xc2daa6ff - 2 ** 32, inSpi: 0xcb9b8234 - 2 ** 32 }], epochs);
  });

  it("tell IKEv1", () => {
    assert.equal(1, find(STRONGSWAN_IKEV1, "gw-2/office-1").ikeVersion!);
  });

  it("tell what is down, and what waits for its peer", () => {
    const both = `${STRONGSWAN_CONNECTIONS}\n${STRONGSWAN_CONNECTING}`;
    assert.equal<string>("connecting", find(both, "dead/office-2").state);
    assert.equal<string>("down", find(both, "gw-2/spare-1").state);
    assert.equal<string>("up", find(both, "gw-2/office-1").state);
  });

  it("that are empty, cut off or of nobody are no error", () => {
    assert.same<IkeConnection[]>([], readLists("list-sas reply {}\n"));
    assert.same<IkeConnection[]>([], readLists("connecting to 'unix:///run/charon.vici' failed: Connection refused\n"));
    for (const length of $range(0, string.len(STRONGSWAN_REKEYED), 7)) {
      assert.is_true(readLists(string.sub(STRONGSWAN_REKEYED, 1, length)).length <= 2);
    }
  });
});

describe("a vici message", () => {
  it("may hold spaces in a value, and lists", () => {
    const [message] = readMessages("x event {a=pre-shared key b=[1 2] c= d {e=f}}", "x event");
    const { values, sections } = message;
    assert.same(["pre-shared key", "1 2", ""], [values.get("a"), values.get("b"), values.get("c")]);
    assert.equal("d", sections[0].name);
    assert.equal("f", sections[0].section.values.get("e"));
  });

  it("nested without end is read as far as is sensible", () => {
    const deep = `x event ${string.rep("{a ", 1000)}`;
    assert.equal(1, readMessages(deep, "x event").length);
  });
});
