// SPDX-License-Identifier: GPL-2.0-only
// Keeps out JavaScript's ways to count and pick characters: a Lua string is bytes, "é" is two of them.
//
// string.len, string.byte, string.sub and string.format mean the same in what is written and in what runs.

import { constraintType, isStringType } from "../types.mjs";

const COUNTING = new Set(["length", "at", "charAt", "charCodeAt", "codePointAt", "padStart", "padEnd", "normalize"]);

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      bytes: "A Lua string is bytes, not characters: say string.len, string.byte, string.sub or string.format.",
    },
  },
  create(context) {
    const report = (node) => context.report({ node, messageId: "bytes" });
    const isString = (node) => isStringType(constraintType(context, node));
    return {
      MemberExpression(node) {
        const counts = node.computed || COUNTING.has(node.property.name);
        if (counts && isString(node.object)) report(node);
      },
      ForOfStatement(node) {
        if (isString(node.right)) report(node.right);
      },
      SpreadElement(node) {
        if (isString(node.argument)) report(node);
      },
    };
  },
};
