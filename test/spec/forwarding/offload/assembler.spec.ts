// SPDX-License-Identifier: GPL-2.0-only
// Each instruction's bytes are those of the kernel's own macros (linux/filter.h), for both orders of bytes.

import { assemble } from "../../../../src/forwarding/offload/assembler";
import { disassemble } from "../../../../src/forwarding/offload/disassembler";
import {
  atomicAdd,
  add,
  call,
  compute,
  exit,
  jump,
  jumpIf,
  jumpIf32,
  label,
  load,
  loadAbsolute,
  loadFirstValue,
  loadIndirect,
  loadMap,
  move,
  type Step,
  store,
  toNetwork,
} from "../../../../src/forwarding/offload/instruction";

function bytesOf(steps: readonly Step[], isLittleEndian: boolean): string {
  const [text] = string.gsub(assemble(steps, isLittleEndian), ".", (byte) => string.format("%02x", string.byte(byte)));
  return text;
}

/** What it is in the kernel's macros, the step, its bytes where the low byte comes first, and where it comes last. */
const ENCODINGS: readonly (readonly [string, Step, string, string])[] = [
  ["BPF_MOV64_REG(R6, R1)", move("r6", "r1"), "bf16000000000000", "bf61000000000000"],
  ["BPF_MOV64_IMM(R0, -1)", move("r0", -1), "b7000000ffffffff", "b7000000ffffffff"],
  ["BPF_ALU64_IMM(ADD, R7, 14)", add("r7", 14), "070700000e000000", "077000000000000e"],
  ["BPF_ALU64_REG(SUB, R2, R7)", compute("subtract", "r2", "r7"), "1f72000000000000", "1f27000000000000"],
  ["BPF_ALU64_IMM(AND, R1, 0xffff)", compute("and", "r1", 0xffff), "57010000ffff0000", "571000000000ffff"],
  ["BPF_ALU64_IMM(OR, R1, 1)", compute("or", "r1", 1), "4701000001000000", "4710000000000001"],
  ["BPF_ALU64_IMM(XOR, R1, 0xffff)", compute("xor", "r1", 0xffff), "a7010000ffff0000", "a71000000000ffff"],
  ["BPF_ALU64_IMM(LSH, R1, 40)", compute("shiftLeft", "r1", 40), "6701000028000000", "6710000000000028"],
  ["BPF_ALU64_IMM(RSH, R2, 16)", compute("shiftRight", "r2", 16), "7702000010000000", "7720000000000010"],
  ["BPF_ENDIAN(TO_BE, R9, 16)", toNetwork("r9", 16), "dc09000010000000", "dc90000000000010"],
  ["BPF_LDX_MEM(W, R2, R1, 4)", load("r2", "r1", { at: 4, bytes: 4 }), "6112040000000000", "6121000400000000"],
  ["BPF_LDX_MEM(H, R1, R7, -14)", load("r1", "r7", { at: -14, bytes: 2 }), "6971f2ff00000000", "6917fff200000000"],
  ["BPF_LDX_MEM(B, R5, R7, 9)", load("r5", "r7", { at: 9, bytes: 1 }), "7175090000000000", "7157000900000000"],
  ["BPF_LDX_MEM(DW, R1, R1, 0)", load("r1", "r1", { at: 0, bytes: 8 }), "7911000000000000", "7911000000000000"],
  ["BPF_STX_MEM(DW, R8, R0, 24)", store("r8", { at: 24, bytes: 8 }, "r0"), "7b08180000000000", "7b80001800000000"],
  ["BPF_ST_MEM(W, R10, -20, 1)", store("r10", { at: -20, bytes: 4 }, 1), "620aecff01000000", "62a0ffec00000001"],
  [
    "BPF_ATOMIC_OP(DW, ADD, R8, R1, 16)",
    atomicAdd("r8", { at: 16, bytes: 8 }, "r1"),
    "db18100000000000",
    "db81001000000000",
  ],
  ["BPF_EMIT_CALL(redirect)", call("redirect"), "8500000017000000", "8500000000000017"],
  ["BPF_EXIT_INSN()", exit(), "9500000000000000", "9500000000000000"],
  ["BPF_LD_MAP_FD(R1, 5)", loadMap("r1", 5), "18110000050000000000000000000000", "18110000000000050000000000000000"],
  [
    "BPF_LD_IMM64_RAW(R1, 2, 6)",
    loadFirstValue("r1", 6),
    "18210000060000000000000000000000",
    "18120000000000060000000000000000",
  ],
  ["BPF_LD_ABS(H, 12)", loadAbsolute(12, 2), "280000000c000000", "280000000000000c"],
  ["BPF_LD_IND(B, R8, 14)", loadIndirect("r8", 14, 1), "508000000e000000", "500800000000000e"],
];

describe("the eBPF assembler", () => {
  for (const [macro, step, low, high] of ENCODINGS) {
    it(`makes ${macro}`, () => {
      assert.equal(low, bytesOf([step], true));
      assert.equal(high, bytesOf([step], false));
    });
  }

  it("finds the way of a jump, over a constant that takes two places", () => {
    const steps = [jumpIf("r1", ">", "r2", "up"), loadMap("r1", 3), label("up"), exit()];
    assert.equal("2d21020000000000", string.sub(bytesOf(steps, true), 1, 16));
    assert.equal("0500ffff00000000", bytesOf([label("here"), jump("here")], true));
    assert.equal("d601000000000000", bytesOf([jumpIf32("r1", "<=s", 0, "next"), label("next")], true));
  });

  it("refuses a label that is missing or stands twice", () => {
    assert.has_error(() => assemble([jump("nowhere")], true), 'eBPF program: no label "nowhere"');
    assert.has_error(() => assemble([label("a"), label("a")], true), 'eBPF program: label "a" stands twice');
  });

  it("can be read back, in either order of bytes", () => {
    const steps = [
      load("r1", "r7", { at: -14, bytes: 2 }),
      jumpIf("r1", "!=", 8, "up"),
      loadMap("r1", 3),
      call("lookUp"),
      atomicAdd("r8", { at: 16, bytes: 8 }, "r1"),
      toNetwork("r9", 16),
      label("up"),
      exit(),
    ];
    const expected = [
      "   0  r1 := 16 bits of [r7 - 14]",
      "   1  if r1 != 8 go to 7",
      "   2  r1 := map 3",
      "   4  r0 := lookUp(r1 … r5)",
      "   5  64 bits of [r8 + 16] += atomically r1",
      "   6  r9 := network order of its 16 bits",
      "   7  exit with r0",
    ];
    assert.same(expected, disassemble(assemble(steps, true), true));
    assert.same(expected, disassemble(assemble(steps, false), false));
  });
});
