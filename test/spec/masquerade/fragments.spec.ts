// SPDX-License-Identifier: GPL-2.0-only
// Later fragments go where the first one went, in whatever order they come, and a flood of them is bounded.

import { FragmentTracker } from "../../../src/masquerade/fragments";
import { DEFAULT_LIMITS, type Limits } from "../../../src/masquerade/limits";
import { FRAGMENT_HOLD_BASE, Releases } from "../../../src/masquerade/releases";
import { Action, Verdict } from "../../../src/masquerade/verdict";
import { Ipv4View } from "../../../src/wire/ipv4";
import { address, bufferOf, counting, fragmentsOf, ipv4, type Octets, raw } from "../frame";

const ALICE = "192.168.1.2";
const BOB = "192.168.1.3";
const SERVER = "198.51.100.1";
const WAN = "203.0.113.1";
const ESP_HOLD_KEY = 7;
const UDP = 17;
const FRAGMENT_BYTES = 400;

/** The fragments of a datagram of 1000 bytes payload: offsets 0, 400 and 800. */
function datagram(from: string, to: string, identification = 1, payloadBytes = 1000): Octets[] {
  return fragmentsOf(ipv4({ from, to, identification, carrying: raw(UDP, counting(payloadBytes)) }), FRAGMENT_BYTES);
}

class Run {
  readonly releases = new Releases();
  readonly verdict = new Verdict(DEFAULT_LIMITS.multicastClientsMax);
  readonly tracker: FragmentTracker;
  nowMs = 0;
  private readonly view = new Ipv4View();

  constructor(limits: Partial<Limits> = {}) {
    this.tracker = new FragmentTracker({ ...DEFAULT_LIMITS, ...limits }, this.releases, 1234);
  }

  private attach(fragment: Octets): Ipv4View {
    assert.is_nil(this.view.attach(bufferOf(fragment), 0, fragment.length));
    return this.view;
  }

  /** A first fragment from the WAN, decided for a client. */
  firstFor(client: string, fragment: Octets, port = 0): void {
    this.verdict.deliver(address(client), "flow-known");
    this.verdict.port = port;
    this.tracker.firstInbound(this.attach(fragment), this.nowMs, this.verdict);
  }

  /** A first fragment from the WAN that is decided as `decide` says. */
  first(fragment: Octets, decide: (verdict: Verdict) => void): void {
    decide(this.verdict);
    this.tracker.firstInbound(this.attach(fragment), this.nowMs, this.verdict);
  }

  later(fragment: Octets): void {
    this.tracker.laterInbound(this.attach(fragment), this.nowMs, this.verdict);
  }

  firstOut(fragment: Octets): number | undefined {
    this.verdict.forward("flow-known");
    this.tracker.firstOutbound(this.attach(fragment), this.nowMs, this.verdict);
    return this.verdict.identification;
  }

  laterOut(fragment: Octets): number | undefined {
    this.tracker.laterOutbound(this.attach(fragment), this.nowMs, this.verdict);
    return this.verdict.identification;
  }

  goesTo(client: string): void {
    assert.equal(Action.Forward, this.verdict.action, this.verdict.reason);
    assert.equal(address(client), this.verdict.client);
  }

  isDropped(reason: string): void {
    assert.equal(Action.Drop, this.verdict.action);
    assert.equal(reason, this.verdict.reason);
  }

  /** Asserts that the last fragment is held; the key that it waits for. */
  isHeld(): number {
    assert.equal(Action.Hold, this.verdict.action, this.verdict.reason);
    assert.equal("fragment-waiting", this.verdict.reason);
    return this.verdict.holdKey;
  }

  pass(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.tracker.expire(this.nowMs);
  }
}

