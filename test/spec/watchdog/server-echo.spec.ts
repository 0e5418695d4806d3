// SPDX-License-Identifier: GPL-2.0-only
// Echo requests to servers: who is asked, how often, and what is made of silence.

import { fail, type Outcome, succeed } from "../../../src/system/outcome";
import { type EchoWay, ServerEcho } from "../../../src/watchdog/server-echo";
import { address } from "../frame";

const SERVER = address("198.51.100.99");
const OTHER = address("198.51.100.100");
const IDENTIFIER = 7;
const MINUTE = 60_000;

class World implements EchoWay {
  nowMs = 1000;
  isOpen = false;
  answers = true;
  problem: string | undefined;
  asked: number[] = [];
  readonly echo = new ServerEcho(() => this.open(), IDENTIFIER);

  request(target: number, identifier: number, sequence: number): Outcome<true> {
    if (this.problem !== undefined) return fail(this.problem);
    this.asked.push(target);
    if (this.answers) this.echo.heard({ from: target, identifier, sequence }, this.nowMs);
    return succeed(true as const);
  }

  close(): void {
    this.isOpen = false;
  }

  /** Time passes; tunnels to these are in doubt. */
  pass(durationMs: number, ...doubtful: number[]): void {
    this.tickThrough(durationMs, doubtful, []);
  }

  /** Time passes; tunnels to these work. */
  passWorking(durationMs: number, ...working: number[]): void {
    this.tickThrough(durationMs, [], working);
  }

  private tickThrough(durationMs: number, doubtful: readonly number[], working: readonly number[]): void {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      this.nowMs += 100;
      this.echo.tick(doubtful, working, this.nowMs);
    }
  }

  private open(): Outcome<EchoWay> {
    this.isOpen = true;
    return succeed(this);
  }
}

describe("a server", () => {
  let world: World;

  before_each(() => {
    world = new World();
  });

  it("is not asked while all is well", () => {
    world.pass(MINUTE);
    assert.same([], world.asked);
    assert.is_false(world.isOpen);
    assert.equal("unknown", world.echo.answers(SERVER));
  });

  it("is asked once while its tunnel works, so that its silence proves something in the first outage", () => {
    world.passWorking(MINUTE, SERVER);
    assert.same([SERVER], world.asked);
    assert.is_false(world.isOpen);
    world.answers = false;
    world.pass(3100, SERVER);
    assert.equal("no", world.echo.answers(SERVER));
  });

  it("that does not answer while its tunnel works is asked three times, and not again until there is doubt", () => {
    world.answers = false;
    world.passWorking(MINUTE, SERVER);
    assert.equal(3, world.asked.length);
    assert.is_false(world.isOpen);
    world.pass(MINUTE, SERVER);
    assert.is_true(world.asked.length > 3);
    assert.equal("unknown", world.echo.answers(SERVER));
  });

  it("that could not be heard during an outage is asked when its tunnel works again", () => {
    world.answers = false;
    world.pass(MINUTE, SERVER);
    world.answers = true;
    const before = world.asked.length;
    world.passWorking(MINUTE, SERVER);
    assert.equal(1, world.asked.length - before);
  });

  it("is asked at once when a tunnel to it is in doubt, once for all its tunnels, and no longer than that", () => {
    world.pass(100, SERVER, SERVER);
    assert.same([SERVER], world.asked);
    assert.equal("yes", world.echo.answers(SERVER));
    world.pass(100);
    assert.is_false(world.isOpen);
    assert.equal("unknown", world.echo.answers(SERVER));
  });

  it("that never answered proves nothing by its silence", () => {
    world.answers = false;
    world.pass(MINUTE, SERVER);
    assert.equal("unknown", world.echo.answers(SERVER));
  });

  it("that answered before is gone when three requests in a row are not answered", () => {
    world.pass(100, SERVER);
    world.pass(MINUTE);
    world.answers = false;
    world.pass(2900, SERVER);
    assert.equal("asked", world.echo.answers(SERVER));
    world.pass(300, SERVER);
    assert.equal("no", world.echo.answers(SERVER));
    world.answers = true;
    world.pass(1100, SERVER);
    assert.equal("yes", world.echo.answers(SERVER));
  });

  it("that comes back soon is noticed soon", () => {
    world.pass(100, SERVER);
    world.answers = false;
    world.pass(10_000, SERVER);
    world.answers = true;
    world.pass(300, SERVER);
    assert.equal("yes", world.echo.answers(SERVER));
  });

  it("that falls silent during the outage is gone soon", () => {
    world.pass(5000, SERVER);
    world.answers = false;
    world.pass(5000, SERVER);
    assert.equal("no", world.echo.answers(SERVER));
  });

  it("is asked more and more seldom, but for ever", () => {
    world.pass(100, SERVER);
    world.answers = false;
    world.pass(10 * MINUTE, SERVER);
    const inTenMinutes = world.asked.length;
    assert.is_true(inTenMinutes < 200, `${inTenMinutes} requests`);
    world.pass(10 * MINUTE, SERVER);
    assert.near(10 * (MINUTE / 16_000), world.asked.length - inTenMinutes, 2);
  });

  it("is not blamed for what could not be sent, and the reason is told", () => {
    world.pass(100, SERVER);
    world.problem = "ICMP cannot be sent";
    world.pass(MINUTE, SERVER);
    assert.equal("yes", world.echo.answers(SERVER));
    assert.equal("ICMP cannot be sent", world.echo.problem!);
  });

  it("is not waited for when the next request cannot be sent", () => {
    world.passWorking(100, SERVER);
    world.answers = false;
    world.pass(1000, SERVER);
    assert.equal("asked", world.echo.answers(SERVER));
    world.problem = "ICMP cannot be sent";
    world.pass(1000, SERVER);
    assert.equal("unknown", world.echo.answers(SERVER));
  });

  it("does not answer for another, nor do replies to somebody else's requests count", () => {
    world.answers = false;
    world.pass(100, SERVER, OTHER);
    world.echo.heard({ from: OTHER, identifier: IDENTIFIER, sequence: 1 }, world.nowMs);
    world.echo.heard({ from: SERVER, identifier: IDENTIFIER + 1, sequence: 1 }, world.nowMs);
    assert.equal("yes", world.echo.answers(OTHER));
    assert.equal("unknown", world.echo.answers(SERVER));
  });
});
