// SPDX-License-Identifier: GPL-2.0-only
// Keeps out `x | 0` and its kin as "drop the fraction": LuaJIT's bit operations round to the nearest integer.

const isZero = (node) => node.type === "Literal" && node.value === 0;
const TRUNCATING = new Set(["|", "^", "<<", ">>", "|=", "^=", "<<=", ">>="]);

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      rounds: "In Lua this rounds instead of truncating: say divide() or toWord() of wire/word, or Math.floor().",
    },
  },
  create(context) {
    function check(node) {
      if (
        TRUNCATING.has(node.operator) &&
        (isZero(node.right) || (isZero(node.left) && /^[|^]$/.test(node.operator)))
      ) {
        context.report({ node, messageId: "rounds" });
      }
    }
    return {
      BinaryExpression: check,
      AssignmentExpression: check,
      "UnaryExpression[operator='~'] > UnaryExpression[operator='~']"(node) {
        context.report({ node: node.parent, messageId: "rounds" });
      },
    };
  },
};
