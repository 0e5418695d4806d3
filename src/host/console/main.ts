// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run console`.

import { consoleCommand } from "./command.js";

process.exitCode = await consoleCommand(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
