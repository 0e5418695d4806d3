// SPDX-License-Identifier: GPL-2.0-only
// Keeps out `%`: JavaScript's remainder has the dividend's sign, Lua's the divisor's.

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: { sign: "In Lua `%` takes the divisor's sign: say modulo() of wire/word, or mask with & 2ⁿ−1." },
  },
  create: (context) => ({
    "BinaryExpression[operator='%'], AssignmentExpression[operator='%=']"(node) {
      context.report({ node, messageId: "sign" });
    },
  }),
};
