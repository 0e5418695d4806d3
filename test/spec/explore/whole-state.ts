// SPDX-License-Identifier: GPL-2.0-only
// All that a world consists of, as text: what the fingerprint of an exploration is compared with.
//
// It knows nothing of what matters. Left out is only what counts packets and what tells the past, or no two ways would
// ever lead to one state.

import { ESP_RECORD_WORDS } from "../../../src/masquerade/esp-record";
import type { World } from "../../explore/world";

type Table = LuaTable;

const PAST = new LuaSet();
for (const name of ["blame", "misdelivered", "heardMs", "packetsOut", "packetsIn"]) PAST.add(name);
for (const name of ["learned", "forgotten", "inSecond", "secondStartMs"]) PAST.add(name);

const kindOf = type as (this: void, value: unknown) => string;

class WholeState {
  private readonly parts: string[] = [];
  private readonly seen = new LuaMap<AnyNotNil, number>();
  private count = 0;

  constructor(private readonly unchanging: readonly object[]) {}

  write(value: unknown): void {
    const kind = kindOf(value);
    if (kind === "table") this.writeTable(value as Table);
    else if (kind !== "function" && kind !== "cdata") this.parts.push(tostring(value));
  }

  private writeTable(table: Table): void {
    if (this.unchanging.includes(table)) return;
    const known = this.seen.get(table);
    if (known !== undefined) {
      this.parts.push(`@${known}`);
      return;
    }
    this.count += 1;
    this.seen.set(table, this.count);
    const keys: AnyNotNil[] = [];
    for (const [key] of pairs(table)) if (!PAST.has(key)) keys.push(key);
    this.parts.push("{");
    for (const key of keys.sort((one, other) => (tostring(one) < tostring(other) ? -1 : 1))) {
      this.parts.push(tostring(key), "=");
      this.write(table.get(key));
    }
    this.parts.push("}");
  }

  text(): string {
    return this.parts.join(" ");
  }
}

/** A world's state; equal texts are equal states. */
export function wholeState(world: World): string {
  const state = new WholeState(world.unchanging());
  state.write(world);
  const { records } = world.router.esp;
  for (const word of $range(0, records.highWater() * ESP_RECORD_WORDS - 1)) state.write(records.words[word]);
  return state.text();
}
