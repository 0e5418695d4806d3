// SPDX-License-Identifier: GPL-2.0-only
// The JSON library, typed.

/** @noSelf */
interface Json {
  encode(value: unknown): string;
  decode(text: string): unknown;
}

export const json = require("cjson") as Json;
