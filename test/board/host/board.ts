// SPDX-License-Identifier: GPL-2.0-only
// The command `npm run board`: checks of the emulated board one after the other, and what was measured on the way.
//
// `./flash.sh qemu-arm64 --check` is the first.

import { untilRefused } from "../../../src/host/refusal.js";
import { beginRun } from "../../../src/host/run-traces.js";
import { GROUPS, resultText, runChecks } from "./checks.js";
import { runPowerCuts } from "./power-cuts.js";
import { boardRequest, usage } from "./request.js";

async function main(): Promise<void> {
  const known = Object.keys(GROUPS);
  const request = boardRequest(process.argv.slice(2), known);
  if (request === undefined) {
    console.log(usage(known));
    return;
  }
  beginRun();
  const say = request.isJson ? console.error : console.log;
  const { powerCuts, groups } = request;
  const result = powerCuts === undefined ? await runChecks(groups, say) : await runPowerCuts(powerCuts, say);
  console.log(request.isJson ? JSON.stringify(result, undefined, 2) : resultText(result));
  process.exitCode = result.ok ? 0 : 1;
}

await untilRefused(main);
