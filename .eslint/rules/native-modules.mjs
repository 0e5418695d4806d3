// SPDX-License-Identifier: GPL-2.0-only
// Keeps out modules that are neither the project's own nor declared in tsconfig.json (tstl.noResolvePaths): the board
// has only what the package depends on, and TypeScriptToLua would otherwise look for their source.

export default {
  meta: {
    type: "problem",
    schema: [{ type: "object", properties: { modules: { type: "array" } }, additionalProperties: false }],
    messages: {
      undeclared: "`{{name}}` is not declared: add it to tstl.noResolvePaths in tsconfig.json and to the package.",
      dynamic: "require() takes a literal here, so that the bundle holds what it names.",
    },
  },
  create(context) {
    const declared = new Set(context.options[0]?.modules ?? []);
    function check(node, name) {
      if (name.startsWith(".") || declared.has(name)) return;
      context.report({ node, messageId: "undeclared", data: { name } });
    }
    return {
      "ImportDeclaration[importKind!='type']": (node) => check(node, node.source.value),
      "CallExpression[callee.name='require']"(node) {
        const argument = node.arguments[0];
        if (typeof argument?.value === "string") check(node, argument.value);
        else context.report({ node, messageId: "dynamic" });
      },
    };
  },
};
