// SPDX-License-Identifier: GPL-2.0-only
// The kernel's IPsec: messages as it sent them, and a real kernel asked, changed and followed.
//
// No SA with keys is made here, because not every kernel has ESP; the lab does that.

import { monotonicMs } from "../../../src/system/clock";
import { EventLoop } from "../../../src/system/event-loop";
import { isLittleEndian } from "../../../src/system/ffi";
import { NetlinkRequest, readMessages } from "../../../src/system/netlink";
import { eventGroup, XfrmSocket } from "../../../src/system/xfrm";
import {
  type Mark,
  type Policy,
  policyText,
  readEvent,
  readPolicy,
  type Sa,
  type Selector,
  templateText,
  type XfrmEvent,
} from "../../../src/system/xfrm-message";
import { address, type Octets, tableBufferOf } from "../frame";
import { Random } from "../random";
import { demandOwnNetwork, must } from "./network";
import * as capture from "./xfrm-capture";

const SOURCE = address("192.0.2.1");
const DESTINATION = address("192.0.2.2");
const MARK: Mark = { value: 5, mask: 0xff };
const EVENT_TIMEOUT_MS = 5000;
/** Their events take more than the socket's 256 KiB. */
const UPDATES_TOO_MANY = 3000;

const ALL: readonly Octets[] = [
  capture.NEW_SA,
  capture.NEW_MARKED_SA,
  capture.SA_EXPIRED,
  capture.SA_DELETED,
  capture.POLICY_UPDATED,
  capture.POLICY_EXPIRED,
  capture.POLICY_DELETED,
  capture.ACQUIRE,
  capture.LARVAL_EXPIRED,
  capture.SAS_FLUSHED,
];

/** The event of a captured datagram, which has to be of a kind. */
function eventOf<Kind extends XfrmEvent["kind"]>(octets: Octets, kind: Kind): Extract<XfrmEvent, { kind: Kind }> {
  const bytes = tableBufferOf(octets);
  const [message] = readMessages(bytes, octets.length);
  const event = message === undefined ? undefined : readEvent(bytes, message);
  if (event?.kind !== kind) error(`"${event?.kind ?? "nothing"}" instead of "${kind}"`, 0);
  return event as Extract<XfrmEvent, { kind: Kind }>;
}

const SELECTOR: Selector = {
  source: { network: address("10.1.0.0"), lengthBits: 24 },
  destination: { network: address("10.2.0.1"), lengthBits: 32 },
  protocol: 0,
  sourcePort: { value: 0, mask: 0 },
  destinationPort: { value: 0x8000, mask: 0x8000 },
};

function policy(spi: number, hardLifetimeSeconds: number): Policy {
  return {
    selector: SELECTOR,
    direction: "out",
    mark: MARK,
    interfaceId: 0,
    priority: 1000,
    isBlocking: false,
    templates: [{ source: SOURCE, destination: DESTINATION, spi, protocol: 50, mode: "tunnel", reqid: 7 }],
    hardLifetimeSeconds,
  };
}

/** Lua's tables keep a mark that is overwritten with nothing, so it is left out. */
function unmarked(spi: number, hardLifetimeSeconds: number): Policy {
  const { selector, direction, interfaceId, priority, isBlocking, templates } = policy(spi, hardLifetimeSeconds);
  return { selector, direction, mark: undefined, interfaceId, priority, isBlocking, templates, hardLifetimeSeconds };
}

