// SPDX-License-Identifier: GPL-2.0-only
// The kernel's verifier takes every program, also as where words must lie at multiples of their size (MIPS, ARM).

import { assemble } from "../../../../src/forwarding/offload/assembler";
import { OffloadMaps } from "../../../../src/forwarding/offload/maps";
import type { Environment } from "../../../../src/forwarding/offload/programs/environment";
import { sideProgram, tapProgram } from "../../../../src/forwarding/offload/programs/side-program";
import { exit, loadMap, move } from "../../../../src/forwarding/offload/instruction";
import { translateFilter } from "../../../../src/forwarding/offload/tap-translation";
import { lanFilter, wanFilter } from "../../../../src/forwarding/tap-filter";
import { closeBpf } from "../../../../src/system/bpf-call";
import { loadProgram, type ProgramOptions } from "../../../../src/system/bpf-program";
import { isLittleEndian } from "../../../../src/system/ffi";
import { must, problemOf } from "../../system/network";
import { sampleTerritory } from "../sample-territory";

const ETHERNET_BYTES = 14;

describe("the offload's programs", () => {
  const maps = must(OffloadMaps.create(64));
  const environmentWith = (hasAtomics: boolean): Environment => ({
    maps: maps.descriptors(),
    hardwareAddress: { 0: 2, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0xf1 },
    isLittleEndian,
    hasAtomics,
  });

  teardown(() => {
    maps.close();
  });

  for (const isAlignmentStrict of [false, true]) {
    const manner = isAlignmentStrict ? "strictly aligned" : "as here";
    const load = (kind: ProgramOptions["kind"], program: string): void => {
      closeBpf(must(loadProgram({ name: "spec", kind, isAlignmentStrict }, program)));
    };

    for (const hook of ["xdp", "classifier"] as const) {
      for (const direction of ["outbound", "inbound"] as const) {
        it(`load at ${hook}, ${direction}, ${manner}`, () => {
          for (const hasAtomics of [true, false]) {
            load(hook, assemble(sideProgram(hook, direction, environmentWith(hasAtomics)), isLittleEndian));
          }
        });
      }
    }

    it(`load in front of a tap's own filter, ${manner}`, () => {
      for (const scope of ["vpn", "all"] as const) {
        const territory = sampleTerritory({ scope });
        const environment = environmentWith(true);
        const outbound = translateFilter(lanFilter(territory, ETHERNET_BYTES));
        const inbound = translateFilter(wanFilter(territory, ETHERNET_BYTES));
        load("socketFilter", assemble(tapProgram("outbound", environment, outbound), isLittleEndian));
        load("socketFilter", assemble(tapProgram("inbound", environment, inbound), isLittleEndian));
      }
    });
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
