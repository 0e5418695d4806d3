// SPDX-License-Identifier: GPL-2.0-only
// Keys that count only with another one: what they name is there.

import { CONFIGURATION_KEYS } from "../../../src/app/configuration-keys";
import type { DocumentKey } from "../../../src/app/document-key";
import { ENDPOINT_KEYS, TUNNEL_KEYS } from "../../../src/app/endpoint-keys";
import { JSON_NULL } from "../../../src/app/json";

const TABLES: Readonly<Record<string, readonly DocumentKey[]>> = {
  router: CONFIGURATION_KEYS,
  endpoint: ENDPOINT_KEYS,
  tunnel: TUNNEL_KEYS,
};

describe("a key that counts only with another", () => {
  for (const [name, keys] of Object.entries(TABLES)) {
    it(`names one of the ${name}, and a value that it accepts`, () => {
      for (const { key, counts } of keys) {
        if (counts === undefined) continue;
        const other = keys.find((one) => one.key === counts.key);
        assert.is_not_nil(other, key);
        if (counts.is === undefined) assert.equal(JSON_NULL, other?.standard, `${key}: ${counts.key} is always there`);
        else assert.equal(counts.is, other?.read(counts.is), key);
      }
    });
  }

  it("says so before its explanation, where a value decides", () => {
    const filtering = CONFIGURATION_KEYS.find(({ key }) => key === "filtering");
    assert.equal("scope all: ", string.sub(filtering?.explanation ?? "", 1, 11));
  });
});
