// SPDX-License-Identifier: GPL-2.0-only
// Short names: scopes are kept apart, and nothing that is found by name is renamed.

import assert from "node:assert/strict";
import test from "node:test";
import { withShortNames } from "../../src/host/short-names.js";

test("a local is renamed in its scope, and the global of the same name is not", () => {
  assert.equal(
    withShortNames("print(value)\nlocal value = value\nreturn value"),
    "print(value)\nlocal a = value\nreturn a",
  );
});

test("an inner local hides the outer one only inside", () => {
  const lua = "local one = 1\ndo local one = 2; use(one) end\nuse(one)";
  assert.equal(withShortNames(lua), "local a = 1\ndo local b = 2; use(b) end\nuse(a)");
});

test("fields, methods, keys and labels keep their names", () => {
  const lua = "local name = {name = 1}\nname.name = name:name()\ngoto name\n::name::";
  assert.equal(withShortNames(lua), "local a = {name = 1}\na.name = a:name()\ngoto name\n::name::");
});

test("parameters and loop variables are renamed, functions are not", () => {
  const lua = "local function add(left, right) return left + right end\nfor index = 1, 2 do add(index, index) end";
  assert.equal(withShortNames(lua), "local function add(a, b) return a + b end\nfor a = 1, 2 do add(a, a) end");
});

test("functions are renamed where nobody sees their names", () => {
  const lua = "local function add(left, right) return left + right end\nadd(1, 2)";
  assert.equal(withShortNames(lua, "short"), "local function a(b, c) return b + c end\na(1, 2)");
});

test("the condition of repeat sees the locals of its body", () => {
  assert.equal(withShortNames("repeat local done = step() until done"), "repeat local a = step() until a");
});

test("no short name hides a global or a function", () => {
  assert.equal(withShortNames("local first, second = a, 1\nreturn first"), "local b, c = a, 1\nreturn b");
});

test("lines stay where they are", () => {
  const lua = "local long = 1\n\nreturn function()\n  return long\nend";
  assert.equal(withShortNames(lua).split("\n").length, lua.split("\n").length);
});
