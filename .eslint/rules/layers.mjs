// SPDX-License-Identifier: GPL-2.0-only
// Keeps the layers' arrows pointing downwards: what a folder of src/ may import from.
//
// The pure layers (wire, masquerade, epoch) never see the system, so they run unchanged in the daemon, under busted, in
// a simulator and in the self-test on the board.

import path from "node:path";

const MAY_IMPORT = {
  wire: [],
  masquerade: ["wire"],
  epoch: ["wire"],
  heartbeat: [],
  supervisor: ["heartbeat", "epoch"],
  system: ["wire"],
  forwarding: ["masquerade", "wire", "system"],
  watchdog: ["heartbeat", "epoch", "masquerade", "wire", "system"],
  app: ["forwarding", "watchdog", "heartbeat", "masquerade", "epoch", "wire", "system"],
  collector: ["app"],
  host: ["heartbeat"],
};

/** The folder of src/ that holds the file; undefined outside src/. */
function layerOf(file) {
  const parts = file.split(path.sep);
  const at = parts.lastIndexOf("src");
  return at >= 0 && at + 2 < parts.length ? parts[at + 1] : undefined;
}

export default {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      upward: "{{from}} may not import from {{to}}; it may from: {{allowed}}.",
      unknown: "src/{{from}} is no known layer: add it to MAY_IMPORT in .eslint/rules/layers.mjs.",
      test: "The program may not import from test/ (only app may, for the self-test).",
    },
  },
  create(context) {
    const from = layerOf(context.filename);
    const allowed = MAY_IMPORT[from];
    function check(node, specifier) {
      if (from === undefined || typeof specifier !== "string" || !specifier.startsWith(".")) return;
      const target = path.resolve(path.dirname(context.filename), specifier);
      const to = layerOf(target);
      if (allowed === undefined) context.report({ node, messageId: "unknown", data: { from } });
      else if (to === undefined) {
        if (from !== "app" && target.split(path.sep).includes("test")) context.report({ node, messageId: "test" });
      } else if (to !== from && !allowed.includes(to)) {
        const names = allowed.join(", ") || "no other layer";
        context.report({ node, messageId: "upward", data: { from, to, allowed: names } });
      }
    }
    return {
      ImportDeclaration: (node) => check(node, node.source.value),
      ExportNamedDeclaration: (node) => check(node, node.source?.value),
      ExportAllDeclaration: (node) => check(node, node.source.value),
      ImportExpression: (node) => check(node, node.source.value),
      TSImportType: (node) => check(node, (node.source ?? node.argument?.literal)?.value),
      "CallExpression[callee.name='require']": (node) => check(node, node.arguments[0]?.value),
    };
  },
};
