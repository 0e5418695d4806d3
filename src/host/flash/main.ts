// SPDX-License-Identifier: GPL-2.0-only
// The command ./flash.sh.

import { flashCommand } from "./command.js";

process.exitCode = await flashCommand(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
