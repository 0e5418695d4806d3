// SPDX-License-Identifier: GPL-2.0-only
// All scenarios, in the order in which a newcomer understands them.

import type { Scenario } from "./scenario";
import { baseline } from "./scenarios/baseline";
import { collision } from "./scenarios/collision";
import { fragments } from "./scenarios/fragments";
import { natWiped } from "./scenarios/nat-wiped";
import { pins } from "./scenarios/pins";
import { rekey } from "./scenarios/rekey";
import { routerKilled } from "./scenarios/router-killed";
import { tenClients } from "./scenarios/ten-clients";
import { twoClients } from "./scenarios/two-clients";
import { wanAddressChange } from "./scenarios/wan-address-change";

export const catalogue: readonly Scenario[] = [
  baseline,
  twoClients,
  rekey,
  routerKilled,
  natWiped,
  collision,
  fragments,
  wanAddressChange,
  tenClients,
  pins,
];
