// SPDX-License-Identifier: GPL-2.0-only
// Compiles TypeScript to Lua. Any diagnostic of TypeScript or TypeScriptToLua is an error, warnings too: they name the
// traps of the compilation to Lua, such as a condition on a number.

import path from "node:path";
import ts from "typescript";
import * as tstl from "typescript-to-lua";
import { installedBundle } from "./bundle.js";

/** Lua text by the path that it is to be written to. */
export type Outputs = Map<string, string>;

/** The message of the thrown error is what a person reads: each diagnostic with its place. */
export function refuse(diagnostics: readonly ts.Diagnostic[]): void {
  if (diagnostics.length === 0) return;
  const format = process.stderr.isTTY ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics;
  throw new Error(
    format(ts.sortAndDeduplicateDiagnostics(diagnostics), {
      getCurrentDirectory: () => ts.sys.getCurrentDirectory(),
      getCanonicalFileName: (name) => name,
      getNewLine: () => "\n",
    }),
  );
}

/** Reads tsconfig.json: the files that become Lua, and how. */
export function readConfiguration(): tstl.ParsedCommandLine {
  const parsed = tstl.parseConfigFileWithSystem(path.resolve("tsconfig.json"));
  refuse(parsed.errors);
  return parsed;
}

/** Compiles the files, each to a Lua module. */
export function compileModules(files: readonly string[], options: tstl.CompilerOptions): Outputs {
  const program = ts.createProgram(files, options);
  refuse(ts.getPreEmitDiagnostics(program));
  const outputs: Outputs = new Map();
  const { diagnostics } = new tstl.Transpiler().emit({
    program,
    writeFile: (name, text) => outputs.set(path.relative(".", name), text),
  });
  refuse(diagnostics);
  return outputs;
}

/** Compiles the file and all that it requires to one Lua file, fit to be installed. */
export function compileBundle(entry: string, { fileNames, options }: tstl.ParsedCommandLine): Buffer {
  const name = "bundle.lua";
  const declarations = fileNames.filter((file) => file.endsWith(".d.ts"));
  const outputs = compileModules([path.resolve(entry), ...declarations], {
    ...options,
    luaBundle: name,
    luaBundleEntry: entry,
    noHeader: true,
    removeComments: true,
    sourceMap: true,
  });
  const written = path.join(path.relative(".", options.outDir ?? "."), name);
  return installedBundle(outputs.get(written) ?? "", outputs.get(`${written}.map`) ?? "{}");
}