// The captures are of a little-endian machine. What follows them, written and read by ourselves, holds on any.
if (isLittleEndian) {
  describe("a message of the kernel's IPsec", () => {
    it("tells of a new SA", () => {
      const { sa } = eventOf(capture.NEW_SA, "sa");
      assert.equal(SOURCE, sa.source);
      assert.equal(DESTINATION, sa.destination);
      assert.equal(0xdeadbeef - 0x100000000, sa.spi);
      assert.equal(50, sa.protocol);
      assert.equal("tunnel", sa.mode);
      assert.equal(7, sa.reqid);
      assert.equal(0, sa.packets);
      assert.equal(0x6b03e32e, sa.addedSeconds);
      assert.equal(Infinity, sa.hardLifetimeSeconds);
      assert.is_false(sa.isLarval);
      assert.is_nil(sa.mark);
    });

    it("tells of a new SA with mark and lifetime", () => {
      const { sa } = eventOf(capture.NEW_MARKED_SA, "sa");
      assert.same({ value: 3, mask: 0xff }, sa.mark!);
      assert.equal(1, sa.hardLifetimeSeconds);
      assert.is_false(sa.isLarval);
    });

    it("tells that an SA's time is over, and names its mark", () => {
      const { id } = eventOf(capture.SA_EXPIRED, "sa gone");
      assert.equal(0xdeadbeee - 0x100000000, id.spi);
      assert.equal(DESTINATION, id.destination);
      assert.same({ value: 3, mask: 0xff }, id.mark!);
    });

    it("tells that an SA grows old when its time is not over", () => {
      const octets = [...capture.SA_EXPIRED];
      octets[16 + 224] = 0;
      assert.equal(0xdeadbeee - 0x100000000, eventOf(octets, "sa ageing").sa.spi);
    });

    it("tells that an SA was deleted", () => {
      const { id } = eventOf(capture.SA_DELETED, "sa gone");
      assert.equal(0xdeadbeef - 0x100000000, id.spi);
      assert.equal(DESTINATION, id.destination);
      assert.equal(50, id.protocol);
    });

    it("tells that a larval SA has ended", () => {
      assert.equal(200, eventOf(capture.LARVAL_EXPIRED, "sa gone").id.spi);
    });

    it("tells of a policy", () => {
      const read = eventOf(capture.POLICY_UPDATED, "policy").policy;
      assert.same({ ...SELECTOR, destinationPort: { value: 0, mask: 0 } }, read.selector);
      assert.same({ ...policy(0x11223344, 1), selector: read.selector }, read);
    });

    it("tells that a policy's time is over", () => {
      const { id } = eventOf(capture.POLICY_EXPIRED, "policy gone");
      assert.equal("out", id.direction);
      assert.same({ value: 5, mask: 0xff }, id.mark!);
    });

    it("tells that a policy was deleted", () => {
      const { id } = eventOf(capture.POLICY_DELETED, "policy gone");
      assert.equal(address("10.2.0.1"), id.selector.destination.network);
      assert.equal("out", id.direction);
    });

    it("asks for an SA, and says for which packet", () => {
      const { id, source, selector } = eventOf(capture.ACQUIRE, "acquire");
      assert.equal(SOURCE, source);
      assert.equal(DESTINATION, id.destination);
      assert.equal(0, id.spi);
      assert.equal(1, selector!.protocol);
      // The kernel's source port of ICMP is the type: 8, echo request.
      assert.same({ value: 8, mask: 0xffff }, selector!.sourcePort);
    });

    it("tells that all SAs were removed", () => {
      eventOf(capture.SAS_FLUSHED, "sas flushed");
    });

    it("that is cut short tells nothing", () => {
      for (const octets of ALL.slice(0, 9)) {
        const bytes = tableBufferOf(octets);
        const [message] = readMessages(bytes, octets.length);
        // The attributes alone may go.
        assert.is_nil(readEvent(bytes, { ...message, end: message.at + 20 }));
      }
    });
  });
}

describe("messages of the kernel's IPsec", () => {
  it("that are cut anywhere, or have any byte changed, are read without passing their end", () => {
    const random = new Random(20260802);
    for (const original of ALL) {
      for (const _ of $range(1, 300)) {
        const octets = original.slice(0, random.below(original.length + 1));
        if (octets.length > 0) octets[random.below(octets.length)] = random.below(256);
        // Beyond the end of this buffer there is nil, on which arithmetic throws.
        const bytes = tableBufferOf(octets);
        for (const message of readMessages(bytes, octets.length)) {
          for (const type of $range(0x10, 0x1d)) readEvent(bytes, { ...message, type });
        }
      }
    }
  });

  it("written for a policy are read back", () => {
    const written = unmarked(0x11223344, 30);
    const request = new NetlinkRequest(0x13, 1).bytes(policyText(written));
    const text = request.attribute(5, table.concat(written.templates.map((each) => templateText(each)))).encode(1);
    const octets: Octets = [];
    for (const index of $range(1, string.len(text))) octets.push(string.byte(text, index));
    const bytes = tableBufferOf(octets);
    const [message] = readMessages(bytes, octets.length);
    assert.same(written, readPolicy(bytes, message)!);
  });
});

