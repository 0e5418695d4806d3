// SPDX-License-Identifier: GPL-2.0-only
// The program that measures one subject and prints what it found as JSON; with "--list" it prints what there is.
//
// Usage (from build/lua): luajit test/bench/main.lua --list | NAME

import { catalogue } from "./catalogue";
import { Findings } from "./findings";
import { json } from "./json";

declare const arg: LuaTable<number, string | undefined>;

const wanted = arg.get(1) ?? "--list";
if (wanted === "--list") {
  print(json.encode(catalogue.map(({ name, explanation }) => ({ name, explanation }))));
} else {
  const measurement = catalogue.find(({ name }) => name === wanted);
  if (measurement === undefined) error(`there is no measurement "${wanted}"`, 0);
  const findings = new Findings();
  const [done, problem] = xpcall(
    () => {
      measurement.run(findings);
    },
    (thrown: unknown) => debug.traceback(tostring(thrown)),
  );
  if (!done) findings.fail(`${measurement.name} could not be measured: ${tostring(problem)}`);
  const { figures, notes, failures } = findings;
  print(json.encode({ name: measurement.name, ok: failures === 0, figures, notes }));
}
