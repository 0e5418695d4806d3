// SPDX-License-Identifier: GPL-2.0-only
// Builds what runs on LuaJIT (every module for specs, lab and bench, and the bundle and launcher that are installed)
// and what runs on Espruino.
//
// `npm run build` compiles this file and the other Node tools with tsc first, then runs it.

import fs from "node:fs";
import path from "node:path";
import { packedAlone, selfUnpacking } from "./bundle.js";
import { compileBundle, compileModules, compilePlainModule, readConfiguration } from "./compile.js";
import { espruinoBundle, SUPERVISOR_ENTRY } from "./espruino-bundle.js";
import { helpFile } from "./help/help-file.js";
import { removeStaleOutputs } from "./stale-outputs.js";

const ENTRY = "src/app/start.ts";
const COLLECTOR = "src/collector/vpnmasq.ts";
const LAUNCHER = "src/app/vpnmasq.sh";

function write(file: string, text: string | Buffer, mode = 0o644): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  fs.chmodSync(file, mode);
}

async function build(): Promise<void> {
  const configuration = readConfiguration();
  const modules = compileModules(configuration.fileNames, configuration.options);
  for (const [file, text] of modules) write(file, text);
  removeStaleOutputs("build/lua", (file) => modules.has(file));

  const { core, offload, rest } = compileBundle(ENTRY, configuration);
  write("build/vpnmasq.lua", await selfUnpacking(core, "vpnmasq.lua"));
  write("build/vpnmasq-offload.lua", await packedAlone(offload));
  write("build/vpnmasq-rest.lua", await packedAlone(rest));
  // For the image, whose file system packs them: they start in half the time.
  write("build/unpacked/vpnmasq.lua", core);
  write("build/unpacked/vpnmasq-offload.lua", offload);
  write("build/unpacked/vpnmasq-rest.lua", rest);
  write("build/prometheus-collector.lua", compilePlainModule(COLLECTOR, configuration));
  write("build/vpnmasq-help.lua", await helpFile());
  write("build/vpnmasq", fs.readFileSync(LAUNCHER, "utf8"), 0o755);

  write("build/supervisor.js", await espruinoBundle(SUPERVISOR_ENTRY));

  removeStaleOutputs("build/host", (file) => {
    const source = path.relative("build/host", file).replace(/\.js$/, ".ts");
    return file.endsWith(".tsbuildinfo") || fs.existsSync(source);
  });
}

try {
  await build();
} catch (problem) {
  console.error(problem instanceof Error ? problem.message : problem);
  process.exitCode = 1;
}
