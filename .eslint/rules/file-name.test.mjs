// SPDX-License-Identifier: GPL-2.0-only
// A file name that says nothing, or is not in lower case with hyphens, is refused.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./file-name.mjs";

testRule("file-name", rule, [
  right("export {};", { place: "src/wire/esp.ts" }),
  right("export {};", { place: "test/spec/wire/icmp-error.spec.ts" }),
  right("export {};", { place: "test/spec/busted.d.ts" }),
  wrong("export {};", ["vague"], { place: "src/wire/utils.ts" }),
  wrong("export {};", ["vague"], { place: "src/wire/packet-helper.ts" }),
  wrong("export {};", ["vague"], { place: "test/spec/common.spec.ts" }),
  wrong("export {};", ["vague", "spelling"], { place: "src/app/SessionManager.ts" }),
  wrong("export {};", ["spelling"], { place: "src/app/sourcePosition.ts" }),
]);
