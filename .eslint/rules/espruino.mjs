// SPDX-License-Identifier: GPL-2.0-only
// Keeps what runs on Espruino to what its interpreter can do after the compilation to ES5.
//
// The compiler takes care of most (its library is ES5's, and classes, templates and for-of become plain ES5). What is
// left: helpers that the compiler would need for spreading, which want more than the interpreter has; labels, getters
// and generators, which it does not parse; regular expressions, of which it knows only some; and a `let` of a loop in a
// closure, which it shares between the rounds.

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      spread: "Espruino: no spreading and no rest parameters; use concat, push one by one, or name the fields.",
      syntax: "Espruino cannot parse this.",
      expression: "Espruino's regular expressions are not whole: use indexOf and split.",
      api: "Espruino lacks {{name}}.",
      closure: "Espruino shares a loop's variable between closures: call a function that takes it.",
    },
  },
  create(context) {
    const report = (messageId) => (node) => context.report({ node, messageId });
    const LACKING = new Set(["freeze", "seal", "defineProperty", "localeCompare", "match", "search"]);
    return {
      SpreadElement: report("spread"),
      RestElement: report("spread"),
      LabeledStatement: report("syntax"),
      "MethodDefinition[kind=/get|set/]": report("syntax"),
      "Property[kind=/get|set/]": report("syntax"),
      ":function[generator=true]": report("syntax"),
      ":function[async=true]": report("syntax"),
      "Literal[regex]": report("expression"),
      "MemberExpression[computed=false]"(node) {
        const { name } = node.property;
        if (LACKING.has(name)) context.report({ node, messageId: "api", data: { name } });
      },
      ":matches(ForStatement, ForOfStatement, ForInStatement, WhileStatement) :function": report("closure"),
    };
  },
};
