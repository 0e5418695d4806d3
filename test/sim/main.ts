// SPDX-License-Identifier: GPL-2.0-only
// The program of the simulator, in LuaJIT; test/sim/host/sim.ts starts it, as many of it as are wanted.
//
// Usage (from build/lua): luajit test/sim/main.lua TASK, where TASK is a JSON object (see Task). What it prints is JSON
// too, an object a line: {"progress":EPOCHS} now and then, and the result at the end.

import { json } from "../bench/json";
import { runCampaign } from "./campaign";
import { compare, type Comparison } from "./compare";
import type { NatKind, Scenario } from "./plan";
import { type Profile, PROFILES } from "./profiles";
import { tell } from "./report";
import { shrink } from "./shrink";

declare const arg: LuaTable<number, string | undefined>;

type Task =
  | { readonly task: "profiles" }
  | {
      readonly task: "campaign";
      readonly profile: string;
      readonly seed: number;
      readonly stride: number;
      readonly epochs: number;
    }
  | { readonly task: "shrink"; readonly profile: string; readonly scenario: Scenario }
  | { readonly task: "replay"; readonly scenario: Scenario }
  | ({ readonly task: "compare" } & Comparison);

const NAT: NatKind = "vpnmasq";
/** Garbage is collected when four times as much as is in use has been made: memory is plenty here, time is not. */
const COLLECTOR_PAUSE_PERCENT = 400;
const PROGRESS_EPOCHS = 5000;

function profileOf(name: string): Profile {
  const known = (PROFILES as Record<string, Profile | undefined>)[name];
  if (known === undefined) error(`there is no profile "${name}"`, 0);
  return known;
}

function write(result: unknown): void {
  print(json.encode(result));
  io.stdout.flush();
}

function perform(task: Task): unknown {
  switch (task.task) {
    case "profiles":
      return Object.entries(PROFILES as Record<string, Profile>).map(([name, { explanation }]) => ({
        name,
        explanation,
      }));
    case "campaign": {
      let told = 0;
      return runCampaign(
        { ...task, profileName: task.profile, profile: profileOf(task.profile), nat: NAT },
        (epochs) => {
          if (epochs - told < PROGRESS_EPOCHS) return;
          told = epochs;
          write({ progress: epochs });
        },
      );
    }
    case "shrink": {
      const { violation } = tell(task.scenario);
      if (violation === undefined) return { isGood: true };
      const shrunk = shrink(task.scenario, violation);
      return { ...shrunk, text: tell(shrunk.scenario).text };
    }
    case "replay":
      return tell(task.scenario);
    case "compare":
      return compare(task);
  }
}

collectgarbage("setpause", COLLECTOR_PAUSE_PERCENT);
write(perform(json.decode(arg.get(1) ?? '{"task":"profiles"}') as Task));
