// SPDX-License-Identifier: GPL-2.0-only
// The topics of `vpnmasq help`, cut out of docs/, so that there is one text for the web and for the board.
//
// A comment in a document, <!-- help NAME: TITLE -->, begins a topic; it goes on until the next such comment,
// <!-- help end -->, or the document's end. The same name again goes on with that topic. Each row of a table of commands
// (its first column is called "Command") belongs to that command's topic too.

import { marked, type Token, type Tokens } from "marked";
import { plainText, textOf, wrapped } from "./plain-text.js";

export interface Topic {
  readonly name: string;
  title: string;
  readonly lines: string[];
}

const MARK = /^<!-- help (\S+?)(?:: (.*?))? -->\s*$/;
const END = "end";
const INDENT = 2;

/** The topics of the documents (Markdown), in their order. */
export function topicsOf(documents: readonly string[]): Topic[] {
  const topics = new Map<string, Topic>();
  const topicNamed = (name: string, title = ""): Topic => {
    const topic = topics.get(name) ?? { name, title, lines: [] };
    if (topic.title === "") topic.title = title;
    topics.set(name, topic);
    return topic;
  };
  for (const document of documents) {
    let current: Topic | undefined;
    for (const token of marked.lexer(document)) {
      const mark = token.type === "html" ? MARK.exec(token.raw.trim()) : null;
      if (mark !== null) {
        const [, name = "", title] = mark;
        current = name === END ? undefined : topicNamed(name, title);
      } else if (current !== undefined) {
        current.lines.push(...plainText(token));
        for (const { name, title, lines } of commandRows(token)) topicNamed(name, title).lines.push(...lines);
      }
    }
  }
  return [...topics.values()].filter(({ lines }) => lines.length > 0);
}

/** What a table of commands says of each: `vpnmasq NAME …`, what it does, its exit status. */
function commandRows(token: Token): Topic[] {
  if (token.type !== "table") return [];
  const { header, rows } = token as Tokens.Table;
  const [first, , ...others] = header.map((cell) => textOf(cell.tokens));
  if (first !== "Command") return [];
  return rows.flatMap((row) => {
    const [command = "", does = "", ...values] = row.map((cell) => textOf(cell.tokens));
    const name = /^vpnmasq ([a-z]+)/.exec(command)?.[1];
    if (name === undefined) return [];
    const lines = wrapped(`${does}.`, INDENT);
    values.forEach((value, column) => {
      if (value !== "") lines.push(...wrapped(`${others[column] ?? ""}: ${value}.`, INDENT));
    });
    return [{ name, title: does, lines: [...lines, ""] }];
  });
}
