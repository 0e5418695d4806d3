// SPDX-License-Identifier: GPL-2.0-only
// Markdown as plain text for a terminal of 80 columns, laid out as manual pages are: headings at the margin, text under
// them.

import type { Token, Tokens } from "marked";

const COLUMNS = 80;
const INDENT = 2;

/** Text of inline tokens, without marks; a link keeps its address when that leads out of the documentation. */
export function textOf(tokens: readonly Token[]): string {
  return tokens.map((token) => inlineText(token)).join("");
}

function inlineText(token: Token): string {
  if (token.type === "br") return " ";
  if (token.type === "html") return "";
  const inner = "tokens" in token && token.tokens !== undefined ? textOf(token.tokens) : undefined;
  if (token.type !== "link") return unescaped(inner ?? ("text" in token ? String(token.text) : token.raw));
  const { href } = token as Tokens.Link;
  return href.startsWith("http") ? `${inner ?? ""} (${href})` : (inner ?? "");
}

/** The lexer leaves the entities that HTML needs. */
function unescaped(text: string): string {
  const characters: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
  return text.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => characters[entity] ?? entity);
}

/** Lines of words, each behind `indent` spaces; the first begins with `first` instead. */
export function wrapped(text: string, indent: number, first = " ".repeat(indent)): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(/\s+/).filter((one) => one !== "")) {
    if (!isEmpty && line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = " ".repeat(indent);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

function codeLines(text: string): string[] {
  const lines = text.split("\n");
  const widest = Math.max(...lines.map((line) => line.length));
  const margin = " ".repeat(widest + INDENT <= COLUMNS ? INDENT : 0);
  return lines.map((line) => (line === "" ? "" : margin + line));
}

function listLines({ items, ordered, start }: Tokens.List, indent: number): string[] {
  return items.flatMap((item, index) => {
    const bullet = ordered ? `${String(Number(start) + index)}. ` : "- ";
    const inner = indent + bullet.length;
    const [first, ...others] = item.tokens.flatMap((token) => blockLines(token, inner));
    return [" ".repeat(indent) + bullet + (first ?? "").trimStart(), ...others];
  });
}

/** A row is its first cell, and under it what the other columns say; the second one needs no name. */
function tableLines({ header, rows }: Tokens.Table): string[] {
  const names = header.map((cell) => textOf(cell.tokens));
  return rows.flatMap((row) => {
    const [term = "", ...cells] = row.map((cell) => textOf(cell.tokens));
    const lines = wrapped(term, INDENT);
    cells.forEach((cell, column) => {
      if (cell === "") return;
      lines.push(...wrapped(column === 0 ? cell : `${names[column + 1] ?? ""}: ${cell}`, 3 * INDENT));
    });
    return lines;
  });
}

function blockLines(token: Token, indent: number): string[] {
  switch (token.type) {
    case "paragraph":
    case "text":
      return wrapped("tokens" in token ? textOf(token.tokens ?? []) : token.raw, indent);
    case "code":
      return codeLines((token as Tokens.Code).text);
    case "list":
      return listLines(token as Tokens.List, indent);
    case "table":
      return tableLines(token as Tokens.Table);
    case "space":
    case "html":
      return [];
    default:
      throw new Error(`help: Markdown of the kind "${token.type}" cannot be shown as text: ${token.raw.slice(0, 60)}`);
  }
}

/** A block of Markdown as lines, an empty one behind it. */
export function plainText(token: Token): string[] {
  if (token.type === "heading") return [textOf((token as Tokens.Heading).tokens).toUpperCase()];
  const lines = blockLines(token, INDENT);
  return lines.length === 0 ? [] : [...lines, ""];
}
