// SPDX-License-Identifier: GPL-2.0-only
// Prefixes as a person writes them, for specs.

import { parsePrefix, type Prefix } from "../../../src/wire/address";

/** "10.0.1.0/24"; a slip of the pen fails the spec where it is. */
export function prefix(text: string): Prefix {
  return parsePrefix(text) ?? error(`${text} is no prefix`, 2);
}