describe("Fragments in order", () => {
  it("later ones go to the first one's client, without a port to rewrite", () => {
    const run = new Run();
    const [first, second, third] = datagram(SERVER, WAN);
    run.firstFor(ALICE, first, 5000);
    assert.equal(5000, run.verdict.port);
    for (const later of [second, third]) {
      run.later(later);
      run.goesTo(ALICE);
      assert.equal("fragment-of-known", run.verdict.reason);
      assert.equal(0, run.verdict.port);
    }
  });

  it("datagrams are told apart by source, destination, protocol and identification", () => {
    const run = new Run();
    run.firstFor(ALICE, datagram(SERVER, WAN, 1)[0]);
    run.firstFor(BOB, datagram(SERVER, WAN, 2)[0]);
    run.firstFor(BOB, datagram("198.51.100.2", WAN, 1)[0]);
    const esp = fragmentsOf(ipv4({ from: SERVER, to: WAN, identification: 1, carrying: raw(50, counting(600)) }), 400);
    run.firstFor(BOB, esp[0]);
    run.later(datagram(SERVER, WAN, 1)[1]);
    run.goesTo(ALICE);
    for (const other of [datagram(SERVER, WAN, 2)[1], datagram("198.51.100.2", WAN, 1)[1], esp[1]]) {
      run.later(other);
      run.goesTo(BOB);
    }
  });

  it("all are copied to the same clients when the first one was", () => {
    const run = new Run();
    const [first, second] = datagram(SERVER, WAN);
    run.first(first, (verdict) => {
      verdict.multicast("esp-shared");
      verdict.addCopy(address(ALICE));
      verdict.addCopy(address(BOB));
    });
    run.verdict.copies = 0;
    run.verdict.copyTo[0] = 0;
    run.verdict.copyTo[1] = 0;
    run.later(second);
    assert.equal(Action.Multicast, run.verdict.action);
    assert.equal(2, run.verdict.copies);
    assert.equal(address(ALICE), run.verdict.copyTo[0]);
    assert.equal(address(BOB), run.verdict.copyTo[1]);
  });

  it("later ones are dropped for the first one's reason, or as foreign when that was not ours", () => {
    const run = new Run();
    const [first, second] = datagram(SERVER, WAN, 1);
    run.first(first, (verdict) => {
      verdict.drop("flow-filtered");
    });
    run.later(second);
    run.isDropped("flow-filtered");
    const [otherFirst, otherSecond] = datagram(SERVER, WAN, 2);
    run.first(otherFirst, (verdict) => {
      verdict.drop("not-ours");
    });
    run.later(otherSecond);
    run.isDropped("fragment-foreign");
  });
});

describe("Fragments out of order", () => {
  it("those before the first wait for it and are released when it is decided", () => {
    const run = new Run();
    const [first, second, third] = datagram(SERVER, WAN);
    run.later(third);
    const holdKey = run.isHeld();
    assert.is_true(holdKey >= FRAGMENT_HOLD_BASE);
    run.later(second);
    assert.equal(holdKey, run.isHeld());
    assert.is_true(run.releases.isEmpty());
    run.firstFor(ALICE, first);
    run.goesTo(ALICE);
    assert.same([holdKey], run.releases.released);
    for (const held of [third, second]) {
      run.later(held);
      run.goesTo(ALICE);
    }
  });

  it("nothing is released when nothing waited", () => {
    const run = new Run();
    run.firstFor(ALICE, datagram(SERVER, WAN)[0]);
    assert.is_true(run.releases.isEmpty());
  });

  it("two datagrams wait for different keys, even when one takes the other's place", () => {
    const run = new Run({ fragmentDatagramsMax: 2 });
    run.later(datagram(SERVER, WAN, 1)[1]);
    const former = run.isHeld();
    run.later(datagram(SERVER, WAN, 2)[1]);
    assert.not_equal(former, run.isHeld());
    assert.same([former], run.releases.discarded);
  });

  it("the others wait behind a first fragment that is held itself, and go when it is decided anew", () => {
    const run = new Run();
    const [first, second, third] = datagram(ALICE, SERVER);
    run.later(third);
    const ownKey = run.isHeld();
    run.first(first, (verdict) => {
      verdict.hold(ESP_HOLD_KEY, "esp-waiting");
    });
    assert.equal(Action.Hold, run.verdict.action);
    assert.equal("esp-waiting", run.verdict.reason);
    assert.same([ownKey], run.releases.released);
    for (const later of [third, second]) {
      run.later(later);
      assert.equal(ESP_HOLD_KEY, run.isHeld());
    }
    run.firstFor(ALICE, first);
    run.later(third);
    run.goesTo(ALICE);
  });

  it("those whose first one never comes are given up after ten seconds", () => {
    const run = new Run();
    run.later(datagram(SERVER, WAN)[1]);
    const holdKey = run.isHeld();
    run.pass(9900);
    assert.is_true(run.releases.isEmpty());
    run.pass(200);
    assert.same([holdKey], run.releases.discarded);
    assert.equal(0, run.tracker.count());
  });
});