describe("the kernel's IPsec", () => {
  const loop = new EventLoop();
  let events: XfrmEvent[] = [];
  let xfrm: XfrmSocket;

  function awaitEvent<Kind extends XfrmEvent["kind"]>(kind: Kind): Extract<XfrmEvent, { kind: Kind }> {
    const deadlineMs = monotonicMs() + EVENT_TIMEOUT_MS;
    while (monotonicMs() < deadlineMs) {
      const found = events.find((event) => event.kind === kind);
      if (found !== undefined) return found as Extract<XfrmEvent, { kind: Kind }>;
      loop.runOnce(50);
    }
    return error(`no event "${kind}" came`, 0);
  }

  function removeAll(): void {
    const before = must(XfrmSocket.open());
    for (const left of must(before.policies())) before.removePolicy(left);
    for (const left of must(before.sas())) before.removeSa(left);
    before.close();
  }

  before_each(() => {
    demandOwnNetwork();
    removeAll();
    events = [];
    xfrm = must(XfrmSocket.follow(loop, eventGroup.sa + eventGroup.expire + eventGroup.policy, (e) => events.push(e)));
  });

  after_each(() => {
    xfrm.close();
  });

  function allocate() {
    const range = { spiMin: 9, spiMax: 255, reqid: 7, interfaceId: 0 };
    return must(xfrm.allocate({ source: SOURCE, destination: DESTINATION, protocol: 50, mode: "tunnel", ...range }));
  }

  it("holds an SPI by a larval SA, which is listed and can be removed", () => {
    const sa = allocate();
    assert.is_true(sa.isLarval);
    assert.is_true(sa.spi >= 9 && sa.spi <= 255);
    assert.equal(7, sa.reqid);
    assert.is_true(sa.hardLifetimeSeconds < Infinity);
    assert.same(
      [sa.spi],
      must(xfrm.sas()).map((each) => each.spi),
    );
    assert.same<Sa | "absent">(sa, must(xfrm.sa(sa)));
    assert.equal("removed", must(xfrm.removeSa(sa)));
    assert.equal("absent", must(xfrm.removeSa(sa)));
    assert.equal<Sa | "absent">("absent", must(xfrm.sa(sa)));
    assert.equal(sa.spi, awaitEvent("sa gone").id.spi);
  });

  it("keeps a policy as it was written", () => {
    assert.equal("added", must(xfrm.addPolicy(policy(0x11223344, 30))));
    assert.same([policy(0x11223344, 30)], must(xfrm.policies()));
    assert.same(policy(0x11223344, 30), awaitEvent("policy").policy);
  });

  it("does not replace a policy by adding another", () => {
    must(xfrm.addPolicy(policy(0x11223344, 30)));
    assert.equal("taken", must(xfrm.addPolicy({ ...policy(0x55667788, 30), priority: 900 })));
    assert.equal(0x11223344, must(xfrm.policies())[0].templates[0].spi);
  });

  it("replaces a policy by updating it", () => {
    must(xfrm.addPolicy(policy(0x11223344, 30)));
    must(xfrm.updatePolicy(policy(0x55667788, Infinity)));
    assert.same([policy(0x55667788, Infinity)], must(xfrm.policies()));
  });

  it("takes policies of different marks for different ones", () => {
    must(xfrm.addPolicy(policy(0x11223344, 30)));
    assert.equal("added", must(xfrm.addPolicy(unmarked(0x11223344, 30))));
    assert.equal("removed", must(xfrm.removePolicy(policy(0, 0))));
    assert.equal("absent", must(xfrm.removePolicy(policy(0, 0))));
    assert.equal(1, must(xfrm.policies()).length);
  });

  it("ends a policy by itself and tells so", () => {
    must(xfrm.addPolicy(policy(0x11223344, 1)));
    assert.same(SELECTOR, awaitEvent("policy gone").id.selector);
    assert.equal(0, must(xfrm.policies()).length);
  });

  it("says when more has happened than could be told", () => {
    must(xfrm.addPolicy(policy(1, 30)));
    for (const spi of $range(1, UPDATES_TOO_MANY)) must(xfrm.updatePolicy(policy(spi, 30)));
    awaitEvent("resynchronise");
    events = [];
    must(xfrm.updatePolicy(policy(0x11223344, 30)));
    const deadlineMs = monotonicMs() + EVENT_TIMEOUT_MS;
    while (!events.some((event) => event.kind === "policy" && event.policy.templates[0].spi === 0x11223344)) {
      if (monotonicMs() > deadlineMs) error("no event comes any more", 0);
      loop.runOnce(50);
    }
  });
});
