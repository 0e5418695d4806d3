// SPDX-License-Identifier: GPL-2.0-only
// What the supervisor answers on its own serial port.

import { sealed } from "../../../src/heartbeat/checked-line";
import { answerCommand } from "../../../src/supervisor/commands";
import { DEFAULT_SUPERVISOR_LIMITS } from "../../../src/supervisor/limits";
import { ResetRecord } from "../../../src/supervisor/reset-record";
import { Supervisor } from "../../../src/supervisor/supervisor";
import { readableSeconds, utcText } from "../../../src/supervisor/time-text";

describe("the supervisor's serial port", () => {
  let record: ResetRecord;
  let supervisor: Supervisor;

  before_each(() => {
    record = new ResetRecord(() => undefined);
    supervisor = new Supervisor(DEFAULT_SUPERVISOR_LIMITS, record, () => 0.5, 0);
  });

  function answer(line: string, nowMs = 0): readonly string[] {
    const { lines } = answerCommand(line, supervisor, record, nowMs);
    for (const text of lines) assert.is_true(string.len(text) <= 80, text);
    return lines;
  }

  it("tells what the board does, and when it would be reset", () => {
    assert.same(
      [
        "board      starting, for 3 m 0 s at most",
        "heartbeat  none for 0 s",
        "next reset whenever it is needed",
        "resets     0 remembered, 0 running that did not help",
      ],
      answer("status"),
    );
    supervisor.hear(sealed("VM1 1042 degraded wan-down up=12"), 5000);
    assert.same(
      [
        "board      beating",
        "heartbeat  1042, 2 s ago: degraded, wan-down",
        "next reset whenever it is needed",
        "resets     0 remembered, 0 running that did not help",
      ],
      answer("status", 7000),
    );
  });

  it("lists resets with their causes", () => {
    assert.same(["no reset was ever made"], answer("log"));
    record.add("silent", 1042, 1_795_422_000);
    record.add("no-heartbeat", undefined, 0);
    assert.same(
      ["1  2026-11-23 08:20 UTC  silent, last heartbeat 1042", "2  time unknown  no-heartbeat, no heartbeat before"],
      answer("log"),
    );
  });

  it("holds, and resumes", () => {
    assert.same(['held for 60 minutes; "resume" ends it'], answer("hold"));
    assert.same(['held for 5 minutes; "resume" ends it'], answer("  hold  5 "));
    assert.same(["hold: use a number of minutes from 1 to 1440"], answer("hold forever"));
    assert.same(["hold: use a number of minutes from 1 to 1440"], answer("hold 0"));
    assert.same("board      held, for 5 m 0 s at most", answer("status")[0]);
    assert.same(["watching"], answer("resume"));
    assert.same("board      starting, for 3 m 0 s at most", answer("status")[0]);
  });

  it("resets by hand, but not while the board is flashed", () => {
    assert.equal("by-hand", answerCommand("reset", supervisor, record, 0).reset);
    supervisor.hear(sealed("VM1F begin 60"), 0);
    assert.is_nil(answerCommand("reset", supervisor, record, 0).reset);
    assert.same(['not reset: the board is being flashed; "resume" says that it is not'], answer("reset"));
  });

  it("says what it understands", () => {
    assert.equal('there is no command "stauts"; these are:', answer("stauts")[0]);
    assert.equal('there is no command ""; these are:', answer("")[0]);
    assert.equal(5, answer("help").length);
  });

  it("knows calendars", () => {
    assert.equal("1970-01-01 00:00 UTC", utcText(0));
    assert.equal("2000-02-29 23:59 UTC", utcText(951868799));
    assert.equal("2100-03-01 00:00 UTC", utcText(4107542400));
    assert.equal("59 s", readableSeconds(59));
    assert.equal("59 m 59 s", readableSeconds(3599));
    assert.equal("25 h 1 m", readableSeconds(90060));
  });
});
