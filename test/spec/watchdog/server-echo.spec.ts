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

  pass(durationMs: number, ...doubtful: number[]): void {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      this.nowMs += 100;
      this.echo.tick(doubtful, this.nowMs);
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
    assert.is_nil(world.echo.doesAnswer(SERVER));
  });

  it("is asked at once when a tunnel to it is in doubt, once for all its tunnels, and no longer than that", () => {
    world.pass(100, SERVER, SERVER);
    assert.same([SERVER], world.asked);
    assert.is_true(world.echo.doesAnswer(SERVER)!);
    world.pass(100);
    assert.is_false(world.isOpen);
    assert.is_nil(world.echo.doesAnswer(SERVER));
  });

  it("that never answered proves nothing by its silence", () => {
    world.answers = false;
    world.pass(MINUTE, SERVER);
    assert.is_nil(world.echo.doesAnswer(SERVER));
  });

  it("that answered before is gone when three requests in a row are not answered", () => {
    world.pass(100, SERVER);
    world.pass(MINUTE);
    world.answers = false;
    world.pass(2900, SERVER);
    assert.is_nil(world.echo.doesAnswer(SERVER));
    world.pass(300, SERVER);
    assert.is_false(world.echo.doesAnswer(SERVER)!);
    world.answers = true;
    world.pass(1100, SERVER);
    assert.is_true(world.echo.doesAnswer(SERVER)!);
  });

  it("that falls silent during the outage is gone soon", () => {
    world.pass(5000, SERVER);
    world.answers = false;
    world.pass(5000, SERVER);
    assert.is_false(world.echo.doesAnswer(SERVER)!);
  });

  it("is asked more and more seldom, but for ever", () => {
    world.pass(100, SERVER);
    world.answers = false;
    world.pass(10 * MINUTE, SERVER);
    const inTenMinutes = world.asked.length;
    assert.is_true(inTenMinutes < 70, `${inTenMinutes} requests`);
    world.pass(10 * MINUTE, SERVER);
    assert.near(10 * (MINUTE / 16_000), world.asked.length - inTenMinutes, 2);
  });

  it("is not blamed for what could not be sent, and the reason is told", () => {
    world.pass(100, SERVER);
    world.problem = "ICMP cannot be sent";
    world.pass(MINUTE, SERVER);
    assert.is_true(world.echo.doesAnswer(SERVER)!);
    assert.equal("ICMP cannot be sent", world.echo.problem!);
  });

  it("does not answer for another, nor do replies to somebody else's requests count", () => {
    world.answers = false;
    world.pass(100, SERVER, OTHER);
    world.echo.heard({ from: OTHER, identifier: IDENTIFIER, sequence: 1 }, world.nowMs);
    world.echo.heard({ from: SERVER, identifier: IDENTIFIER + 1, sequence: 1 }, world.nowMs);
    assert.is_true(world.echo.doesAnswer(OTHER)!);
    assert.is_nil(world.echo.doesAnswer(SERVER));
  });
});
