// SPDX-License-Identifier: GPL-2.0-only
// Spaces that only people need are left out, those that Lua needs are not, and lines stay.

import assert from "node:assert/strict";
import test from "node:test";
import { narrowLua } from "../../src/host/narrow-lua.js";

const NARROWED = {
  "local a, b = { 1, 2 }, c(d) + 1": "local a,b={1,2},c(d)+1",
  'return "a  b" .. [[c  d]] .. e': 'return"a  b"..[[c  d]]..e',
  "x = 1 .. 2 .. f(...)": "x=1 ..2 ..f(...)",
  "g(a .. ...)": "g(a.. ...)",
  "y = 1 - -2": "y=1- -2",
  "z = t[ [[k]] ]": "z=t[ [[k]]]",
  "if a then -- why\n\n  return b\nend": "if a then\n\nreturn b\nend",
};

for (const [lua, narrow] of Object.entries(NARROWED)) {
  test(JSON.stringify(lua), () => {
    assert.equal(narrowLua(lua), narrow);
  });
}
