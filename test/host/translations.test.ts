// SPDX-License-Identifier: GPL-2.0-only
// Every text of the pages can be translated, and the template of the catalogues has all of them.

import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, it } from "node:test";
import { po } from "gettext-parser";
import { callsIn, pageCalls, TEMPLATE, templateText } from "../../src/host/translations/template.js";

/** Shows what the program says of its keys, which the template has from the program. */
const SHOWS_KEYS = ["options.js", "configuration.js"];

describe("the template of translations", () => {
  it("is up to date (npm run translations)", () => {
    assert.equal(fs.readFileSync(TEMPLATE, "utf8"), templateText());
  });

  it("is what gettext reads, and has a text of each source", () => {
    const { translations } = po.parse(fs.readFileSync(TEMPLATE));
    const texts = Object.keys(translations[""] ?? {});
    for (const text of ["Previous page", "VPN Masquerade", "an IKE session without traffic is forgotten"]) {
      assert.ok(texts.includes(text), text);
    }
  });

  it("finds calls by what they are, not by how they look", () => {
    const source = "return [_('one'), x_('no'), _(two), '_(\\'no\\')'] // _('no')";
    assert.deepEqual(
      callsIn(source, "page.js").map(({ text }) => text),
      ["one", undefined],
    );
  });

  it("misses no text, since pages hand _() nothing but literals and the program's texts", () => {
    const unknown = pageCalls().filter(
      ({ text, place }) => text === undefined && !SHOWS_KEYS.some((page) => place.endsWith(page)),
    );
    assert.deepEqual(unknown, []);
  });
});