describe("Identifications of datagrams that leave", () => {
  it("all fragments of one get the same new one, in any order", () => {
    const run = new Run();
    const [first, second, third] = datagram(ALICE, SERVER, 77);
    run.laterOut(third);
    run.isHeld();
    const identification = run.firstOut(first);
    assert.equal(identification, run.laterOut(second));
    assert.equal(identification, run.laterOut(third));
  });

  it("two clients that use one identification towards one server get different ones", () => {
    const run = new Run();
    const alice = run.firstOut(datagram(ALICE, SERVER, 77)[0]);
    const bob = run.firstOut(datagram(BOB, SERVER, 77)[0]);
    assert.not_equal(alice, bob);
    assert.equal(alice, run.laterOut(datagram(ALICE, SERVER, 77)[1]));
    assert.equal(bob, run.laterOut(datagram(BOB, SERVER, 77)[1]));
  });

  it("none comes again to one destination before all 65536 have been used", () => {
    const { tracker } = new Run();
    const seen = new LuaTable<number, boolean>();
    let again = 0;
    for (const _ of $range(1, 65536)) {
      const identification = tracker.nextIdentification(address(SERVER));
      assert.is_true(identification >= 0 && identification <= 0xffff);
      if (seen.has(identification)) again += 1;
      seen.set(identification, true);
    }
    assert.equal(0, again);
  });
});

describe("Fragments that do not fit together", () => {
  it("one that would overwrite the first is dropped (RFC 1858 §3)", () => {
    const run = new Run();
    run.firstFor(ALICE, datagram(SERVER, WAN)[0]);
    for (const [fragmentOffsetBytes, expected] of [
      [8, Action.Drop],
      [392, Action.Drop],
      [400, Action.Forward],
    ] as [number, Action][]) {
      const carrying = raw(UDP, counting(16));
      run.later(ipv4({ from: SERVER, to: WAN, identification: 1, fragmentOffsetBytes, moreFragments: true, carrying }));
      assert.equal(expected, run.verdict.action);
    }
  });

  it("one that came before the first and would overwrite it is dropped after its wait", () => {
    const run = new Run();
    const carrying = raw(UDP, counting(16));
    const intruder = ipv4({ from: SERVER, to: WAN, identification: 1, fragmentOffsetBytes: 8, carrying });
    run.later(intruder);
    run.isHeld();
    run.firstFor(ALICE, datagram(SERVER, WAN)[0]);
    run.later(intruder);
    run.isDropped("fragment-overlap");
  });

  it("a first one that the network doubled goes the same way", () => {
    const run = new Run();
    const [first, second] = datagram(SERVER, WAN);
    run.firstFor(ALICE, first, 5000);
    run.firstFor(ALICE, first, 5000);
    run.goesTo(ALICE);
    run.later(second);
    run.goesTo(ALICE);
  });

  it("a second first one for somebody else is dropped and turns nothing away", () => {
    const run = new Run();
    const [first, second] = datagram(SERVER, WAN);
    run.firstFor(ALICE, first, 5000);
    run.firstFor(BOB, first, 6000);
    run.isDropped("fragment-conflict");
    run.later(second);
    run.goesTo(ALICE);
  });

  it("a first one that was dropped does not stand in the way of a good one", () => {
    const run = new Run();
    const [first, second] = datagram(SERVER, WAN);
    run.first(first, (verdict) => {
      verdict.drop("flow-unknown");
    });
    run.firstFor(ALICE, first);
    run.later(second);
    run.goesTo(ALICE);
  });
});

