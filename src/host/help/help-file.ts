// SPDX-License-Identifier: GPL-2.0-only
// The file that `vpnmasq help` reads on the board: a packed Lua program that returns the topics.

import fs from "node:fs";
import path from "node:path";
import { selfUnpacking } from "../bundle.js";
import { type Topic, topicsOf } from "./topics.js";

const DOCUMENTS = "docs";

/** All topics of the documentation. */
export function documentedTopics(): Topic[] {
  const files = fs.readdirSync(DOCUMENTS).filter((file) => file.endsWith(".md"));
  return topicsOf(files.sort().map((file) => fs.readFileSync(path.join(DOCUMENTS, file), "utf8")));
}

/** A line as a string of Lua. */
function luaText(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

/** The program: it returns a list of { name, title, lines }. */
export async function helpFile(): Promise<Buffer> {
  const topics = documentedTopics().map(({ name, title, lines }) => {
    return `{name=${luaText(name)},title=${luaText(title)},lines={${lines.map(luaText).join(",")}}}`;
  });
  return selfUnpacking(Buffer.from(`return {${topics.join(",")}}`), "vpnmasq-help.lua");
}
