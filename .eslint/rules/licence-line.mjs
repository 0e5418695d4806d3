// SPDX-License-Identifier: GPL-2.0-only
// Every file says its licence in its first line, then in a comment what idea it holds.

const LICENCE = "// SPDX-License-Identifier: GPL-2.0-only";

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      licence: "The first line is to be `{{licence}}`.",
      idea: "After the licence line, a comment says what idea the file holds and why.",
    },
  },
  create: (context) => ({
    Program(node) {
      const lines = context.sourceCode.lines.filter((line) => !line.startsWith("#!"));
      if (lines[0] !== LICENCE) context.report({ node, messageId: "licence", data: { licence: LICENCE } });
      else if (!/^(\/\/ |\/\*)/.test(lines[1] ?? "")) context.report({ node, messageId: "idea" });
    },
  }),
};
