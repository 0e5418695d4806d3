// SPDX-License-Identifier: GPL-2.0-only
// Makes the bundle that is installed from the one TypeScriptToLua makes: small, yet its errors name the TypeScript
// source.
//
// Flash is small on the boards, so comments, spaces and empty lines go (narrow-lua.ts), locals get short names (short-names.ts),
// and the rest is packed (src/app/unpack.lua).
// TypeScriptToLua's own map of positions would be larger than the code (a Lua table entry of some 25 bytes a line); the
// one here takes one character a line and is read only when there is an error to show (src/app/source-position.ts).

import fs from "node:fs";
import { SourceMap } from "node:module";
import { deflateAsync } from "@gfx/zopfli";
import { type Line, splitBundle } from "./bundle-split.js";
import { narrowLua } from "./narrow-lua.js";
import { withShortNames } from "./short-names.js";

interface Position {
  file: string;
  line: number;
}

/** The program around the packed one: it unpacks and starts it. */
const UNPACKER = "src/app/unpack.lua";

/** How often Zopfli looks for a better way to say the same; after five rounds it finds no hundred bytes more. */
const PACKING_ROUNDS = 5;

/** Requires the rest where the core alone is loaded. */
const REST_LOADER = "src/app/rest-loader.lua";

/** What runs for months is the router. */
const LONG_RUNNING = "src.app.router";

/** What the router loads where the kernel can have packets. */
const OFFLOAD = "src.forwarding.offload.offload";

/** The line of positions stands before the code of the core, the line that takes `require` before that of the others. */
const LINES_BEFORE_CODE = 1;

// One character a line of Lua: how far its line of TypeScript is from the one before. The characters from # to [ stand
// for −28 … 28; a longer way is written out as ~LINE; so that the whole fits between a pair of quotes.
const ZERO_CODE = "?".charCodeAt(0);
const REACH = 28;

/** Where in TypeScript the line of Lua (from 0) comes from; undefined for what the compiler added. */
function originOf(map: SourceMap, luaLine: number, text: string): Position | undefined {
  for (let column = 0; column <= text.length; column += 1) {
    const entry = map.findEntry(luaLine, column);
    if (!("originalSource" in entry) || entry.generatedLine !== luaLine) continue;
    const source = entry.originalSource as string | undefined;
    // The map's paths are relative to where the single module would lie.
    if (source !== undefined) return { file: source.replace(/^(\.\.\/)+/, ""), line: entry.originalLine + 1 };
  }
  return undefined;
}

function encodeLine(from: number, to: number): string {
  const way = to - from;
  return Math.abs(way) <= REACH ? String.fromCharCode(ZERO_CODE + way) : `~${to};`;
}

/**
 * Writes down where each line comes from: for each run of lines of one file `|FILE FIRST_LUA_LINE WAYS`.
 *
 * @param positions of the lines of code; a line without one belongs to the line before it.
 */
function encodePositions(positions: readonly (Position | undefined)[]): string {
  let text = "";
  let current: Position | undefined;
  positions.forEach((position, index) => {
    if (position !== undefined && position.file !== current?.file) {
      text += `|${position.file} ${index + 1 + LINES_BEFORE_CODE} `;
      current = { file: position.file, line: 0 };
    }
    if (current === undefined) return;
    const line = position?.line ?? current.line;
    text += encodeLine(current.line, line);
    current = { ...current, line };
  });
  return text;
}

/** The same program, line by line, with nothing in it that only people need. */
function smallest(lua: string): string {
  return narrowLua(withShortNames(lua));
}

/**
 * A string of Lua's source for any bytes, in long brackets: within them Lua changes nothing but ends of lines, and LuaJIT
 * takes zeros as they are. So carriage returns are written `~r`, and what marks them `~t` (src/app/unpack.lua).
 */
function inLongBrackets(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1").replaceAll("~", "~t").replaceAll("\r", "~r");
  let level = "";
  while (text.includes(`]${level}]`) || text.endsWith(`]${level}`)) level += "=";
  // Lua takes no end of line right behind the opening bracket for one of the string.
  const gap = text.startsWith("\n") ? "\n" : "";
  return Buffer.from(`[${level}[${gap}${text}]${level}]`, "latin1");
}

