// SPDX-License-Identifier: GPL-2.0-only
// A module that tsconfig.json does not declare, or that only running code names, is refused.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./native-modules.mjs";

testRule("native-modules", rule, [
  right("import { unsigned } from './word';"),
  right("export const ffi = require('ffi') as unknown;", { options: [{ modules: ["ffi"] }] }),
  right("export const later = require('./word') as unknown;"),
  right("import type { Socket } from 'nowhere';"),
  wrong("import { socket } from 'socket';", ["undeclared"], { options: [{ modules: ["ffi"] }] }),
  wrong("export const lpeg = require('lpeg') as unknown;", ["undeclared"], { options: [{ modules: ["ffi"] }] }),
  wrong("export const load = (name: string): unknown => require(name);", ["dynamic"]),
]);
