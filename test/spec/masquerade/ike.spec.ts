// SPDX-License-Identifier: GPL-2.0-only
// Whose an IKE message is: told by two 64-bit cookies, with port 500 at both ends of every session.

import { IkeTracker } from "../../../src/masquerade/ike";
import { DEFAULT_LIMITS, type Limits } from "../../../src/masquerade/limits";
import type { Reason } from "../../../src/masquerade/reason";
import { IKE_HOLD_BASE, Releases } from "../../../src/masquerade/releases";
import { Action, Verdict } from "../../../src/masquerade/verdict";
import { IsakmpView } from "../../../src/wire/isakmp";
import { address, bufferOf, isakmp, type IsakmpOptions } from "../frame";

const ALICE = address("192.168.1.2");
const BOB = address("192.168.1.3");
const CAROL = address("192.168.1.4");
const SERVER = address("198.51.100.1");
const OTHER_SERVER = address("198.51.100.2");
const COOKIE = "1111111122222222";
const ALICES = "aaaaaaaaaaaaaaaa";
const BOBS = "bbbbbbbbbbbbbbbb";
const IKE_AUTH = 35;
const CREATE_CHILD_SA = 36;
const INFORMATIONAL = 37;
const QUICK_MODE = 32;

class Run {
  readonly limits: Limits;
  readonly releases = new Releases();
  readonly verdict: Verdict;
  readonly tracker: IkeTracker;
  nowMs = 7000000;
  private readonly view = new IsakmpView();

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.verdict = new Verdict(this.limits.multicastClientsMax);
    this.tracker = new IkeTracker(this.limits, this.releases);
  }

  private attach(message: IsakmpOptions): IsakmpView {
    const octets = isakmp(message);
    assert.is_nil(this.view.attach(bufferOf(octets), 0, octets.length, false));
    return this.view;
  }

  sends(
    client: number,
    initiatorCookie: string,
    responderCookie?: string,
    more: Partial<IsakmpOptions> = {},
    server = SERVER,
  ): Reason {
    const cookies = responderCookie === undefined ? { initiatorCookie } : { initiatorCookie, responderCookie };
    this.tracker.outbound(client, 500, server, this.attach({ ...cookies, ...more }), this.nowMs, this.verdict);
    return this.verdict.reason;
  }

  answers(
    initiatorCookie: string,
    responderCookie?: string,
    more: Partial<IsakmpOptions> = {},
    server = SERVER,
  ): Reason {
    const cookies = responderCookie === undefined ? { initiatorCookie } : { initiatorCookie, responderCookie };
    this.tracker.inbound(server, this.attach({ ...cookies, ...more }), this.nowMs, this.verdict);
    return this.verdict.reason;
  }

  /** Asserts that the last message goes to this client alone. */
  goesTo(client: number): void {
    assert.equal(Action.Forward, this.verdict.action, this.verdict.reason);
    assert.equal(client, this.verdict.client);
    assert.equal(500, this.verdict.port);
  }

  establish(client: number, initiatorCookie: string, responderCookie: string, server = SERVER): void {
    this.sends(client, initiatorCookie, undefined, {}, server);
    assert.equal("ike-bound", this.answers(initiatorCookie, responderCookie, {}, server));
    this.goesTo(client);
  }

  pass(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.tracker.expire(this.nowMs);
  }
}

