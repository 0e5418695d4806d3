// SPDX-License-Identifier: GPL-2.0-only
// Keeps out file names that say nothing: one idea a file, named by the field's term, in lower case with hyphens.

import path from "node:path";

const VAGUE = /(^|[-_.a-z0-9])(utils?|utilit(y|ies)|helpers?|managers?|common|misc|stuff|shared)$/i;
const SPELLING = /^[a-z0-9]+(-[a-z0-9]+)*$/;

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      vague: "`{{name}}` does not say what the file holds: name it by the one idea in it.",
      spelling: "`{{name}}` is to be in lower case, its words joined by hyphens.",
    },
  },
  create: (context) => ({
    Program(node) {
      const name = path.basename(context.filename).replace(/(\.(spec|test|d))?\.[a-z]+$/, "");
      if (VAGUE.test(name)) context.report({ node, messageId: "vague", data: { name } });
      if (!SPELLING.test(name)) context.report({ node, messageId: "spelling", data: { name } });
    },
  }),
};
