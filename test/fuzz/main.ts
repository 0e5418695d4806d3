// SPDX-License-Identifier: GPL-2.0-only
// The program that fuzzes one target for a while, or gives it one saved input; prints what came of it as JSON.
//
// Usage (from build/lua): luajit test/fuzz/main.lua --list
//                         luajit test/fuzz/main.lua fuzz TARGET SECONDS SEED CORPUS-FILE PROGRESS-FILE
//                         luajit test/fuzz/main.lua replay TARGET INPUT-FILE

import { monotonicMs } from "../../src/system/clock";
import { copyBytes } from "../../src/system/ffi";
import { json } from "../bench/json";
import { catalogue, planted } from "./catalogue";
import { corpusOf } from "./corpus";
import { escaped, unescaped } from "./escaped-text";
import { Fuzzing } from "./fuzzing";
import { GuardedMemory } from "./guarded-memory";
import { ProgressFile } from "./progress-file";
import { Reached, type Target } from "./target";

declare const arg: LuaTable<number, string | undefined>;

function argument(at: number): string {
  return arg.get(at) ?? error(`argument ${at} is missing`, 0);
}

function targetNamed(name: string): Target {
  const all = [...catalogue, ...planted];
  return all.find((target) => target.name === name) ?? error(`there is no target "${name}"`, 0);
}

function list(): void {
  print(json.encode(catalogue.map(({ name, explanation }) => ({ name, explanation }))));
}

function fuzz(): void {
  const target = targetNamed(argument(2));
  const durationMs = tonumber(argument(3))! * 1000;
  const corpus = corpusOf(target, argument(5));
  const progress = new ProgressFile(argument(6));
  const fuzzing = new Fuzzing(target, corpus, progress, tonumber(argument(4))!);
  const startMs = monotonicMs();
  fuzzing.run(durationMs);
  const { reached, problems } = fuzzing;
  print(
    json.encode({
      executions: progress.count(),
      seconds: (monotonicMs() - startMs) / 1000,
      inputs: corpus.inputs.length,
      reached: reached.count,
      found: corpus.found.map((input) => escaped(input)),
      problems: problems.map(({ what, input }) => ({ what: escaped(what), input: escaped(input) })),
    }),
  );
}

function replay(): void {
  const target = targetNamed(argument(2));
  const [file, problem] = io.open(argument(3), "r");
  if (file === undefined) error(problem, 0);
  const bytes = unescaped(file.read("*l") ?? "");
  file.close();
  const lengthBytes = string.len(bytes);
  const memory = new GuardedMemory();
  const reached = new Reached();
  // At the end of the memory and at its beginning: one of them shows a look beyond either end.
  for (const start of [memory.endingAt(lengthBytes), memory.start]) {
    copyBytes(start, bytes, lengthBytes);
    const [done, what] = pcall(target.execute, { bytes: start, lengthBytes }, reached);
    if (!done) {
      print(json.encode({ problem: escaped(tostring(what)) }));
      return;
    }
  }
  const names: string[] = [];
  for (const name of reached.names) names.push(escaped(name));
  print(json.encode({ reached: names }));
}

const commands: Record<string, (() => void) | undefined> = { "--list": list, fuzz, replay };
const command = commands[argument(1)];
if (command === undefined) error(`there is no command "${argument(1)}"`, 0);
command();
