// SPDX-License-Identifier: GPL-2.0-only
// Keeps out `x >>> 0`: in JavaScript it makes a word unsigned, LuaJIT's bit operations always give signed words.

import { constraintType } from "../types.mjs";

/** Whether the type is a number, known when it is compiled, that leaves the sign bit empty. */
const isShiftAmount = (type) => type.isNumberLiteral() && type.value >= 1 && type.value <= 31;

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      signed: "In Lua `>>>` gives a signed word here: say unsigned(word) of wire/word, or shift by a constant 1 … 31.",
    },
  },
  create: (context) => ({
    "BinaryExpression[operator='>>>'], AssignmentExpression[operator='>>>=']"(node) {
      if (!isShiftAmount(constraintType(context, node.right))) context.report({ node, messageId: "signed" });
    },
  }),
};
