// SPDX-License-Identifier: GPL-2.0-only
// Keeps clock, input, output and chance out of the pure layers: time comes as an argument, a decision leaves as data.

const IMPURE = new Set([
  ...["os", "io", "Date", "print", "console", "debug", "collectgarbage", "dofile", "loadfile", "loadstring"],
  ...["require", "package", "getfenv", "setfenv", "_G", "globalThis", "setTimeout", "setInterval", "performance"],
]);
const RANDOM = new Set(["random", "randomseed"]);

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: { impure: "A pure layer uses no {{name}}: take what it gives as an argument." },
  },
  create(context) {
    /** Declared by the file itself as something other than `declare`: a parameter or variable of that name. */
    function isOwn(reference) {
      const definition = reference.resolved?.defs[0];
      return definition !== undefined && definition.node.declare !== true && definition.node.parent?.declare !== true;
    }
    return {
      "Program:exit"(node) {
        const scope = context.sourceCode.getScope(node);
        const all = (inner) => [...inner.references, ...inner.childScopes.flatMap(all)];
        for (const reference of all(scope)) {
          const name = reference.identifier.name;
          if (IMPURE.has(name) && reference.isValueReference !== false && !isOwn(reference)) {
            context.report({ node: reference.identifier, messageId: "impure", data: { name } });
          }
        }
      },
      "MemberExpression[object.name=/^[Mm]ath$/]"(node) {
        if (RANDOM.has(node.property.name)) {
          context.report({ node, messageId: "impure", data: { name: "random numbers" } });
        }
      },
    };
  },
};
