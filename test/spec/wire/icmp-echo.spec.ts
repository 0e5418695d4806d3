// SPDX-License-Identifier: GPL-2.0-only
// The echo request that is written, read by the view that reads everybody's.

import { read16 } from "../../../src/wire/bytes";
import { sumBytes, foldSum } from "../../../src/wire/checksum";
import { ICMP_HEADER_BYTES, IcmpField, IcmpType } from "../../../src/wire/icmp";
import { writeEchoRequest } from "../../../src/wire/icmp-echo";
import { bufferOf, octetsOf } from "../frame";

describe("a written echo request", () => {
  it("has its identifier, its sequence number and a right checksum, and stays within its bytes", () => {
    const bytes = bufferOf([9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
    assert.equal(ICMP_HEADER_BYTES, writeEchoRequest(bytes, 2, 0xbeef, 0x1234));
    assert.equal(IcmpType.EchoRequest, bytes[2 + IcmpField.Type]);
    assert.equal(0xbeef, read16(bytes, 2 + IcmpField.QueryIdentifier));
    assert.equal(0x1234, read16(bytes, 2 + IcmpField.QuerySequence));
    assert.equal(0xffff, foldSum(sumBytes(bytes, 2, ICMP_HEADER_BYTES, 0)));
    assert.same([9, 9], octetsOf(bytes, 0, 2));
    assert.same([9, 9], octetsOf(bytes, 10, 2));
  });
});
