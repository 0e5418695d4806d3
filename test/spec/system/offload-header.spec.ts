// SPDX-License-Identifier: GPL-2.0-only
// Offload headers: checksums left to hardware are seeded and finished so that a receiver accepts them.

import { isLittleEndian } from "../../../src/system/ffi";
import {
  completeChecksum,
  moveOffsets,
  needsOffload,
  seedChecksum,
  segmentBytes,
} from "../../../src/system/offload-header";
import type { Bytes } from "../../../src/wire/bytes";
import { bufferOf, type Octets } from "../frame";

const IP_AT = 14;
const UDP_AT = 34;
const CHECKSUM_AT = 40;

function native(value: number): Octets {
  const pair = [value & 0xff, value >> 8];
  return isLittleEndian ? pair : [pair[1], pair[0]];
}

function header(fields: { flags: number; kind: number; segment: number; start: number; offset: number }): Bytes {
  return bufferOf([
    fields.flags,
    fields.kind,
    ...native(42),
    ...native(fields.segment),
    ...native(fields.start),
    ...native(fields.offset),
  ]);
}

function missingUdp(): Bytes {
  return header({ flags: 1, kind: 0, segment: 0, start: UDP_AT, offset: 6 });
}

/** 192.0.2.1:500 → 192.0.2.2:500, UDP with five bytes of payload: an odd length. */
function udpFrame(): Octets {
  const ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
  const ip = [0x45, 0, 0, 33, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
  const udp = [1, 0xf4, 1, 0xf4, 0, 13, 0, 0, 104, 101, 108, 108, 111];
  return [...ethernet, ...ip, ...udp];
}

/** RFC 1071 over the pseudo-header and the datagram, the plain way: 0 when the checksum is right. */
function verify(bytes: Bytes, lengthBytes: number): number {
  let sum = 17 + (lengthBytes - UDP_AT);
  for (let at = IP_AT + 12; at < lengthBytes; at += 2) {
    sum += bytes[at] * 256 + (at + 1 < lengthBytes ? bytes[at + 1] : 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return 0xffff - sum;
}

describe("an offload header", () => {
  it("that is all zero asks for nothing", () => {
    const zero = bufferOf([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.is_false(needsOffload(zero, 0));
    assert.equal(0, segmentBytes(zero, 0));
  });

  it("asks for work when a checksum is missing or the frame is large", () => {
    assert.is_true(needsOffload(missingUdp(), 0));
    const large = header({ flags: 1, kind: 1, segment: 1448, start: UDP_AT, offset: 16 });
    assert.is_true(needsOffload(large, 0));
    assert.equal(1448, segmentBytes(large, 0));
  });

  it("has the checksum seeded and finished so that a receiver accepts it", () => {
    const octets = udpFrame();
    const frame = bufferOf(octets);
    frame[CHECKSUM_AT] = 0xab;
    seedChecksum(missingUdp(), frame, IP_AT, octets.length);
    const offload = missingUdp();
    assert.is_true(completeChecksum(offload, frame, octets.length));
    assert.equal(0, verify(frame, octets.length));
    assert.is_false(needsOffload(offload, 0));
  });

  it("moves its offsets with the link header", () => {
    const offload = missingUdp();
    moveOffsets(offload, -14);
    const octets = udpFrame().slice(IP_AT);
    const packet = bufferOf(octets);
    seedChecksum(offload, packet, 0, octets.length);
    assert.is_true(completeChecksum(offload, packet, octets.length));
    const whole = bufferOf([...udpFrame().slice(0, IP_AT), ...octets.map((_, index) => packet[index])]);
    assert.equal(0, verify(whole, IP_AT + octets.length));
  });

  it("that points outside the frame changes nothing", () => {
    const octets = udpFrame();
    const frame = bufferOf(octets);
    for (const start of [0, 13, 33, 46, 60, 0xffff]) {
      const offload = header({ flags: 1, kind: 0, segment: 0, start, offset: 0xffff });
      seedChecksum(offload, frame, IP_AT, octets.length);
      assert.is_false(completeChecksum(offload, frame, octets.length));
    }
    for (const index of $range(0, octets.length - 1)) assert.equal(octets[index], frame[index]);
  });

  it("leaves the checksums of a large frame to whoever cuts it", () => {
    const large = header({ flags: 1, kind: 1, segment: 4, start: UDP_AT, offset: 6 });
    assert.is_false(completeChecksum(large, bufferOf(udpFrame()), udpFrame().length));
  });
});
