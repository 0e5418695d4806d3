// SPDX-License-Identifier: GPL-2.0-only
// An input as one line that a person can read: printable ASCII as it is, every other byte and the backslash as
// `\` and two hexadecimal digits. Corpus files and saved inputs are made of such lines.

export function escaped(bytes: string): string {
  const [text] = string.gsub(bytes, "\\", "\\5c");
  return string.gsub(text, "[^%w%p ]", (byte: string) => string.format("\\%02x", string.byte(byte)))[0];
}

/** The bytes that {@link escaped} made a line of. */
export function unescaped(line: string): string {
  return string.gsub(line, "\\(%x%x)", (digits: string) => string.char(tonumber(digits, 16)!))[0];
}
