// SPDX-License-Identifier: GPL-2.0-only
// Keeps out getters and setters: one anywhere in a class hierarchy makes every property look-up in it slow (70 ns).

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: { slow: "A getter or setter slows every property of its class in Lua: make it a method." },
  },
  create(context) {
    const report = (node) => context.report({ node, messageId: "slow" });
    return {
      "MethodDefinition[kind=/^[gs]et$/]": report,
      "Property[kind=/^[gs]et$/]": report,
      AccessorProperty: report,
    };
  },
};
