// SPDX-License-Identifier: GPL-2.0-only
// The program inside the guest: runs one scenario and leaves its result as JSON; with "--list" it prints the catalogue
// (that works outside the guest too).
//
// Usage: luajit main.lua --list | luajit main.lua SCENARIO RESULT-FILE

import { catalogue } from "./catalogue";
import { json } from "./json";
import { Findings, type Scenario } from "./scenario";
import { writeText } from "./shell";
import { loadModules } from "./topology";

declare const arg: LuaTable<number, string | undefined>;

function list(): void {
  print(
    json.encode(catalogue.map(({ name, explanation, isForBoards = false }) => ({ name, explanation, isForBoards }))),
  );
}

function runScenario(scenario: Scenario, resultFile: string): void {
  const findings = new Findings();
  const [ended, problem] = pcall(() => {
    loadModules();
    scenario.run(findings);
  });
  if (!ended) findings.fail(tostring(problem));
  const { figures, notes, exhibits, timeLines } = findings;
  const ok = findings.failures === 0;
  writeText(resultFile, json.encode({ name: scenario.name, ok, figures, notes, exhibits, timeLines }));
}

const wanted = arg.get(1) ?? "";
if (wanted === "--list") list();
else {
  const scenario = catalogue.find(({ name }) => name === wanted);
  if (scenario === undefined) error(`There is no scenario "${wanted}".`, 0);
  runScenario(scenario, arg.get(2) ?? "/dev/stdout");
}
