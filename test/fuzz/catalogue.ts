// SPDX-License-Identifier: GPL-2.0-only
// All targets, in the order in which they run.

import type { Target } from "./target";
import { configuration } from "./targets/configuration";
import { control, endpointControl } from "./targets/control";
import { daemons } from "./targets/daemons";
import { netlink } from "./targets/netlink";
import { plantedError, plantedHang, plantedOverrun } from "./targets/planted";
import { serial } from "./targets/serial";
import { snapshot } from "./targets/snapshot";
import { table } from "./targets/table";
import { uci } from "./targets/uci";
import { wire } from "./targets/wire";

export const catalogue: readonly Target[] = [
  wire,
  table,
  snapshot,
  configuration,
  uci,
  control,
  endpointControl,
  netlink,
  daemons,
  serial,
];

/** Run only when they are named: for the fuzzer's own test. */
export const planted: readonly Target[] = [plantedError, plantedHang, plantedOverrun];
