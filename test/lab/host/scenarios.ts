// SPDX-License-Identifier: GPL-2.0-only
// The catalogue of scenarios as the guest's program gives it, asked on this machine without booting a guest.

import { execFileSync } from "node:child_process";

export interface ScenarioEntry {
  readonly name: string;
  readonly explanation: string;
  readonly isForBoards: boolean;
}

export function readCatalogue(): ScenarioEntry[] {
  const printed = execFileSync("luajit", ["test/lab/guest/main.lua", "--list"], {
    cwd: "build/lua",
    encoding: "utf8",
    env: { ...process.env, LUA_PATH: "./?.lua;;" },
  });
  return JSON.parse(printed) as ScenarioEntry[];
}
