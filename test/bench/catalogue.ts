// SPDX-License-Identifier: GPL-2.0-only
// All measurements, in the order in which they run.

import type { Measurement } from "./findings";
import { footprint } from "./footprint";
import { logic } from "./logic";
import { lookup } from "./lookup";
import { offload } from "./offload/offload";
import { path } from "./path";
import { roundTrip } from "./round-trip";

export const catalogue: readonly Measurement[] = [logic, lookup, path, offload, roundTrip, footprint];
