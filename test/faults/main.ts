// SPDX-License-Identifier: GPL-2.0-only
// The program that brings one fault about and prints what came of it as JSON; with "--list" it prints what there is.
//
// Usage (from build/lua, in namespaces of its own): luajit test/faults/main.lua --list | NAME [AMOUNT]

import { Findings } from "../bench/findings";
import { json } from "../bench/json";
import { catalogue } from "./catalogue";

declare const arg: LuaTable<number, string | undefined>;

const wanted = arg.get(1) ?? "--list";
if (wanted === "--list") {
  print(json.encode(catalogue.map(({ name, explanation, amount }) => ({ name, explanation, amount }))));
} else {
  const fault = catalogue.find(({ name }) => name === wanted);
  if (fault === undefined) error(`there is no fault "${wanted}"`, 0);
  const findings = new Findings();
  const [done, problem] = xpcall(
    () => {
      fault.run(findings, tonumber(arg.get(2) ?? "") ?? fault.amount);
    },
    (thrown: unknown) => debug.traceback(tostring(thrown)),
  );
  if (!done) findings.fail(tostring(problem));
  const { figures, notes, failures } = findings;
  print(json.encode({ name: fault.name, ok: failures === 0, figures, notes }));
}
