// SPDX-License-Identifier: GPL-2.0-only
// Masking: one name for one address wherever it stands, and nothing else changed.

import { Mask } from "../../../src/app/support";

describe("masking", () => {
  it("gives an address the same name everywhere, and tells private from public", () => {
    const mask = new Mask();
    assert.same(
      { a: ["private-1", "public-2"], b: "from private-1 to public-2, not private-3/24", count: 5 },
      mask.value({
        a: ["192.168.1.10", "198.51.100.1"],
        b: "from 192.168.1.10 to 198.51.100.1, not 172.16.0.0/24",
        count: 5,
      }),
    );
  });

  it("leaves alone what is no address", () => {
    const mask = new Mask();
    assert.same(
      { a: "Linux 6.1.0-18", b: "1.2.3.400", c: "0xc0ffee01" },
      mask.value({ a: "Linux 6.1.0-18", b: "1.2.3.400", c: "0xc0ffee01" }),
    );
  });

  it("knows the private ranges to their ends", () => {
    const mask = new Mask();
    const names = mask.value(["172.31.255.255", "172.32.0.0", "100.64.0.0", "100.128.0.0", "10.0.0.1", "127.0.0.1"]);
    assert.same(["private-1", "public-2", "private-3", "public-4", "private-5", "private-6"], names);
  });
});
