// SPDX-License-Identifier: GPL-2.0-only
// Compiles TypeScript to Lua. Any diagnostic of TypeScript or TypeScriptToLua is an error, warnings too: they name the
// traps of the compilation to Lua, such as a condition on a number.

import path from "node:path";
import ts from "typescript";
import * as tstl from "typescript-to-lua";
import { type Bundle, bundle } from "./bundle.js";

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

/**
 * Compiles the files, each to a Lua module.
 *
 * @param only the one file that becomes Lua; of what it imports, it uses types alone
 */
export function compileModules(files: readonly string[], options: tstl.CompilerOptions, only?: string): Outputs {
  const program = ts.createProgram(files, options);
  refuse(ts.getPreEmitDiagnostics(program));
  const outputs: Outputs = new Map();
  const source = only === undefined ? undefined : program.getSourceFile(only);
  const { diagnostics } = new tstl.Transpiler().emit({
    program,
    ...(source !== undefined && { sourceFiles: [source] }),
    writeFile: (name, text) => outputs.set(path.relative(".", name), text),
  });
  refuse(diagnostics);
  return outputs;
}

const PLAIN_HEADER = "-- SPDX-License-Identifier: GPL-2.0-only\n";

/** Compiles a file that needs nothing of ours to a plain one for PUC Lua 5.1, to be installed as it is. */
export function compilePlainModule(file: string, { fileNames, options }: tstl.ParsedCommandLine): string {
  const declarations = fileNames.filter((name) => name.endsWith(".d.ts"));
  const plain = { luaTarget: tstl.LuaTarget.Lua51, luaLibImport: tstl.LuaLibImportKind.Inline, noHeader: true };
  const outputs = compileModules([path.resolve(file), ...declarations], { ...options, ...plain }, path.resolve(file));
  const written = path.join(path.relative(".", options.outDir ?? "."), file.replace(/\.ts$/, ".lua"));
  return `${PLAIN_HEADER}-- Made from ${file}.\n${outputs.get(written) ?? ""}`;
}

/** Compiles the file and all that it requires to a program, fit to be installed. */
export function compileBundle(entry: string, { fileNames, options }: tstl.ParsedCommandLine): Bundle {
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
  const module = entry.replace(/\.ts$/, "").replaceAll("/", ".");
  return bundle(outputs.get(written) ?? "", outputs.get(`${written}.map`) ?? "{}", module);
}