describe("A datagram that has passed", () => {
  it("is forgotten early, when its last byte has gone", () => {
    const run = new Run();
    const [first, second, third] = datagram(SERVER, WAN);
    run.firstFor(ALICE, first);
    run.later(third);
    run.pass(100);
    assert.equal(1, run.tracker.count());
    run.later(second);
    run.pass(100);
    assert.equal(0, run.tracker.count());
  });

  it("leaves its identification to the next one at once", () => {
    const run = new Run();
    const [first, second] = datagram(SERVER, WAN, 1, 800);
    run.firstFor(ALICE, first);
    run.later(second);
    run.goesTo(ALICE);
    run.firstFor(BOB, first);
    run.goesTo(BOB);
    run.later(second);
    run.goesTo(BOB);
  });

  it("is forgotten after ten seconds when a part never came", () => {
    const run = new Run();
    run.firstFor(ALICE, datagram(SERVER, WAN)[0]);
    run.pass(9900);
    assert.equal(1, run.tracker.count());
    run.pass(200);
    assert.equal(0, run.tracker.count());
  });
});

describe("A flood of fragments", () => {
  it("no more than 45 of one datagram wait", () => {
    const run = new Run();
    for (const _ of $range(1, DEFAULT_LIMITS.fragmentsHeldPerDatagramMax)) {
      run.later(datagram(SERVER, WAN)[1]);
      run.isHeld();
    }
    run.later(datagram(SERVER, WAN)[1]);
    run.isDropped("fragment-limit");
  });

  it("without first ones displaces itself, never what arrives in order (RFC 4787 REQ-14a)", () => {
    const run = new Run({ fragmentDatagramsMax: 16 });
    for (const identification of $range(1, 8)) run.firstFor(ALICE, datagram(SERVER, WAN, identification)[0]);
    for (const identification of $range(100, 500)) run.later(datagram(SERVER, WAN, identification)[1]);
    assert.equal(16, run.tracker.count());
    assert.equal(393, run.releases.discarded.length);
    for (const identification of $range(1, 8)) {
      run.later(datagram(SERVER, WAN, identification)[1]);
      run.goesTo(ALICE);
    }
  });

  it("takes the place of the oldest datagram", () => {
    const run = new Run({ fragmentDatagramsMax: 4 });
    for (const identification of $range(1, 4)) run.firstFor(ALICE, datagram(SERVER, WAN, identification)[0]);
    run.firstFor(ALICE, datagram(SERVER, WAN, 5)[0]);
    run.later(datagram(SERVER, WAN, 5)[1]);
    run.goesTo(ALICE);
    run.later(datagram(SERVER, WAN, 2)[1]);
    run.goesTo(ALICE);
    run.later(datagram(SERVER, WAN, 1)[1]);
    run.isHeld();
    assert.equal(4, run.tracker.count());
  });

  it("leaves nothing behind when all is forgotten", () => {
    const run = new Run({ fragmentDatagramsMax: 8 });
    run.firstFor(ALICE, datagram(SERVER, WAN, 1)[0]);
    run.later(datagram(SERVER, WAN, 2)[1]);
    const holdKey = run.isHeld();
    run.tracker.clear();
    assert.equal(0, run.tracker.count());
    assert.same([holdKey], run.releases.discarded);
    for (const identification of $range(1, 100)) run.firstFor(ALICE, datagram(SERVER, WAN, identification)[0]);
    assert.equal(8, run.tracker.count());
  });
});
