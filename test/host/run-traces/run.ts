// SPDX-License-Identifier: GPL-2.0-only
// A program: a run that leaves traces and then waits to be ended. It says what it made, as one JSON document.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beginRun, DYING_WITH_US, makeRunFolder, makeRunNamespace } from "../../../src/host/run-traces.js";

beginRun();
const folder = makeRunFolder("traces");
fs.writeFileSync(path.join(folder.name, "file"), "");
const namespace = await makeRunNamespace("traces");
const [program, ...words] = [...DYING_WITH_US, "ip", "netns", "exec", namespace.name, "sleep", "1000"];
const child = spawn(program, words, { stdio: "ignore", detached: true });
// Before it is what it is to be, it may not have asked yet to die with us.
while (fs.readFileSync(`/proc/${child.pid}/comm`, "utf8") !== "sleep\n") await sleep(20);
console.log(JSON.stringify({ folder: folder.name, namespace: namespace.name, child: child.pid }));
setInterval(() => undefined, 1000);
