// SPDX-License-Identifier: GPL-2.0-only
// What became of the last reload, in one sentence.

import type { ReloadItem } from "../reload";
import { formatDuration } from "../text/duration";

export function reloadText({ ok, age_ms }: ReloadItem): string {
  const ago = `${formatDuration(age_ms)} ago`;
  return ok ? `done ${ago}` : `refused ${ago}; the configuration before it holds`;
}