describe("An IKE session", () => {
  it("is outstanding until the responder's cookie comes, and then established", () => {
    const run = new Run();
    assert.equal("ike-first", run.sends(ALICE, COOKIE));
    assert.equal("ike-bound", run.answers(COOKIE, ALICES));
    run.goesTo(ALICE);
    assert.equal("ike-established", run.sends(ALICE, COOKIE, ALICES));
    assert.equal("ike-established", run.answers(COOKIE, ALICES));
    run.goesTo(ALICE);
  });

  it("leaves the client's port alone", () => {
    const run = new Run();
    run.sends(ALICE, COOKIE);
    assert.equal(Action.Forward, run.verdict.action);
    assert.equal(0, run.verdict.port);
  });

  it("is told by all 64 bits of each cookie", () => {
    const cookies = [COOKIE, "1111111122222223", "1111111022222222", "9111111122222222"];
    const run = new Run();
    cookies.forEach((cookie, index) => run.sends(ALICE + index, cookie));
    cookies.forEach((cookie, index) => {
      run.answers(cookie, ALICES);
      run.goesTo(ALICE + index);
    });
    const other = new Run();
    for (const [client, responder] of [
      [ALICE, "000000000000000a"],
      [BOB, "000000010000000a"],
      [CAROL, "800000000000000a"],
    ] as [number, string][]) {
      other.establish(client, COOKIE, responder);
    }
    other.answers(COOKIE, "000000010000000a");
    other.goesTo(BOB);
    other.answers(COOKIE, "800000000000000a");
    other.goesTo(CAROL);
    other.answers(COOKIE, "000000000000000a");
    other.goesTo(ALICE);
  });

  it("belongs to one server: the same cookies with another are another session", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    run.establish(BOB, COOKIE, ALICES, OTHER_SERVER);
    run.answers(COOKIE, ALICES);
    run.goesTo(ALICE);
    run.answers(COOKIE, ALICES, {}, OTHER_SERVER);
    run.goesTo(BOB);
  });

  it("takes retransmissions of its first message before and after the answer", () => {
    const run = new Run();
    run.sends(ALICE, COOKIE);
    assert.equal("ike-outstanding", run.sends(ALICE, COOKIE));
    run.answers(COOKIE, ALICES);
    assert.equal("ike-established", run.sends(ALICE, COOKIE));
    assert.equal(1, run.tracker.count());
  });

  it("takes answers without a responder cookie and stays outstanding (RFC 7296 §2.6)", () => {
    const run = new Run();
    run.sends(ALICE, COOKIE);
    assert.equal("ike-unbound-answer", run.answers(COOKIE));
    run.goesTo(ALICE);
    assert.equal("ike-outstanding", run.sends(ALICE, COOKIE));
    assert.equal("ike-bound", run.answers(COOKIE, ALICES));
    run.goesTo(ALICE);
  });

  it("is established by its client too, when the answer passed unseen", () => {
    const run = new Run();
    run.sends(ALICE, COOKIE);
    assert.equal("ike-established", run.sends(ALICE, COOKIE, ALICES));
    assert.equal(1, run.tracker.count());
    assert.equal("ike-established", run.answers(COOKIE, ALICES));
    run.goesTo(ALICE);
  });

  it("that we have not seen begin is joined: its client vouches for both cookies", () => {
    const run = new Run();
    assert.equal("ike-joined", run.sends(ALICE, COOKIE, ALICES, { exchangeType: INFORMATIONAL }));
    assert.equal("ike-established", run.answers(COOKIE, ALICES));
    run.goesTo(ALICE);
  });

  it("of IKEv1 is no different", () => {
    const run = new Run();
    const mainMode = { majorVersion: 1, exchangeType: 2 };
    assert.equal("ike-first", run.sends(ALICE, COOKIE, undefined, mainMode));
    assert.equal("ike-bound", run.answers(COOKIE, ALICES, mainMode));
    assert.is_nil(run.tracker.negotiatedMs(ALICE, SERVER));
    run.sends(ALICE, COOKIE, ALICES, { majorVersion: 1, exchangeType: QUICK_MODE });
    assert.equal(run.nowMs, run.tracker.negotiatedMs(ALICE, SERVER));
  });
});