/** Deflate, as small as it gets. */
async function packed(program: Buffer): Promise<Buffer> {
  return inLongBrackets(Buffer.from(await deflateAsync(program, { numiterations: PACKING_ROUNDS })));
}

/**
 * A program of Lua, packed together with what unpacks and starts it.
 *
 * @param file the name that it is installed as, for error messages
 */
export async function selfUnpacking(program: Buffer, file: string): Promise<Buffer> {
  const text = fs.readFileSync(UNPACKER, "utf8").replace("@LENGTH@", String(program.length)).replaceAll("@FILE@", file);
  const heading = text.slice(0, text.indexOf("\nlocal ") + 1);
  const unpacker = heading + narrowLua(withShortNames(keptLines(text).join("\n"), "short"));
  const [before = "", behind = ""] = unpacker.split('"@PACKED@"');
  return Buffer.concat([Buffer.from(before), await packed(program), Buffer.from(behind)]);
}

/** A program packed alone: what a self-unpacking one lays beside it and unpacks itself (src/app/rest-loader.lua). */
export async function packedAlone(program: Buffer): Promise<Buffer> {
  const heading = "-- SPDX-License-Identifier: GPL-2.0-only\n-- Packed; vpnmasq.lua unpacks it.\n";
  const before = `${heading}return ${String(program.length)},`;
  return Buffer.concat([Buffer.from(before), await packed(program), Buffer.from("\n")]);
}

/** The program in three files that run as they are; {@link selfUnpacking} and {@link packedAlone} make them small. */
export interface Bundle {
  /** What the router needs, which loads the other two when they are required. */
  readonly core: Buffer;
  readonly offload: Buffer;
  readonly rest: Buffer;
}

/** `code` with short names, behind the positions of its lines by the file's name. */
function programOf(lines: readonly Line<Position>[], file: string): Buffer {
  const positions = encodePositions(lines.map(({ origin }) => origin));
  const code = smallest(lines.map((line) => line.code).join("\n"));
  return Buffer.from(`local SOURCE_POSITIONS={["${file}"]="${positions}"}\n${code}`);
}

/** A chunk that is called with the core's `require`, and gives a table of modules and their positions. */
function partOf(lines: readonly Line<Position>[]): Buffer {
  const positions = encodePositions([undefined, ...lines.map(({ origin }) => origin)]);
  const code = ["local require = ...", "local modules = {", ...lines.map((line) => line.code), "}"].join("\n");
  return Buffer.from(smallest(`${code}\nreturn modules, "${positions}"`));
}

/** The lines of Lua without what only people need. */
function keptLines(lua: string): string[] {
  return lua
    .split("\n")
    .map((text) => text.trim())
    .filter((code) => code !== "" && !code.startsWith("--"));
}

/**
 * @param lua TypeScriptToLua's bundle.
 * @param sourceMap its source map, JSON.
 * @param entry its first module, as "src.app.start"
 */
export function bundle(lua: string, sourceMap: string, entry: string): Bundle {
  const map = new SourceMap(JSON.parse(sourceMap) as ConstructorParameters<typeof SourceMap>[0]);
  const lines = lua.split("\n").map((text, index) => ({ code: text.trim(), origin: originOf(map, index, text) }));
  const kept = lines.filter(({ code }) => code !== "" && !code.startsWith("--"));
  const { core, offload, rest } = splitBundle(kept, [entry, LONG_RUNNING], [OFFLOAD]);
  const loader = keptLines(fs.readFileSync(REST_LOADER, "utf8")).map((code) => ({ code, origin: undefined }));
  const start = core.findLastIndex(({ code }) => code === "}") + 1;
  return {
    core: programOf([...core.slice(0, start), ...loader, ...core.slice(start)], "vpnmasq.lua"),
    offload: partOf(offload),
    rest: partOf(rest),
  };
}
