// SPDX-License-Identifier: GPL-2.0-only
// A program: a run that leaves traces and then waits to be ended. It says what it made, as one JSON document.

import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { beginRun, DYING_WITH_US, makeRunFolder, makeRunNamespace } from "../../../src/host/run-traces.js";

beginRun();
const folder = makeRunFolder("traces");
fs.writeFileSync(path.join(folder.name, "file"), "");
const namespace = await makeRunNamespace("traces");
const words = ["netns", "exec", namespace.name, ...DYING_WITH_US, "sleep", "1000"];
const child = spawn("ip", words, { stdio: "ignore", detached: true });
console.log(JSON.stringify({ folder: folder.name, namespace: namespace.name, child: child.pid }));
setInterval(() => undefined, 1000);
