// SPDX-License-Identifier: GPL-2.0-only
// Every key of every document as data: what forms, pages of documentation and catalogues of texts are made from.

import { CONFIGURATION_KEYS } from "../configuration-keys";
import type { DocumentKey } from "../document-key";
import { ENDPOINT_KEYS, TUNNEL_KEYS } from "../endpoint-keys";

/** A key with the bounds that a form needs to ask for it and to check what is entered. */
function items(keys: readonly DocumentKey[]): object[] {
  return keys.map(({ key, kind, accepted, standard, explanation, isLive, counts }) => {
    return { key, ...kind, accepted, standard, explanation, live: isLive, counts };
  });
}

/** By the type that the table's section has in UCI. */
export function keysReport(): object {
  return { router: items(CONFIGURATION_KEYS), endpoint: items(ENDPOINT_KEYS), tunnel: items(TUNNEL_KEYS) };
}
