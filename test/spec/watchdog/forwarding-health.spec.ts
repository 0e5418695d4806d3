// SPDX-License-Identifier: GPL-2.0-only
// What the router takes for proof that it does not forward, and what it does not.

import { ForwardingHealth, type Look, type SideLook } from "../../../src/watchdog/forwarding-health";

const SIDE: SideLook = {
  isPresent: true,
  isUp: true,
  isOpen: true,
  isFrameWaiting: false,
  framesTaken: 0,
  framesSent: 0,
  framesRefused: 0,
};

describe("the router's health", () => {
  let health: ForwardingHealth;
  let nowMs: number;
  let look: Look;

  before_each(() => {
    health = new ForwardingHealth();
    nowMs = 5000;
    look = { lan: SIDE, wan: SIDE, hasWanAddress: true, isKernelKeptOff: true, unroutable: 0 };
  });

  /** Looks once a second; `change` says what has happened since the look before. */
  function pass(seconds: number, change: (before: Look) => Partial<Look> = () => ({})): string {
    for (const _ of $range(1, seconds)) {
      nowMs += 1000;
      look = { ...look, ...change(look) };
      health.look(look, nowMs);
    }
    const { state, reason } = health.present();
    return `${state} ${reason}`;
  }

  it("is ok without any traffic, before and after the first look", () => {
    assert.equal("forwarding", health.present().meaning);
    assert.equal("ok none", pass(3600));
  });

  it("is ok while frames wait at each look and are taken in between", () => {
    const busy = pass(60, ({ lan }) => ({ lan: { ...lan, isFrameWaiting: true, framesTaken: lan.framesTaken + 900 } }));
    assert.equal("ok none", busy);
  });

  it("is wedged when frames wait for three seconds and none is taken", () => {
    const waiting = (): Partial<Look> => ({ wan: { ...SIDE, isFrameWaiting: true } });
    assert.equal("ok none", pass(4, waiting));
    assert.equal("wedged wan-stuck", pass(1, waiting));
    assert.equal(
      "ok none",
      pass(1, () => ({ wan: SIDE })),
    );
  });

  it("is wedged when a link that is up has taken nothing for ten seconds, though it was tried", () => {
    const refuse = ({ wan }: Look): Partial<Look> => ({ wan: { ...wan, framesRefused: wan.framesRefused + 1 } });
    assert.equal("ok none", pass(10, refuse));
    assert.equal("wedged wan-refuses", pass(1, refuse));
    assert.equal(
      "ok none",
      pass(1, ({ wan }) => ({ wan: { ...wan, framesSent: 1 } })),
    );
  });

  it("is ok while the kernel refuses some frames and takes others", () => {
    const lossy = pass(60, ({ wan }) => ({
      wan: { ...wan, framesRefused: wan.framesRefused + 50, framesSent: wan.framesSent + 1 },
    }));
    assert.equal("ok none", lossy);
  });

  it("is ok after one burst that was refused", () => {
    assert.equal(
      "ok none",
      pass(1, () => ({ lan: { ...SIDE, framesRefused: 1000 } })),
    );
    assert.equal("ok none", pass(3600));
  });

  it("is not wedged by what a link refuses while it is down", () => {
    const refuse = ({ wan }: Look): Partial<Look> => ({
      wan: { ...wan, isUp: false, framesRefused: wan.framesRefused + 1 },
    });
    assert.equal("degraded wan-down", pass(60, refuse));
    assert.equal(
      "ok none",
      pass(1, ({ wan }) => ({ wan: { ...wan, isUp: true } })),
    );
  });

  it("forgets what the ring before it counted when a ring was opened anew", () => {
    pass(9, ({ wan }) => ({ wan: { ...wan, framesRefused: wan.framesRefused + 1 } }));
    pass(1, () => ({ wan: SIDE }));
    assert.equal(
      "ok none",
      pass(2, ({ wan }) => ({ wan: { ...wan, framesRefused: wan.framesRefused + 1 } })),
    );
  });

  it("is degraded, and never wedged, by what is missing outside", () => {
    const missing: readonly (readonly [Partial<Look>, string])[] = [
      [{ wan: { ...SIDE, isPresent: false, isUp: false, isOpen: false } }, "degraded wan-absent"],
      [{ wan: { ...SIDE, isUp: false, isOpen: false } }, "degraded wan-down"],
      [{ hasWanAddress: false }, "degraded wan-no-address"],
      [{ lan: { ...SIDE, isPresent: false, isUp: false, isOpen: false } }, "degraded lan-absent"],
      [{ lan: { ...SIDE, isUp: false } }, "degraded lan-down"],
      [{ lan: { ...SIDE, isOpen: false } }, "degraded no-ring"],
      [{ isKernelKeptOff: false }, "degraded kernel-rules"],
    ];
    const whole = look;
    for (const [change, expected] of missing) {
      assert.equal(
        expected,
        pass(600, () => change),
      );
      assert.equal(
        "ok none",
        pass(1, () => whole),
      );
    }
  });

  it("is degraded when packets find no next hop and none leaves", () => {
    const lose = ({ unroutable }: Look): Partial<Look> => ({ unroutable: unroutable + 1 });
    assert.equal("ok none", pass(10, lose));
    assert.equal("degraded wan-no-next-hop", pass(1, lose));
    assert.equal(
      "ok none",
      pass(1, ({ wan }) => ({ wan: { ...wan, framesSent: 1 } })),
    );
  });
});
