// SPDX-License-Identifier: GPL-2.0-only
// When the supervisor resets a board, and when it does not.

import { sealed } from "../../../src/heartbeat/checked-line";
import { flashText } from "../../../src/heartbeat/flash-mark";
import { type HealthState, heartbeatText } from "../../../src/heartbeat/heartbeat";
import { DEFAULT_SUPERVISOR_LIMITS } from "../../../src/supervisor/limits";
import { ResetRecord } from "../../../src/supervisor/reset-record";
import { Supervisor } from "../../../src/supervisor/supervisor";
import { modulo } from "../../../src/wire/word";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const { graceMs, silenceMs, panicMs, bootLoaderMs, steadyMs } = DEFAULT_SUPERVISOR_LIMITS;

describe("the supervisor", () => {
  let record: ResetRecord;
  let saved: string;
  let supervisor: Supervisor;
  let nowMs: number;
  let sequence: number;
  /** Causes of the resets that were made, and when. */
  let causes: string[];
  let times: number[];

  function start(): void {
    record = new ResetRecord((text) => {
      saved = text;
    });
    if (saved !== "") record.restore(saved);
    supervisor = new Supervisor(DEFAULT_SUPERVISOR_LIMITS, record, () => 0.5, nowMs);
  }

  before_each(() => {
    saved = "";
    nowMs = 50_000;
    sequence = 0;
    causes = [];
    times = [];
    start();
  });

  /** Lets time pass, a tick a second. */
  function pass(lengthMs: number, everySecond: () => void = () => undefined): void {
    const endMs = nowMs + lengthMs;
    while (nowMs < endMs) {
      nowMs += SECOND;
      everySecond();
      const cause = supervisor.tick(nowMs);
      if (cause !== undefined) {
        causes.push(cause);
        times.push(nowMs);
      }
    }
  }

  function beat(health: HealthState = "ok"): void {
    sequence += 1;
    const numbers = [{ name: "time", value: 1_800_000_000 }];
    supervisor.hear(sealed(heartbeatText({ sequence, health, reason: "none", numbers })), nowMs);
  }

  /** Heartbeats every three seconds. */
  function beating(lengthMs: number, health: HealthState = "ok"): void {
    pass(lengthMs, () => {
      if (modulo(nowMs / SECOND, 3) === 0) beat(health);
    });
  }

  it("leaves a board alone that beats, for as long as it does", () => {
    beating(6 * HOUR);
    beating(HOUR, "degraded");
    assert.same([], causes);
    assert.equal("beating", supervisor.phase(nowMs));
  });

  it("resets a board that falls silent, once", () => {
    beating(MINUTE);
    pass(silenceMs - 4 * SECOND);
    assert.same([], causes);
    pass(4 * SECOND);
    assert.same(["silent"], causes);
    pass(MINUTE);
    assert.same(["silent"], causes);
  });

  it("gives a board the grace to boot, and resets it when no heartbeat comes", () => {
    pass(graceMs - SECOND);
    assert.same([], causes);
    pass(SECOND);
    assert.same(["no-heartbeat"], causes);
  });

  it("resets a board whose heartbeats say wedged three times running", () => {
    beating(MINUTE);
    beat("wedged");
    beat("wedged");
    beat("ok");
    beat("wedged");
    beat("wedged");
    pass(SECOND);
    assert.same([], causes);
    beat("wedged");
    pass(SECOND);
    assert.same(["wedged"], causes);
  });

  it("takes no heartbeat for life that is damaged or shown again", () => {
    beating(MINUTE);
    const again = sealed(heartbeatText({ sequence, health: "ok", reason: "none", numbers: [] }));
    pass(silenceMs, () => {
      supervisor.hear(again, nowMs);
      supervisor.hear(`VM1 ${sequence + 1} ok no[   12.345678] usb 1-1: new devicene*1234`, nowMs);
    });
    assert.same(["silent"], causes);
    assert.equal(20, supervisor.damaged);
  });

  it("never resets while the board is flashed, and waits for a boot after it", () => {
    beating(MINUTE);
    supervisor.hear(sealed(flashText(600)), nowMs);
    assert.equal("flashing", supervisor.phase(nowMs));
    assert.is_nil(supervisor.resetByHand(nowMs));
    pass(500 * SECOND);
    supervisor.hear(sealed(flashText(0)), nowMs);
    pass(graceMs - SECOND);
    assert.same([], causes);
    pass(SECOND);
    assert.same(["no-heartbeat"], causes);
  });

  it("never resets while the running router writes its other slot, even if it wedges meanwhile", () => {
    beating(MINUTE);
    supervisor.hear(sealed(flashText(600)), nowMs);
    beating(5 * MINUTE, "wedged");
    assert.same([], causes);
    assert.equal("flashing", supervisor.phase(nowMs));
    beating(5 * MINUTE + 9 * SECOND, "wedged");
    assert.same(["wedged"], causes);
  });

  it("takes an arrow in a log for no boot loader", () => {
    beating(MINUTE);
    supervisor.hear("daemon: eth0 => eth1", nowMs);
    pass(silenceMs);
    assert.same(["silent"], causes);
  });

  it("takes the lease of a flash tool that died for over when it ends", () => {
    beating(MINUTE);
    supervisor.hear(sealed(flashText(600)), nowMs);
    pass(600 * SECOND + graceMs - SECOND);
    assert.same([], causes);
    pass(SECOND);
    assert.same(["no-heartbeat"], causes);
  });

  it("believes no flash mark without its checksum", () => {
    beating(MINUTE);
    supervisor.hear("VM1F begin 600*0000", nowMs);
    pass(silenceMs);
    assert.same(["silent"], causes);
  });

  it("lets an upgrade from within Linux finish", () => {
    beating(MINUTE);
    supervisor.hear("Commencing upgrade. Closing all shell sessions.", nowMs);
    pass(10 * MINUTE);
    assert.same([], causes);
  });

  it("lets a person work at the boot loader, and resets a boot loader that is left alone", () => {
    beating(MINUTE);
    supervisor.hear("U-Boot 2023.01 (Jan 01 2023)", nowMs);
    pass(30 * MINUTE, () => {
      supervisor.hear("=> printenv", nowMs);
    });
    assert.same([], causes);
    pass(bootLoaderMs + graceMs - SECOND);
    assert.same([], causes);
    pass(SECOND);
    assert.same(["no-heartbeat"], causes);
  });

  it("gives a board that restarts itself a new grace, but ends a boot loop", () => {
    beating(MINUTE);
    const loopMs = 40 * SECOND;
    const boot = (): void => {
      supervisor.hear("U-Boot 2023.01 (Jan 01 2023)", nowMs);
      supervisor.hear("[    0.000000] Linux version 6.6.0", nowMs);
      pass(loopMs);
    };
    for (const _ of $range(1, 5)) boot();
    assert.same([], causes);
    for (const _ of $range(1, 5)) boot();
    assert.same(["no-heartbeat"], causes);
  });

  it("does not wait for the whole grace when the kernel panics while it boots", () => {
    supervisor.hear("[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs", nowMs);
    pass(panicMs - SECOND);
    assert.same([], causes);
    pass(SECOND);
    assert.same(["panic"], causes);
  });

  it("resets less and less often when resets do not help, and never more than six times in an hour", () => {
    pass(24 * HOUR);
    for (const [index, atMs] of times.entries()) {
      const inHour = times.filter((other) => other > atMs - HOUR && other <= atMs).length;
      assert.is_true(inHour <= 6, `${inHour} resets in the hour before reset ${index}`);
    }
    const last = times.length - 1;
    assert.is_true(times[last] - times[last - 1] >= HOUR, "the longest pause is an hour");
    assert.is_true(causes.length < 30, `${causes.length} resets in a day`);
  });

  it("starts with short pauses again once heartbeats have lasted", () => {
    pass(4 * HOUR);
    assert.is_true(record.unhelpful > 4);
    beating(steadyMs + MINUTE);
    assert.equal(0, record.unhelpful);
  });

  it("makes no resets while it is held, but one by hand, and watches again by itself", () => {
    beating(MINUTE);
    supervisor.hold(30 * MINUTE, nowMs);
    pass(29 * MINUTE);
    assert.same([], causes);
    assert.equal("held", supervisor.phase(nowMs));
    assert.equal("by-hand", supervisor.resetByHand(nowMs));
    pass(graceMs + MINUTE);
    assert.same(["no-heartbeat"], causes);
  });

  it("remembers across its own restart what it did and that it did not help", () => {
    beating(MINUTE);
    pass(2 * HOUR);
    const before = record.resets;
    const made = before.length;
    start();
    assert.same(before, record.resets);
    assert.equal("silent", record.resets[0].cause);
    assert.equal(1_800_000_020, record.resets[0].wallSeconds);
    // The budget is not full again: one reset after the grace, and no second one soon.
    causes = [];
    pass(graceMs + 15 * MINUTE);
    assert.same(["no-heartbeat"], causes);
    assert.equal(made + 1, record.resets.length);
  });

  it("remembers nothing of a record that is damaged, and says so", () => {
    const fresh = new ResetRecord(() => undefined);
    assert.is_false(fresh.restore("VR1 3 1 1,silent,5,0*0000"));
    assert.is_false(fresh.restore(""));
    assert.same([], fresh.resets);
  });
});
