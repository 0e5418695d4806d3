// SPDX-License-Identifier: GPL-2.0-only
// All targets, in the order in which they run.

import type { Target } from "./target";
import { configuration } from "./targets/configuration";
import { control } from "./targets/control";
import { netlink } from "./targets/netlink";
import { plantedError, plantedHang, plantedOverrun } from "./targets/planted";
import { serial } from "./targets/serial";
import { snapshot } from "./targets/snapshot";
import { table } from "./targets/table";
import { wire } from "./targets/wire";

export const catalogue: readonly Target[] = [wire, table, snapshot, configuration, control, netlink, serial];

/** Run only when they are named: for the fuzzer's own test. */
export const planted: readonly Target[] = [plantedError, plantedHang, plantedOverrun];
