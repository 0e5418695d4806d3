// SPDX-License-Identifier: GPL-2.0-only
// All scenarios, in the order in which a newcomer understands them.

import type { Scenario } from "./scenario";
import { baseline } from "./scenarios/baseline";
import { collision } from "./scenarios/collision";
import { deadPeerDetection } from "./scenarios/dead-peer-detection";
import { endpoint } from "./scenarios/endpoint";
import { fragments } from "./scenarios/fragments";
import { natWiped } from "./scenarios/nat-wiped";
import { natCrash, natFailover, natMoved, serverRestarted, stockClient } from "./scenarios/outages";
import { packageUpgrade } from "./scenarios/package-upgrade";
import { pins } from "./scenarios/pins";
import { race1, race2, race3, race4 } from "./scenarios/races";
import { rekey } from "./scenarios/rekey";
import { lossy, serverFirst } from "./scenarios/rekeys-under-load";
import { routerKilled } from "./scenarios/router-killed";
import { scale } from "./scenarios/scale";
import { strongswan } from "./scenarios/strongswan";
import { tenClients } from "./scenarios/ten-clients";
import { twoClients } from "./scenarios/two-clients";
import { wanAddressChange } from "./scenarios/wan-address-change";

export const catalogue: readonly Scenario[] = [
  baseline,
  twoClients,
  rekey,
  routerKilled,
  packageUpgrade,
  natWiped,
  collision,
  fragments,
  wanAddressChange,
  tenClients,
  scale,
  pins,
  endpoint,
  strongswan,
  race1,
  race2,
  race3,
  race4,
  natCrash,
  natMoved,
  natFailover,
  serverRestarted,
  serverFirst,
  lossy,
  stockClient,
  deadPeerDetection,
];
