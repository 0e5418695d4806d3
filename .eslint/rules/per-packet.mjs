// SPDX-License-Identifier: GPL-2.0-only
// Keeps slow forms out of the per-packet path: functions and classes whose docstring says @perPacket. The option
// `everywhere` is for layers that mostly run there: every function, but loops and text (for people) are let be.
//
// Measured under LuaJIT: a closure 50 ns, try/catch 97, an array 90, a template string 76, push 16–28, and a loop with
// a varying count keeps the trace from compiling at all. The whole budget of a packet is 200 ns.

const CONTAINERS = new Set([
  "FunctionDeclaration",
  "ClassDeclaration",
  "MethodDefinition",
  "ExportNamedDeclaration",
  "VariableDeclaration",
]);
const FUNCTIONS = "FunctionDeclaration, FunctionExpression, ArrowFunctionExpression";
const LOOPS = "ForStatement, ForInStatement, ForOfStatement, WhileStatement, DoWhileStatement";
const isFunction = (node) => /Function/.test(node.type) && node.type !== "TSFunctionType";

export default {
  meta: {
    type: "problem",
    schema: [{ type: "object", properties: { everywhere: { type: "boolean" } }, additionalProperties: false }],
    messages: { slow: "{{what}} is too slow for the per-packet path ({{cost}})." },
  },
  create(context) {
    const everywhere = context.options[0]?.everywhere ?? false;
    const isTagged = (node) =>
      CONTAINERS.has(node.type) &&
      context.sourceCode.getCommentsBefore(node).some((comment) => /@perPacket\b/.test(comment.value));

    /** Whether the node is inside a function that runs for each packet. */
    function isPerPacket(node) {
      const around = context.sourceCode.getAncestors(node);
      return around.some(isFunction) && (everywhere || around.some(isTagged));
    }
    const forbid = (what, cost) => (node) => {
      if (isPerPacket(node)) context.report({ node, messageId: "slow", data: { what, cost } });
    };
    function closure(node) {
      const isMethod = node.parent.type === "MethodDefinition";
      const insideFunction = context.sourceCode.getAncestors(node).some(isFunction);
      if (!isMethod && insideFunction) forbid("A closure", "50 ns")(node);
    }
    const onlyTagged = everywhere ? () => () => {} : forbid;
    return {
      [FUNCTIONS]: closure,
      TryStatement: forbid("try/catch", "97 ns"),
      "ReturnStatement > ArrayExpression": forbid("An array as a tuple", "90 ns; use LuaMultiReturn"),
      "CallExpression[callee.property.name='push']": forbid("push", "16–28 ns"),
      SpreadElement: forbid("Spreading", "an array and a loop"),
      "TemplateLiteral[expressions.length>0]": onlyTagged("A template string", "76 ns"),
      "CallExpression[callee.property.name='format']": onlyTagged("string.format", "over 100 ns"),
      [LOOPS]: onlyTagged("A loop", "its trace may never compile"),
    };
  },
};
