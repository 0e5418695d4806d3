// SPDX-License-Identifier: GPL-2.0-only
// What ESLint checks: strict TypeScript everywhere, and in what becomes Lua a rule against each trap of that.
//
// docs/development.md lists the traps and the rule that guards each.

import fs from "node:fs";
import path from "node:path";
import ts from "typescript";
import tseslint from "typescript-eslint";
import { rules } from "./rules/index.mjs";

const root = path.resolve(import.meta.dirname, "..");
const configuration = ts.parseConfigFileTextToJson("tsconfig.json", fs.readFileSync(`${root}/tsconfig.json`, "utf8"));
const modules = configuration.config.tstl.noResolvePaths;

const LUA = ["src/**/*.ts", "test/**/*.ts"];
/** Runs on Espruino as well as, for specs, on Lua; what is below espruino/ runs there alone. */
const SHARED = ["src/heartbeat/**/*.ts", "src/supervisor/*.ts", "src/epoch/action-budget.ts", "src/epoch/ladder.ts"];
const ESPRUINO = ["src/supervisor/espruino/**/*.ts"];
const NODE = ["src/host/**/*.ts", "test/**/host/**/*.ts"];
const PAGES = ["firmware/**/*.js", "test/openwrt/luci/**/*.js"];
const PURE = [
  "src/wire/**/*.ts",
  "src/masquerade/**/*.ts",
  "src/epoch/**/*.ts",
  "src/heartbeat/**/*.ts",
  "src/supervisor/*.ts",
];

/** Truthiness: 0 and "" are true in Lua, so only a boolean or an object that may be absent is a condition. */
const BOOLEAN = { allowString: false, allowNumber: false, allowNullableObject: true, allowNullableBoolean: false };

/** A name that starts with _ says that the value is not wanted: a counter of a loop, a place in a tuple. */
const UNDERSCORE = { argsIgnorePattern: "^_", varsIgnorePattern: "^_$", destructuredArrayIgnorePattern: "^_" };

/** The runner itself waits for these. */
const NODE_TEST = [{ from: "package", package: "node:test", name: ["describe", "it", "test", "before", "after"] }];

export default tseslint.config(
  { files: LUA, extends: [tseslint.configs.strictTypeChecked] },
  {
    files: LUA,
    plugins: { local: { rules } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { parserOptions: { project: "tsconfig.json", tsconfigRootDir: root } },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/no-duplicate-enum-values": "off", // fields that share a place in a header
      "@typescript-eslint/no-floating-promises": ["error", { allowForKnownSafeCalls: NODE_TEST }],
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-require-imports": "off", // local/native-modules says which are right
      "@typescript-eslint/no-invalid-void-type": ["error", { allowAsThisParameter: true }],
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unsafe-enum-assignment": "off", // what is read from a packet is any number
      "@typescript-eslint/no-unsafe-enum-comparison": "off",
      "@typescript-eslint/no-unused-vars": ["error", UNDERSCORE],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/strict-boolean-expressions": ["error", BOOLEAN],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "local/file-name": "error",
      "local/layers": "error",
      "local/licence-line": "error",
    },
  },
  {
    files: LUA,
    ignores: NODE,
    rules: {
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/prefer-nullish-coalescing": "error",
      "@typescript-eslint/unbound-method": "off", // functions have no `this` in Lua (noImplicitSelf)
      "local/accessors": "error",
      "local/array-holes": "error",
      "local/cdata-arrays": "error",
      "local/integer-truncation": "error",
      "local/native-modules": ["error", { modules }],
      "local/raw-modulo": "error",
      "local/string-characters": "error",
      "local/unsigned-shift": "error",
      "local/per-packet": "error",
    },
  },
  { files: ["test/**/*.ts"], rules: { "@typescript-eslint/explicit-module-boundary-types": "off" } },
  {
    files: PURE,
    rules: {
      "local/map-iteration": "error",
      "local/plain-lua": "error",
      "local/pure-globals": "error",
    },
  },
  { files: ["src/wire/**/*.ts"], rules: { "local/per-packet": ["error", { everywhere: true }] } },
  // Lines of ASCII, for Lua and JavaScript alike: a byte is a character.
  { files: ["src/heartbeat/**/*.ts", "src/supervisor/**/*.ts"], rules: { "local/string-characters": "off" } },
  // Pages of LuCI: bodies of functions, whose arguments their 'require …' lines name.
  {
    files: PAGES,
    languageOptions: { sourceType: "commonjs" },
    rules: {
      "no-dupe-keys": "error",
      "no-redeclare": "error",
      "no-unreachable": "error",
      "no-unused-vars": ["error", { caughtErrors: "none" }],
      "no-var": "error",
      "prefer-const": "error",
      "use-isnan": "error",
    },
  },
  // The one place that makes words of integers.
  { files: ["src/wire/word.ts"], rules: { "local/integer-truncation": "off" } },
  // The one place that asks whether there is FFI.
  { files: ["src/masquerade/memory.ts"], rules: { "local/pure-globals": "off" } },
  {
    files: [...SHARED, ...ESPRUINO],
    rules: {
      // Espruino does not hoist: what is called while modules load must stand above.
      "@typescript-eslint/no-use-before-define": ["error", { functions: true, classes: true, variables: true }],
      "local/espruino": "error",
    },
  },
  {
    files: ESPRUINO,
    languageOptions: { parserOptions: { project: "src/supervisor/tsconfig.json", tsconfigRootDir: root } },
    rules: { "local/native-modules": "off" }, // its modules are the interpreter's
  },
  {
    files: NODE,
    languageOptions: { parserOptions: { project: "src/host/tsconfig.json", tsconfigRootDir: root } },
    rules: { "local/string-characters": "off" },
  },
);
