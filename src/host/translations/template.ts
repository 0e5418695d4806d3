// SPDX-License-Identifier: GPL-2.0-only
// The template of LuCI's catalogues: every text that a page may show, with the place it stands in.
//
// Three sources: _("…") in the pages, titles of the menu, and what the program itself says of its keys, which the form
// shows. `npm run translations` writes it, and a test keeps it up to date.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { type GetTextTranslation, po } from "gettext-parser";
import ts from "typescript";

export const TEMPLATE = "firmware/openwrt/po/templates/vpnmasq.pot";
const FILES = "firmware/openwrt/files";
const PAGES = `${FILES}/www/luci-static/resources`;
const MENU = `${FILES}/usr/share/luci/menu.d/luci-app-vpnmasq.json`;

/** A text and where it stands. */
export interface Text {
  readonly text: string;
  readonly place: string;
}

export interface Call extends Partial<Text> {
  readonly place: string;
}

/** Every call of _() in a page; without a text where that is not a literal. */
export function callsIn(source: string, file: string): Call[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const calls: Call[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "_") {
      const [argument] = node.arguments;
      const place = path.relative(FILES, file);
      if (argument !== undefined && ts.isStringLiteral(argument)) calls.push({ text: argument.text, place });
      else calls.push({ place });
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return calls;
}

/** Of all pages of the app. */
export function pageCalls(): Call[] {
  const files = fs.readdirSync(PAGES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js"));
  return files.sort().flatMap((file) => {
    const whole = path.join(PAGES, file);
    return callsIn(fs.readFileSync(whole, "utf8"), whole);
  });
}

function menuTexts(): Text[] {
  const entries = Object.values(JSON.parse(fs.readFileSync(MENU, "utf8")) as Record<string, { title: string }>);
  return entries.map(({ title }) => ({ text: title, place: path.relative(FILES, MENU) }));
}

/** As the form shows them: an option of UCI is left out where a document has null. */
function keyTexts(): Text[] {
  const reply = execFileSync("build/vpnmasq", ["rpcd", "call", "keys"], { input: "", encoding: "utf8" });
  const tables = JSON.parse(reply) as Record<
    string,
    { key: string; kind: string; accepted: string; explanation: string }[]
  >;
  return Object.entries(tables).flatMap(([table, keys]) =>
    keys.flatMap(({ key, accepted, explanation }) =>
      [explanation, accepted.replace(/, or null$/, "")].map((text) => ({ text, place: `key ${table}.${key}` })),
    ),
  );
}

/** Every text once, in alphabetical order, with all its places. */
export function templateText(): string {
  const places = new Map<string, Set<string>>();
  const pageTexts = pageCalls().filter((call): call is Text => call.text !== undefined);
  for (const { text, place } of [...pageTexts, ...menuTexts(), ...keyTexts()]) {
    places.set(text, (places.get(text) ?? new Set()).add(place));
  }
  const translations: Record<string, GetTextTranslation> = {};
  for (const text of [...places.keys()].sort()) {
    const reference = [...(places.get(text) ?? [])].sort().join("\n");
    translations[text] = {
      msgid: text,
      msgstr: [""],
      comments: { translator: "", extracted: "", flag: "", previous: "", reference },
    };
  }
  const headers = { "Content-Type": "text/plain; charset=UTF-8" };
  const body = po.compile({ charset: "utf-8", headers, translations: { "": translations } }, { foldLength: 0 });
  return `${body.toString("utf8").trimEnd()}\n`;
}
