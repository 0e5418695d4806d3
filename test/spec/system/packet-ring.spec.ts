// SPDX-License-Identifier: GPL-2.0-only
// Packet rings on real interfaces: order, filters, large frames, links without a header, faults, and leaks.

import { monotonicMs } from "../../../src/system/clock";
import { type BytePtr, byteArray, create } from "../../../src/system/ffi";
import { PacketRing, type PacketRingOptions } from "../../../src/system/packet-ring";
import {
  accept,
  assemble,
  jumpIfEqual,
  label,
  loadByte,
  loadHalf,
  networkOffset,
  reject,
} from "../../../src/system/socket-filter";
import { Tunnel } from "./tunnel";
import {
  collectGarbage,
  linkNamed,
  must,
  outputOf,
  problemOf,
  RemoteHost,
  resourcesHeld,
  shell,
  VethPair,
} from "./network";

const LINK_HEADER_BYTES = 14;
/** RFC 3692: a protocol number for experiments, which nothing else sends. */
const EXPERIMENT = 253;

/** IPv4 packets of the experimental protocol. */
const onlyExperiment = assemble([
  loadHalf(12),
  jumpIfEqual(0x0800, undefined, "other"),
  loadByte(networkOffset(9)),
  jumpIfEqual(EXPERIMENT, undefined, "other"),
  accept(),
  label("other"),
  reject(),
]);

/** The same on a link where the packet is all there is. */
const onlyExperimentPackets = assemble([
  loadByte(9),
  jumpIfEqual(EXPERIMENT, undefined, "other"),
  accept(),
  label("other"),
  reject(),
]);

function openRing(name: string, changes: Partial<PacketRingOptions> = {}): PacketRing {
  const ring = must(
    PacketRing.open({
      interfaceIndex: linkNamed(name).index,
      linkHeaderBytes: LINK_HEADER_BYTES,
      filter: onlyExperiment,
      receiveSlots: 16,
      sendSlots: 8,
      bypassQueueing: false,
      ...changes,
    }),
  );
  collectGarbage();
  return ring;
}

const TRANSFER_TIMEOUT_MS = 10_000;

/** Forwards a burst as it is; how many of its frames were large. */
function forwardAll(from: PacketRing, to: PacketRing): number {
  let largeFrames = 0;
  if (from.gather() === 0) return 0;
  while (from.receive()) {
    if (!from.isTruncated || from.receiveLarge()) {
      if (from.segmentBytes > 0) largeFrames += 1;
      to.forward(from, 0, from.lengthBytes);
    }
  }
  to.flush();
  from.release();
  return largeFrames;
}

