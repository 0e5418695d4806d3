// SPDX-License-Identifier: GPL-2.0-only
// An ICMP message on the wire: it leaves from the address that was asked for, or the reason is told.

import { byteArray, create } from "../../../src/system/ffi";
import { sendIcmp } from "../../../src/system/icmp-socket";
import { ICMP_HEADER_BYTES } from "../../../src/wire/icmp";
import { writeEchoRequest } from "../../../src/wire/icmp-echo";
import { address } from "../frame";
import { demandOwnNetwork, must, outputOf, problemOf, shell } from "./network";

const message = create(byteArray, ICMP_HEADER_BYTES);

/** Echo replies that came to this host. */
function repliesSeen(): number {
  return tonumber(outputOf("awk '/^Icmp: [0-9]/ {print $11}' /proc/net/snmp"))!;
}

describe("an ICMP message", () => {
  before_each(() => {
    demandOwnNetwork();
    shell("ip link set lo up; ip addr replace 127.0.0.9/8 dev lo");
  });

  it("reaches who is there, who answers", () => {
    const before = repliesSeen();
    const lengthBytes = writeEchoRequest(message, 0, 7, 1);
    must(sendIcmp(address("127.0.0.9"), address("127.0.0.1"), message, lengthBytes));
    assert.equal(before + 1, repliesSeen());
  });

  it("cannot leave from an address that this host has not", () => {
    const lengthBytes = writeEchoRequest(message, 0, 7, 2);
    assert.equal(
      "ICMP cannot be sent from 192.0.2.1: Cannot assign requested address",
      problemOf(sendIcmp(address("192.0.2.1"), address("127.0.0.1"), message, lengthBytes)),
    );
  });
});
