// SPDX-License-Identifier: GPL-2.0-only
// Keeps iteration over Map and Set out of the pure layers: TypeScriptToLua's iterators make a closure and an array for
// each step. A LuaTable (pairs) or a flat array is walked without either.

import { constraintType, isInstanceOf } from "../types.mjs";

const COLLECTIONS = new Set(["Map", "Set", "ReadonlyMap", "ReadonlySet", "MapIterator", "SetIterator"]);
const WALKING = new Set(["forEach", "entries", "keys", "values"]);

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: { slow: "Walking a Map or Set allocates at every step in Lua: use LuaMap, LuaTable or a flat array." },
  },
  create(context) {
    const isCollection = (node) => isInstanceOf(constraintType(context, node), COLLECTIONS);
    return {
      ForOfStatement(node) {
        if (isCollection(node.right)) context.report({ node: node.right, messageId: "slow" });
      },
      "CallExpression > MemberExpression.callee"(node) {
        if (WALKING.has(node.property.name) && isCollection(node.object)) context.report({ node, messageId: "slow" });
      },
    };
  },
};