describe("Two clients with equal initiator cookies", () => {
  it("the second one is held until the first is established; then the responder's cookies tell them apart", () => {
    const run = new Run();
    run.sends(ALICE, COOKIE);
    assert.equal("ike-waiting", run.sends(BOB, COOKIE));
    assert.equal(Action.Hold, run.verdict.action);
    const key = run.verdict.holdKey;
    assert.equal("ike-waiting", run.sends(BOB, COOKIE));
    assert.equal(key, run.verdict.holdKey);
    run.answers(COOKIE, ALICES);
    run.goesTo(ALICE);
    assert.same([key], run.releases.released);
    assert.equal("ike-outstanding", run.sends(BOB, COOKIE));
    assert.equal("ike-bound", run.answers(COOKIE, BOBS));
    run.goesTo(BOB);
    run.answers(COOKIE, ALICES);
    run.goesTo(ALICE);
    run.answers(COOKIE, BOBS);
    run.goesTo(BOB);
    assert.equal("ike-established", run.sends(ALICE, COOKIE, ALICES));
    assert.equal("ike-established", run.sends(BOB, COOKIE, BOBS));
  });

  it("are never held at different servers", () => {
    const run = new Run();
    run.sends(ALICE, COOKIE);
    assert.equal("ike-first", run.sends(BOB, COOKIE, undefined, {}, OTHER_SERVER));
  });

  it("the second one's turn comes when the first is forgotten", () => {
    const run = new Run({ ikeOutstandingMs: 10000 });
    run.sends(ALICE, COOKIE);
    run.pass(5000);
    run.sends(BOB, COOKIE);
    run.pass(5000);
    assert.equal(1, run.releases.released.length);
    assert.equal("ike-outstanding", run.sends(BOB, COOKIE));
  });

  it("who waits too long is given up, and what was held with it", () => {
    const run = new Run();
    run.sends(ALICE, COOKIE);
    run.sends(BOB, COOKIE);
    const key = run.verdict.holdKey;
    run.pass(30000);
    assert.same([key], run.releases.discarded);
    assert.equal(1, run.tracker.count());
    assert.is_true(key >= IKE_HOLD_BASE);
  });
});

describe("A session that the server starts", () => {
  it("reaches the one client that speaks IKE with it; the client's answer makes the session", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    assert.equal("ike-server-first", run.answers("9999999999999999"));
    assert.equal(ALICE, run.verdict.client);
    assert.equal("ike-joined", run.sends(ALICE, "9999999999999999", "8888888888888888"));
    assert.equal("ike-established", run.answers("9999999999999999", "8888888888888888"));
    run.goesTo(ALICE);
  });

  it("is copied to all that speak IKE with it, without a port to rewrite, and goes to who answered", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    run.establish(BOB, COOKIE, BOBS);
    run.establish(CAROL, COOKIE, ALICES, OTHER_SERVER);
    assert.equal("ike-shared", run.answers("9999999999999999"));
    assert.equal(2, run.verdict.copies);
    assert.equal(0, run.verdict.port);
    run.sends(BOB, "9999999999999999", "8888888888888888");
    run.answers("9999999999999999", "8888888888888888");
    run.goesTo(BOB);
  });

  it("is copied to as many as the limit allows", () => {
    const run = new Run({ multicastClientsMax: 3 });
    for (const client of $range(0, 5)) run.establish(ALICE + client, COOKIE, `00000000000000a${client}`);
    run.answers("9999999999999999");
    assert.equal(3, run.verdict.copies);
  });

  it("reaches nobody when nobody spoke IKE with it lately", () => {
    const run = new Run();
    assert.equal("ike-unknown-cookies", run.answers("9999999999999999"));
    run.establish(ALICE, COOKIE, ALICES);
    run.pass(run.limits.ikeRecentMs + 1);
    assert.equal("ike-unknown-cookies", run.answers("9999999999999999"));
  });

  it("is dropped when too many come, and no session is ever made by a packet from the WAN", () => {
    const run = new Run({ unknownSpiPerSecondMax: 5 });
    run.establish(ALICE, COOKIE, ALICES);
    for (const _ of $range(1, 5)) assert.equal("ike-server-first", run.answers("9999999999999999"));
    assert.equal("ike-unknown-rate", run.answers("9999999999999999"));
    assert.equal("ike-established", run.answers(COOKIE, ALICES));
    assert.equal(1, run.tracker.count());
  });
});

