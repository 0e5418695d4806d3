// SPDX-License-Identifier: GPL-2.0-only
// Keeps the pure layers to what PUC Lua 5.1 can run: TypeScriptToLua makes `continue` and labels into `goto`, which it
// lacks, and try/catch into closures, which cost 97 ns; a pure layer returns its errors as values.

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      goto: "PUC Lua 5.1 has no goto for this: turn the condition round, or make the loop's body a function.",
      throws: "A pure layer returns a named reason instead of throwing or catching.",
    },
  },
  create: (context) => ({
    ContinueStatement: (node) => context.report({ node, messageId: "goto" }),
    LabeledStatement: (node) => context.report({ node, messageId: "goto" }),
    TryStatement: (node) => context.report({ node, messageId: "throws" }),
    ThrowStatement: (node) => context.report({ node, messageId: "throws" }),
  }),
};
