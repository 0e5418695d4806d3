// SPDX-License-Identifier: GPL-2.0-only
// Emphasis on terminals that show it; plain text everywhere else and with NO_COLOR (no-color.org).

import { isOutputTerminal } from "../../system/terminal";

const BOLD = 1;
const RED = 31;

let isColourful: boolean | undefined;

export function isColourWanted(): boolean {
  const noColour = os.getenv("NO_COLOR");
  return isOutputTerminal() && (noColour === undefined || noColour === "");
}

function styled(code: number, text: string): string {
  isColourful ??= isColourWanted();
  return isColourful ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/** What a paragraph is about. */
export function heading(text: string): string {
  return styled(BOLD, text);
}

/** What is wrong. */
export function alarm(text: string): string {
  return styled(RED, text);
}