describe("A rekeyed IKE SA has two new cookies", () => {
  it("and is joined when the client uses it first", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    run.establish(BOB, COOKIE, BOBS);
    run.sends(ALICE, COOKIE, ALICES, { exchangeType: CREATE_CHILD_SA });
    run.answers(COOKIE, ALICES, { exchangeType: CREATE_CHILD_SA });
    assert.equal("ike-joined", run.sends(ALICE, "7777777777777777", "6666666666666666"));
    run.answers("7777777777777777", "6666666666666666");
    run.goesTo(ALICE);
  });

  it("and reaches the client that rekeyed when the server uses it first, whoever started the rekeying", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    run.establish(BOB, COOKIE, BOBS);
    run.answers(COOKIE, BOBS, { exchangeType: CREATE_CHILD_SA });
    run.sends(BOB, COOKIE, BOBS, { exchangeType: CREATE_CHILD_SA });
    assert.equal("ike-server-first", run.answers("7777777777777777", "6666666666666666"));
    assert.equal(BOB, run.verdict.client);
    run.sends(BOB, "7777777777777777", "6666666666666666");
    run.answers("7777777777777777", "6666666666666666");
    run.goesTo(BOB);
  });
});

describe("A message from somebody who does not own its session", () => {
  it("is dropped while the owner is alive", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    assert.equal("ike-not-owner", run.sends(BOB, COOKIE, ALICES));
    run.answers(COOKIE, ALICES);
    run.goesTo(ALICE);
  });

  it("moves the session when the owner was silent: a client that got another address", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    run.pass(run.limits.ikeMoveQuietMs);
    assert.equal("ike-moved", run.sends(BOB, COOKIE, ALICES));
    run.answers(COOKIE, ALICES);
    run.goesTo(BOB);
    assert.equal("ike-not-owner", run.sends(ALICE, COOKIE, ALICES));
    assert.equal(1, run.tracker.count());
  });

  it("does not move it beyond the new client's share", () => {
    const run = new Run({ ikeItemsPerClientMax: 1 });
    run.establish(ALICE, COOKIE, ALICES);
    run.establish(BOB, COOKIE, BOBS);
    run.pass(run.limits.ikeMoveQuietMs);
    assert.equal("ike-client-limit", run.sends(BOB, COOKIE, ALICES));
    run.answers(COOKIE, ALICES);
    run.goesTo(ALICE);
  });
});

describe("What IKE tells about ESP", () => {
  it("names who negotiated a child SA, the latest first, for the negotiation time", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    run.establish(BOB, COOKIE, BOBS);
    assert.same([], run.tracker.negotiators(SERVER, run.nowMs));
    run.sends(ALICE, COOKIE, ALICES, { exchangeType: IKE_AUTH });
    run.pass(1000);
    run.answers(COOKIE, BOBS, { exchangeType: CREATE_CHILD_SA });
    assert.same([BOB, ALICE], run.tracker.negotiators(SERVER, run.nowMs));
    assert.same([], run.tracker.negotiators(OTHER_SERVER, run.nowMs));
    run.pass(run.limits.negotiationMs - 500);
    assert.same([BOB], run.tracker.negotiators(SERVER, run.nowMs));
    assert.is_not_nil(run.tracker.negotiatedMs(ALICE, SERVER));
    assert.is_nil(run.tracker.negotiatedMs(CAROL, SERVER));
  });

  it("no longer names a client whose new SPI was learned, until it negotiates again", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    run.sends(ALICE, COOKIE, ALICES, { exchangeType: IKE_AUTH });
    run.tracker.epochLearned(ALICE, SERVER, run.nowMs);
    assert.same([], run.tracker.negotiators(SERVER, run.nowMs));
    run.pass(100);
    run.sends(ALICE, COOKIE, ALICES, { exchangeType: CREATE_CHILD_SA });
    assert.same([ALICE], run.tracker.negotiators(SERVER, run.nowMs));
  });

  it("names who speaks IKE with the server when nobody negotiated", () => {
    const run = new Run();
    run.establish(ALICE, COOKIE, ALICES);
    run.sends(BOB, COOKIE);
    assert.same([ALICE], run.tracker.likelyOwners(SERVER, run.nowMs));
  });
});

