// SPDX-License-Identifier: GPL-2.0-only
// The kernel's verifier takes every program, also as where words must lie at multiples of their size (MIPS, ARM).

import { assemble } from "../../../../src/forwarding/offload/assembler";
import { OffloadMaps } from "../../../../src/forwarding/offload/maps";
import type { Environment } from "../../../../src/forwarding/offload/programs/environment";
import { sideProgram } from "../../../../src/forwarding/offload/programs/side-program";
import { exit, loadMap, move } from "../../../../src/forwarding/offload/instruction";
import { handOver } from "../../../../src/forwarding/offload/handover";
import { lanFilter, wanFilter } from "../../../../src/forwarding/tap-filter";
import type { Territory } from "../../../../src/forwarding/territory";
import { closeBpf } from "../../../../src/system/bpf-call";
import { loadProgram, type ProgramOptions } from "../../../../src/system/bpf-program";
import { isLittleEndian } from "../../../../src/system/ffi";
import { incomingOnly } from "../../../../src/system/packet-ring";
import { address } from "../../frame";
import { must, problemOf } from "../../system/network";
import { sampleTerritory } from "../sample-territory";

const ETHERNET_BYTES = 14;

/** With and without peers of the router's own. */
function territories(scope: Territory["scope"]): Territory[] {
  const usual = sampleTerritory({ scope });
  return [usual, { ...usual, ownPeers: [address("192.0.2.7"), address("192.0.2.8")] }];
}

describe("the offload's programs", () => {
  const maps = must(OffloadMaps.create(64));
  const environmentWith = (scope: Territory["scope"], hasAtomics: boolean): Environment => ({
    maps: maps.descriptors(),
    hardwareAddress: { 0: 2, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0xf1 },
    isLittleEndian,
    hasAtomics,
    hasFlows: scope === "all",
  });

  teardown(() => {
    maps.close();
  });

  for (const isAlignmentStrict of [false, true]) {
    const manner = isAlignmentStrict ? "strictly aligned" : "as here";
    const load = (kind: ProgramOptions["kind"], program: string): void => {
      closeBpf(must(loadProgram({ name: "spec", kind, isAlignmentStrict }, program)));
    };

    for (const scope of ["vpn", "all"] as const) {
      for (const hasAtomics of [true, false]) {
        const environment = environmentWith(scope, hasAtomics);
        const variant = `in scope ${scope}, ${hasAtomics ? "with" : "without"} atomic additions, ${manner}`;
        for (const direction of ["outbound", "inbound"] as const) {
          it(`load at XDP, ${direction}, ${variant}`, () => {
            load("xdp", assemble(sideProgram("xdp", direction, environment), isLittleEndian));
          });
          it(`load at tcx and tc, ${direction}, ${variant}`, () => {
            for (const territory of territories(scope)) {
              const filterFor = direction === "outbound" ? lanFilter : wanFilter;
              const upwards = handOver(environment, 7, incomingOnly.concat(filterFor(territory, ETHERNET_BYTES)));
              load("classifier", assemble(sideProgram("classifier", direction, environment, upwards), isLittleEndian));
            }
          });
        }
      }
    }
  }

  it("are refused with the verifier's reason when they are wrong", () => {
    const wrong = assemble(
      [loadMap("r1", maps.descriptors().hops), move("r0", "r1"), move("r0", "r9"), exit()],
      isLittleEndian,
    );
    const problem = problemOf(loadProgram({ name: "wrong", kind: "xdp" }, wrong));
    assert.is_not_nil(string.find(problem, "^eBPF program wrong refused: Permission denied: ")[0], problem);
    assert.is_not_nil(string.find(problem, "R9 !read_ok", 1, true)[0], problem);
  });
});
