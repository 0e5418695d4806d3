// SPDX-License-Identifier: GPL-2.0-only
// A file without its licence in the first line, or without a comment on what it holds, is refused.

import { right, testRule, wrong } from "../rule-tester.mjs";
import rule from "./licence-line.mjs";

testRule("licence-line", rule, [
  right("// SPDX-License-Identifier: GPL-2.0-only\n// Holds nothing.\nexport {};"),
  right("#!/usr/bin/env node\n// SPDX-License-Identifier: GPL-2.0-only\n// Holds nothing.\nexport {};"),
  wrong("export {};", ["licence"]),
  wrong("// SPDX-License-Identifier: MIT\n// Holds nothing.\nexport {};", ["licence"]),
  wrong("// SPDX-License-Identifier: GPL-2.0-only\n\nexport {};", ["idea"]),
]);
