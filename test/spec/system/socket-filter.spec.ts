// SPDX-License-Identifier: GPL-2.0-only
// Socket filters as instructions, compared with linux/bpf_common.h.

import {
  accept,
  ancillary,
  and,
  assemble,
  attachFilter,
  type FilterStep,
  jump,
  jumpIfAnyBit,
  jumpIfAtLeast,
  jumpIfEqual,
  label,
  loadByteIndexed,
  loadHalf,
  loadHeaderLength,
  loadWord,
  networkOffset,
  reject,
} from "../../../src/system/socket-filter";
import { problemOf } from "./network";

describe("a socket filter", () => {
  it("has its labels turned into distances", () => {
    const program = assemble([
      loadHalf(12),
      jumpIfEqual(0x0800, "ours"),
      reject(),
      label("ours"),
      jumpIfAnyBit(1, undefined, "end"),
      accept(),
      label("end"),
      reject(),
    ]);
    assert.equal(6, program.length);
    assert.same({ code: 0x15, jumpTrue: 1, jumpFalse: 0, operand: 0x0800 }, program[1]);
    assert.same({ code: 0x45, jumpTrue: 0, jumpFalse: 1, operand: 1 }, program[3]);
  });

  it("encodes instructions as linux/bpf_common.h has them", () => {
    const codes = assemble([
      loadWord(0),
      loadHalf(0),
      loadByteIndexed(14),
      loadHeaderLength(14),
      and(0xfff),
      jumpIfAtLeast(1),
      jump("end"),
      label("end"),
      accept(),
    ]).map((instruction) => instruction.code);
    assert.same([0x20, 0x28, 0x50, 0xb1, 0x54, 0x35, 0x05, 0x06], codes);
    assert.equal(-0x1000 + 4, ancillary.packetType);
    assert.equal(-0x100000 + 9, networkOffset(9));
  });

  it("jumps far only without a condition", () => {
    const far: FilterStep[] = [];
    for (const _ of $range(1, 300)) far.push(accept());
    assert.has_error(() => assemble([jumpIfEqual(1, "end"), ...far, label("end"), reject()]));
    assert.equal(300, assemble([jump("end"), ...far, label("end"), reject()])[0].operand);
  });

  it("with a label that is missing, doubled or behind is a mistake", () => {
    assert.has_error(() => assemble([jumpIfEqual(1, "nowhere"), accept()]));
    assert.has_error(() => assemble([label("twice"), accept(), label("twice"), accept()]));
    assert.has_error(() => assemble([label("back"), accept(), jump("back")]));
    assert.has_error(() => assemble([]));
  });

  it("is refused for what is no socket, with what the kernel says", () => {
    assert.matches("Bad file descriptor", problemOf(attachFilter(-1, assemble([accept()]))));
  });
});
