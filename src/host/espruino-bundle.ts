// SPDX-License-Identifier: GPL-2.0-only
// Makes the supervisor's one file: TypeScript compiled to ES5, its modules joined by Rollup into one scope, without
// comments and indentation, because the source text lies in the microcontroller's memory.
//
// What the interpreter cannot run must not come out: the parser accepts ES5 only, and no function may be called above
// its declaration, since Espruino does not hoist them.

import path from "node:path";
import { rollup } from "@rollup/wasm-node";
import { parse } from "acorn";
import ts from "typescript";
import { refuse } from "./compile.js";

const PROJECT = "src/supervisor/tsconfig.json";
export const SUPERVISOR_ENTRY = "src/supervisor/espruino/main.ts";

/** JavaScript by the path of its source. */
function compileToEs5(entry: string): Map<string, string> {
  const { config } = ts.readConfigFile(PROJECT, (file) => ts.sys.readFile(file)) as { config: { include?: string[] } };
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, path.dirname(path.resolve(PROJECT)));
  refuse(parsed.errors);
  const declarations = parsed.fileNames.filter((file) => file.endsWith(".d.ts"));
  const options = { ...parsed.options, rootDir: path.resolve(".") };
  const program = ts.createProgram([path.resolve(entry), ...declarations], options);
  refuse(ts.getPreEmitDiagnostics(program));
  const outputs = new Map<string, string>();
  program.emit(undefined, (_name, text, _mark, _error, sources) => {
    const source = sources?.[0]?.fileName;
    if (source !== undefined) outputs.set(path.resolve(source), text);
  });
  return outputs;
}

/** Compiles a TypeScript file and all that it imports into one ES5 script. @param format as Rollup names it */
export async function espruinoBundle(entry: string, format: "iife" | "cjs" = "iife"): Promise<string> {
  const modules = compileToEs5(entry);
  const bundle = await rollup({
    input: path.resolve(entry),
    treeshake: true,
    onwarn: (warning) => {
      throw new Error(`${entry}: ${warning.message}`);
    },
    plugins: [
      {
        name: "compiled",
        resolveId: (name, from) => (from === undefined ? name : `${path.resolve(path.dirname(from), name)}.ts`),
        load: (id) => modules.get(id) ?? null,
      },
    ],
  });
  const { output } = await bundle.generate({ format, exports: "named", generatedCode: "es5", strict: false });
  await bundle.close();
  const code = `${output[0].code
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n")}\n`;
  parse(code, { ecmaVersion: 5 });
  return code;
}
