// SPDX-License-Identifier: GPL-2.0-only
// The lines of corpus files and saved inputs (escaped-text.ts, for Lua, says how they are written).

const BACKSLASH = 0x5c;

export function escaped(bytes: Buffer): string {
  return [...bytes]
    .map((byte) => {
      const isPlain = byte >= 0x20 && byte < 0x7f && byte !== BACKSLASH;
      return isPlain ? String.fromCharCode(byte) : `\\${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

export function unescaped(line: string): Buffer {
  return Buffer.from(
    line.replace(/\\([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))),
    "latin1",
  );
}