/** A broadcast frame of the experimental protocol; `mark` stands in every byte of its payload. */
function writeFrame(frame: BytePtr, lengthBytes: number, mark: number, protocol = EXPERIMENT): void {
  const packetBytes = lengthBytes - LINK_HEADER_BYTES;
  const ethernet = [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 0];
  const ip = [0x45, 0, packetBytes >> 8, packetBytes & 0xff, 0, 0, 0, 0, 9, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
  for (const index of $range(0, 13)) frame[index] = ethernet[index];
  for (const index of $range(0, 19)) frame[LINK_HEADER_BYTES + index] = ip[index];
  for (const index of $range(LINK_HEADER_BYTES + 20, lengthBytes - 1)) frame[index] = mark;
}

function sendMade(ring: PacketRing, lengthBytes: number, mark: number, protocol = EXPERIMENT): void {
  writeFrame(ring.reserve(), lengthBytes, mark, protocol);
  ring.commit(lengthBytes);
}

/** IEEE 802.1Q: the number of a tag that tells only of a priority. */
const PRIORITY_ONLY = 0;

/** A frame with a tag between addresses and type, which the receiving kernel takes off. */
function sendTagged(ring: PacketRing, vlan: number, mark: number): void {
  const plain = create(byteArray, 80);
  writeFrame(plain, 80, mark);
  const frame = ring.reserve();
  for (const index of $range(0, 11)) frame[index] = plain[index];
  for (const index of $range(12, 79)) frame[index + 4] = plain[index];
  frame[12] = 0x81;
  frame[13] = 0x00;
  frame[14] = 0;
  frame[15] = vlan;
  ring.commit(84);
}

/** Marks of the frames that are ready, in order. */
function takeMarks(ring: PacketRing): number[] {
  const marks: number[] = [];
  while (ring.gather() > 0) {
    while (ring.receive()) marks.push(ring.frame[ring.lengthBytes - 1]);
    ring.release();
    collectGarbage();
  }
  return marks;
}

describe("a packet ring", () => {
  let pair: VethPair;
  let near: PacketRing;
  let far: PacketRing;

  before_each(() => {
    pair = new VethPair();
    near = openRing(pair.near);
    far = openRing(pair.far);
  });

  after_each(() => {
    near.close();
    far.close();
    pair.remove();
  });

  it("receives what another sends, whole and in order", () => {
    for (const mark of [1, 2, 3]) sendMade(near, 100 + mark, mark);
    near.flush();
    assert.equal(3, far.gather());
    for (const mark of [1, 2, 3]) {
      assert.is_true(far.receive());
      assert.equal(100 + mark, far.lengthBytes);
      assert.equal(100 + mark, far.wireLengthBytes);
      assert.equal(EXPERIMENT, far.frame[far.networkAt + 9]);
      assert.equal(mark, far.frame[far.lengthBytes - 1]);
      assert.equal(1, far.packetType);
      assert.is_false(far.isTruncated);
      assert.is_false(far.needsOffload);
    }
    assert.is_false(far.receive());
    far.release();
    assert.equal(0, far.gather());
  });

  it("goes round its slots many times without losing or mixing frames", () => {
    const sent: number[] = [];
    const received: number[] = [];
    for (const round of $range(1, 50)) {
      for (const each of $range(1, 7)) {
        const mark = (round * 7 + each) & 0xff;
        sent.push(mark);
        sendMade(near, 60 + (mark & 63), mark);
      }
      near.flush();
      received.push(...takeMarks(far));
    }
    assert.same(sent, received);
  });

  it("flushes by itself when more is sent than fits one system call", () => {
    for (const mark of $range(1, 12)) sendMade(near, 80, mark);
    near.flush();
    assert.same([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], takeMarks(far));
  });

  it("lets in only what its filter accepts, and nothing that this host sends", () => {
    sendMade(near, 80, 1, 254);
    sendMade(near, 80, 2);
    near.flush();
    assert.same([2], takeMarks(far));
    assert.same([], takeMarks(near));
  });

  it("keeps out frames of a VLAN, which belong to another interface", () => {
    sendTagged(near, 7, 1);
    sendTagged(near, PRIORITY_ONLY, 2);
    sendMade(near, 80, 3);
    near.flush();
    assert.same([2, 3], takeMarks(far));
  });

  it("sends frames where they lie in another ring", () => {
    const second = new VethPair();
    const out = openRing(second.near);
    const sink = openRing(second.far);
    for (const mark of [5, 6, 7]) sendMade(near, 200, mark);
    near.flush();
    assert.equal(3, far.gather());
    while (far.receive()) {
      far.frame[far.lengthBytes - 1] += 10;
      assert.is_true(out.forward(far, 0, far.lengthBytes));
    }
    collectGarbage();
    out.flush();
    far.release();
    assert.same([15, 16, 17], takeMarks(sink));
    out.close();
    sink.close();
    second.remove();
  });

  it("makes no garbage once it is compiled", () => {
    const second = new VethPair();
    const out = openRing(second.near, { sendSlots: 32 });
    const frame = create(byteArray, 80);
    writeFrame(frame, 80, 1);
    const kilobytesFor = (bursts: number): number => {
      collectGarbage();
      collectgarbage("stop");
      const before = collectgarbage("count");
      for (const _ of $range(1, bursts)) {
        for (const _ of $range(1, 8)) near.send(frame, 80);
        near.flush();
        forwardAll(far, out);
      }
      const kilobytes = collectgarbage("count") - before;
      collectgarbage("restart");
      return kilobytes;
    };
    kilobytesFor(1000);
    const kilobytes = kilobytesFor(2000);
    // 16000 frames: even one boxed pointer a frame would be 250 kB.
    assert.is_true(kilobytes < 60, `${kilobytes} kB`);
    out.close();
    second.remove();
  });

  it("counts what it lost because nobody took frames", () => {
    for (const mark of $range(1, 40)) sendMade(near, 80, mark);
    near.flush();
    assert.equal(16, takeMarks(far).length);
    assert.equal(24, far.statistics().receiveDrops);
    assert.equal(16, far.statistics().received);
    assert.equal(40, near.statistics().sent);
  });

  it("goes on behind a frame that the kernel refuses", () => {
    sendMade(near, 80, 1);
    sendMade(near, 2000, 2);
    sendMade(near, 80, 3);
    near.flush();
    assert.same([1, 3], takeMarks(far));
    assert.equal(1, near.statistics().sendErrors);
  });

  it("tells that its interface went down, and works again when it is up", () => {
    shell(`ip link set ${pair.near} down`);
    assert.equal("Network is down", near.takeError());
    assert.is_nil(near.takeError());
    sendMade(near, 80, 1);
    near.flush();
    assert.equal(1, near.statistics().sendErrors);
    shell(`ip link set ${pair.near} up`);
    takeMarks(far);
    far.takeError();
    sendMade(near, 80, 2);
    near.flush();
    assert.same([2], takeMarks(far));
  });

  it("fetches a frame that is larger than a slot, and stays in step when one is not fetched", () => {
    near.close();
    shell(`ip link set ${pair.near} mtu 9000; ip link set ${pair.far} mtu 9000`);
    near = openRing(pair.near);
    const jumbo = create(byteArray, 5000);
    for (const mark of [1, 2]) {
      writeFrame(jumbo, 5000, mark);
      near.send(jumbo, 5000);
      near.flush();
      sendMade(near, 80, 10 + mark);
      near.flush();
    }
    assert.equal(4, far.gather());
    assert.is_true(far.receive());
    assert.is_true(far.isTruncated);
    assert.is_true(far.receive());
    assert.equal(11, far.frame[far.lengthBytes - 1]);
    assert.is_true(far.receive());
    assert.is_true(far.receiveLarge());
    assert.is_false(far.isTruncated);
    assert.equal(5000, far.lengthBytes);
    assert.equal(2, far.frame[4999]);
    assert.equal(0, far.segmentBytes);
    assert.is_true(far.receive());
    assert.equal(12, far.frame[far.lengthBytes - 1]);
    assert.is_false(far.receiveLarge());
    far.release();
  });

  it("on an interface that is not there is refused", () => {
    const options = {
      linkHeaderBytes: 14,
      filter: onlyExperiment,
      receiveSlots: 16,
      sendSlots: 8,
      bypassQueueing: true,
    };
    assert.matches("No such device", problemOf(PacketRing.open({ interfaceIndex: 99999, ...options })));
  });

  it("of a size that is no power of two is refused with what is accepted", () => {
    const options = { linkHeaderBytes: 14, filter: onlyExperiment, sendSlots: 8, bypassQueueing: true };
    const { index } = linkNamed(pair.near);
    assert.matches(
      "power of two",
      problemOf(PacketRing.open({ interfaceIndex: index, receiveSlots: 100, ...options })),
    );
  });

  it("is closed twice without harm, and sends nothing afterwards", () => {
    near.close();
    near.close();
    assert.is_false(near.send(create(byteArray, 80), 80));
    near.flush();
    assert.equal(0, near.gather());
    assert.is_false(near.receive());
    near.release();
    assert.same([], takeMarks(far));
  });

  it("leaves no descriptor and no memory behind", () => {
    const before = resourcesHeld();
    for (const _ of $range(1, 20)) {
      openRing(pair.near).close();
      problemOf(
        PacketRing.open({
          interfaceIndex: 99999,
          linkHeaderBytes: 14,
          filter: onlyExperiment,
          receiveSlots: 16,
          sendSlots: 8,
          bypassQueueing: true,
        }),
      );
    }
    assert.equal(before, resourcesHeld());
  });
});

describe("a packet ring on a link without a header", () => {
  let tunnel: Tunnel;
  let ring: PacketRing;

  before_each(() => {
    tunnel = new Tunnel();
    ring = openRing(tunnel.name, { linkHeaderBytes: 0, filter: onlyExperimentPackets });
  });

  after_each(() => {
    ring.close();
    tunnel.close();
  });

  it("receives packets that start with their IP header", () => {
    const frame = create(byteArray, 100);
    writeFrame(frame, 100, 7);
    tunnel.write(frame.plus(LINK_HEADER_BYTES), 86);
    assert.equal(1, ring.gather());
    assert.is_true(ring.receive());
    assert.equal(0, ring.networkAt);
    assert.equal(86, ring.lengthBytes);
    assert.equal(0x45, ring.frame[0]);
    assert.equal(7, ring.frame[85]);
    ring.release();
  });

  it("sends packets as IPv4 without a header that would say so", () => {
    const frame = create(byteArray, 100);
    writeFrame(frame, 100, 8);
    ring.send(frame.plus(LINK_HEADER_BYTES), 86);
    ring.flush();
    const packet = tunnel.read();
    assert.equal(86, string.len(packet));
    assert.equal(0x45, string.byte(packet, 1));
    assert.equal(8, string.byte(packet, 86));
  });

  it("has room before a packet for the header of another link", () => {
    const pair = new VethPair();
    const out = openRing(pair.near);
    const sink = openRing(pair.far);
    const frame = create(byteArray, 100);
    writeFrame(frame, 100, 9);
    tunnel.write(frame.plus(LINK_HEADER_BYTES), 86);
    assert.equal(1, ring.gather());
    assert.is_true(ring.receive());
    for (const index of $range(0, LINK_HEADER_BYTES - 1)) ring.frame[index - LINK_HEADER_BYTES] = frame[index];
    assert.is_true(out.forward(ring, -LINK_HEADER_BYTES, 100));
    out.flush();
    ring.release();
    assert.same([9], takeMarks(sink));
    out.close();
    sink.close();
    pair.remove();
  });
});

describe("packet rings between a sender and a receiver with offloads", () => {
  let clientPair: VethPair;
  let serverPair: VethPair;
  let clientHost: RemoteHost;
  let serverHost: RemoteHost;

  before_each(() => {
    clientPair = new VethPair();
    serverPair = new VethPair();
    clientHost = new RemoteHost();
    serverHost = new RemoteHost();
    clientHost.take(clientPair.far);
    serverHost.take(serverPair.far);
    clientHost.shell(`ip link set ${clientPair.far} address 02:00:00:00:00:01 up`);
    serverHost.shell(`ip link set ${serverPair.far} address 02:00:00:00:00:02 up`);
    clientHost.shell(`ip address add 192.0.2.1/24 dev ${clientPair.far}`);
    serverHost.shell(`ip address add 192.0.2.2/24 dev ${serverPair.far}`);
    clientHost.shell(`ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev ${clientPair.far}`);
    serverHost.shell(`ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev ${serverPair.far}`);
  });

  after_each(() => {
    clientHost.remove();
    serverHost.remove();
    clientPair.remove();
    serverPair.remove();
  });

  it("carry a TCP transfer of large frames with unfinished checksums", () => {
    const everything = { filter: assemble([accept()]), receiveSlots: 256, sendSlots: 64 };
    const left = openRing(clientPair.near, everything);
    const right = openRing(serverPair.near, everything);
    const folder = outputOf("mktemp -d");
    shell(`head -c 3000000 /dev/urandom > ${folder}/sent`);
    serverHost.start(`luajit test/spec/system/tcp-transfer.lua receive ${folder}`);
    clientHost.start(`luajit test/spec/system/tcp-transfer.lua send ${folder} c0000202`);
    let largeFrames = 0;
    const deadlineMs = monotonicMs() + TRANSFER_TIMEOUT_MS;
    while (monotonicMs() < deadlineMs && outputOf(`ls ${folder}/done 2>/dev/null`) === "") {
      for (const _ of $range(1, 2000)) largeFrames += forwardAll(left, right) + forwardAll(right, left);
    }
    assert.equal("", outputOf(`cmp ${folder}/sent ${folder}/received 2>&1`));
    assert.is_true(largeFrames > 10, `only ${largeFrames} large frames`);
    shell(`rm -r ${folder}`);
    left.close();
    right.close();
  });
});
