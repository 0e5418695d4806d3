// SPDX-License-Identifier: GPL-2.0-only
// The program that explores one world and prints what it found as JSON; with "--list" it prints what there is.
//
// Usage (from build/lua): luajit test/explore/main.lua --list | NAME CLIENTS EPOCHS STATES-MAX

import { monotonicMs } from "../../src/system/clock";
import { json } from "../bench/json";
import { catalogue } from "./catalogue";
import { Exploration } from "./exploration";
import { storyOf } from "./story";

declare const arg: LuaTable<number, string | undefined>;

const wanted = arg.get(1) ?? "--list";
if (wanted === "--list") {
  print(json.encode(catalogue.map(({ name, explanation }) => ({ name, explanation }))));
} else {
  const subject = catalogue.find(({ name }) => name === wanted);
  if (subject === undefined) error(`there is no world "${wanted}"`, 0);
  const rules = { ...subject.rules, clients: tonumber(arg.get(2))!, epochs: tonumber(arg.get(3))! };
  const exploration = new Exploration(rules);
  const startMs = monotonicMs();
  exploration.run(tonumber(arg.get(4))!);
  const causes = exploration.causes();
  print(
    json.encode({
      states: exploration.states(),
      futures: exploration.futures.tried,
      transitions: exploration.transitions,
      seconds: (monotonicMs() - startMs) / 1000,
      misdeliveries: exploration.misdeliveries,
      isComplete: exploration.isComplete,
      missing: subject.expected.filter((cause) => !causes.includes(cause)),
      unexpected: causes.filter((cause) => !subject.expected.includes(cause) && !subject.possible.includes(cause)),
      dead: causes.map((cause) => ({
        cause,
        states: exploration.deadBy.get(cause),
        story: storyOf(rules, exploration.firstDead.get(cause)!),
      })),
    }),
  );
}