describe("Limits of IKE sessions", () => {
  it("one client has its share and no more, and others are not touched by it", () => {
    const run = new Run();
    for (const session of $range(1, 32)) {
      assert.equal("ike-first", run.sends(ALICE, string.format("%016x", session)));
    }
    assert.equal("ike-client-limit", run.sends(ALICE, COOKIE));
    assert.equal("ike-first", run.sends(BOB, COOKIE));
  });

  it("a client with a restless daemon gives up its longest silent session for its newest", () => {
    const run = new Run({ ikeItemsPerClientMax: 2 });
    run.establish(ALICE, "0000000000000001", ALICES);
    run.pass(run.limits.ikeRecentMs / 2);
    run.establish(ALICE, "0000000000000002", BOBS);
    assert.equal("ike-client-limit", run.sends(ALICE, COOKIE));
    run.pass(run.limits.ikeRecentMs / 2);
    assert.equal("ike-first", run.sends(ALICE, COOKIE));
    assert.equal("ike-established", run.sends(ALICE, "0000000000000002", BOBS));
  });

  it("in a full table the longest silent session of one above its share gives way", () => {
    const run = new Run({ ikeItemsMax: 4, ikeItemsPerClientMax: 4 });
    for (const session of $range(1, 4)) {
      run.sends(ALICE, string.format("%016x", session));
      run.pass(1000);
    }
    run.sends(ALICE, "0000000000000001");
    assert.equal("ike-first", run.sends(BOB, COOKIE));
    assert.equal(4, run.tracker.count());
    assert.equal("ike-outstanding", run.sends(ALICE, "0000000000000001"));
    assert.equal("ike-first", run.sends(BOB, "000000000000000b"));
    assert.equal("ike-table-full", run.sends(BOB, "000000000000000c"));
  });

  it("a newcomer is not locked out by equal shares", () => {
    const run = new Run({ ikeItemsMax: 4, ikeItemsPerClientMax: 2 });
    for (const session of $range(1, 2)) {
      run.sends(ALICE, string.format("%016x", session));
      run.sends(BOB, string.format("%016x", session + 10));
    }
    assert.equal("ike-first", run.sends(CAROL, COOKIE));
  });

  it("unanswered sessions are forgotten soon, established ones after a day of silence, either side's", () => {
    const run = new Run();
    run.sends(BOB, "00000000000000ff");
    run.establish(ALICE, COOKIE, ALICES);
    run.pass(run.limits.ikeOutstandingMs);
    assert.equal(1, run.tracker.count());
    run.pass(run.limits.ikeIdleMs - 200000);
    run.answers(COOKIE, ALICES);
    run.pass(run.limits.ikeIdleMs - 1);
    assert.equal(1, run.tracker.count());
    run.pass(1000);
    assert.equal(0, run.tracker.count());
    assert.equal(1, run.tracker.forgotten.length);
  });
});

describe("A restored session", () => {
  it("is known at once, and not restored twice or beyond the limits", () => {
    const run = new Run({ ikeItemsPerClientMax: 1 });
    run.establish(ALICE, COOKIE, ALICES);
    const session = run.tracker.learned[0];
    const restarted = new Run({ ikeItemsPerClientMax: 1 });
    assert.is_true(restarted.tracker.restore(session));
    assert.is_false(restarted.tracker.restore(session));
    assert.is_false(restarted.tracker.restore({ ...session, initiatorLow: 5 }));
    assert.equal("ike-established", restarted.answers(COOKIE, ALICES));
    restarted.goesTo(ALICE);
  });
});
