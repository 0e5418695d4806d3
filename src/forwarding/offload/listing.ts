// SPDX-License-Identifier: GPL-2.0-only
// The programs as a person reads them, made as on this machine but for what is known only when they are attached.

import { isLittleEndian } from "../../system/ffi";
import { assemble } from "./assembler";
import { disassemble } from "./disassembler";
import type { Environment } from "./programs/environment";
import { sideProgram } from "./programs/side-program";

/** Maps get their numbers when they are made, and the hardware address is the interface's. */
const SAMPLE: Environment = {
  maps: { outbound: 1, inbound: 2, hops: 3, lease: 4, tallies: 5 },
  hardwareAddress: { 0: 2, 1: 0, 2: 0, 3: 0, 4: 0, 5: 1 },
  isLittleEndian,
  hasAtomics: true,
  hasFlows: true,
};

/** The programs at XDP, of the LAN and of the WAN. */
export function listing(): string[] {
  const lines = [
    "Maps: 1 out, 2 in, 3 next hops, 4 lease, 5 tallies. Scope all. Hardware address:",
    "02:00:00:00:00:01.",
  ];
  for (const direction of ["outbound", "inbound"] as const) {
    const program = assemble(sideProgram("xdp", direction, SAMPLE), isLittleEndian);
    lines.push("", `${direction}, at XDP`, ...disassemble(program, isLittleEndian));
  }
  return lines;
}
