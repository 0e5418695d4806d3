// SPDX-License-Identifier: GPL-2.0-only
// Keeps undefined out of arrays: in Lua it is nil, and an array that holds a nil ends there, or somewhere behind it.
//
// A tuple is let be: its places are asked for by number, not walked or counted.

import { isArrayType, isTupleType, mayBeUndefined } from "../types.mjs";

/** Methods that put their arguments into the array, from this one on. */
const PUTTING = new Map([
  ["push", 0],
  ["unshift", 0],
  ["fill", 0],
  ["splice", 2],
]);

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: { hole: "In Lua an array ends at undefined: leave it out, or put something else in its place." },
  },
  create(context) {
    const { program, esTreeNodeToTSNodeMap } = context.sourceCode.parserServices;
    const checker = program.getTypeChecker();
    const typeOf = (node) => checker.getTypeAtLocation(esTreeNodeToTSNodeMap.get(node));
    /** `list.shift()!` says that there is one, and proves nothing: what is behind the `!` counts. */
    const mayBeHole = (node) =>
      node.type === "TSNonNullExpression" ? mayBeHole(node.expression) : mayBeUndefined(typeOf(node));
    const check = (node) => {
      if (node.type !== "SpreadElement" && mayBeHole(node)) context.report({ node, messageId: "hole" });
    };
    return {
      ArrayExpression(node) {
        const wanted = checker.getContextualType(esTreeNodeToTSNodeMap.get(node));
        if (wanted !== undefined && isTupleType(checker, wanted)) return;
        for (const element of node.elements) {
          if (element === null) context.report({ node, messageId: "hole" });
          else check(element);
        }
      },
      "CallExpression > MemberExpression.callee"(node) {
        const first = PUTTING.get(node.property.name);
        if (first === undefined || !isArrayType(checker, typeOf(node.object))) return;
        for (const argument of node.parent.arguments.slice(first)) check(argument);
      },
      "AssignmentExpression[operator='='] > MemberExpression[computed=true].left"(node) {
        if (isArrayType(checker, typeOf(node.object))) check(node.parent.right);
      },
    };
  },
};
