// SPDX-License-Identifier: GPL-2.0-only
// Echo requests and their replies by a real kernel, and that its IPsec policies do not touch them.

import { EchoSocket, type EchoReply } from "../../../src/system/echo-socket";
import { EventLoop } from "../../../src/system/event-loop";
import { byteArray, create } from "../../../src/system/ffi";
import { sendIcmp } from "../../../src/system/icmp-socket";
import { XfrmSocket } from "../../../src/system/xfrm";
import type { Policy } from "../../../src/system/xfrm-message";
import { ICMP_HEADER_BYTES } from "../../../src/wire/icmp";
import { writeEchoRequest } from "../../../src/wire/icmp-echo";
import { address } from "../frame";
import { demandOwnNetwork, must, problemOf, shell, VethPair } from "./network";

const REPLY_TIMEOUT_MS = 1000;
const HERE = address("10.9.9.1");
/** On a link where nobody is. */
const THERE = address("10.9.9.2");

/** No packet to the address may leave. */
function blocked(to: number): Policy {
  const anyPort = { value: 0, mask: 0 };
  const source = { network: 0, lengthBits: 0 };
  const destination = { network: to, lengthBits: 32 };
  return {
    selector: { source, destination, protocol: 0, sourcePort: anyPort, destinationPort: anyPort },
    direction: "out",
    mark: undefined,
    interfaceId: 0,
    priority: 1,
    isBlocking: true,
    templates: [],
    hardLifetimeSeconds: Infinity,
  };
}

describe("an echo socket", () => {
  let loop: EventLoop;
  let replies: EchoReply[];
  let socket: EchoSocket;
  let pair: VethPair;

  before_each(() => {
    demandOwnNetwork();
    shell("ip link set lo up");
    pair = new VethPair();
    shell(`ip addr replace 10.9.9.1/24 dev ${pair.near}`);
    loop = new EventLoop();
    replies = [];
    socket = must(EchoSocket.open(loop, (reply) => replies.push(reply)));
  });

  after_each(() => {
    socket.close();
    pair.remove();
  });

  it("tells of the reply, and of nothing else that comes in", () => {
    const loopback = address("127.0.0.1");
    must(socket.request(loopback, 7, 1));
    loop.runOnce(REPLY_TIMEOUT_MS);
    assert.same([{ from: loopback, identifier: 7, sequence: 1 }], replies);
  });

  it("sends past the policies that hold for everybody else", () => {
    const xfrm = must(XfrmSocket.open());
    must(xfrm.addPolicy(blocked(THERE)));
    const message = create(byteArray, ICMP_HEADER_BYTES);
    const lengthBytes = writeEchoRequest(message, 0, 7, 1);
    assert.matches("ICMP cannot be sent to 10.9.9.2", problemOf(sendIcmp(HERE, THERE, message, lengthBytes)));
    must(socket.request(THERE, 7, 1));
    must(xfrm.removePolicy(blocked(THERE)));
    xfrm.close();
  });
});
