// SPDX-License-Identifier: GPL-2.0-only
// All faults, in the order in which they are brought about.

import { churn } from "./churn";
import { clockSetBack } from "./clock-set-back";
import { descriptors } from "./descriptors";
import type { Fault } from "./fault";
import { fullDisk } from "./full-disk";
import { interfaceGone } from "./interface-gone";
import { killed } from "./killed";
import { memoryLimit } from "./memory-limit";
import { netlinkOverrun } from "./netlink-overrun";
import { slowClient } from "./slow-client";
import { stopped } from "./stopped";

export const catalogue: readonly Fault[] = [
  killed,
  stopped,
  interfaceGone,
  netlinkOverrun,
  descriptors,
  slowClient,
  fullDisk,
  clockSetBack,
  memoryLimit,
  churn,
];
