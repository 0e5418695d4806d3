// SPDX-License-Identifier: GPL-2.0-only
// The small faces of the system: clocks, random numbers, this process, the log.

import { bootId, monotonicMs, wallClockMs } from "../../../src/system/clock";
import { Log } from "../../../src/system/log";
import { effectiveUserId, processId, residentBytes } from "../../../src/system/process";
import { randomBytes, randomWord } from "../../../src/system/random";
import { outputOf } from "./network";

describe("the clocks", () => {
  it("go on, the one that never jumps and the one for people", () => {
    const [monotonic, wall] = [monotonicMs(), wallClockMs()];
    os.execute("sleep 0.02");
    assert.is_true(monotonicMs() - monotonic >= 20);
    assert.is_true(wallClockMs() - wall >= 19);
    assert.near(os.time() * 1000, wallClockMs(), 2000);
  });

  it("have a boot that they count from", () => {
    assert.equal(outputOf("cat /proc/sys/kernel/random/boot_id"), bootId());
  });
});

describe("this process", () => {
  it("knows its number, its user and its memory", () => {
    assert.equal(outputOf("echo $PPID"), string.format("%d", processId()));
    assert.equal(outputOf("id -u"), string.format("%d", effectiveUserId()));
    const bytes = residentBytes()!;
    assert.is_true(bytes > 1e6 && bytes < 1e9, `${bytes}`);
  });
});

describe("random numbers", () => {
  it("have as many bytes as asked for, and differ", () => {
    assert.equal(16, string.len(randomBytes(16)));
    assert.equal("", randomBytes(0));
    assert.not_equal(randomBytes(16), randomBytes(16));
    const words = new Set<number>();
    for (const _ of $range(1, 100)) words.add(randomWord());
    assert.is_true(words.size > 95);
    assert.has_error(() => randomBytes(257));
  });
});

describe("the log", () => {
  /** Lines that a log program prints on standard error. */
  function linesOf(program: string): string {
    const start = `local Log = require("src.system.log").Log local log = setmetatable({}, Log.prototype)`;
    const made = `log:____constructor({level = "info", to = "stderr", name = "spec"})`;
    return outputOf(`luajit -e '${start} ${made} ${program}' 2>&1 | cut -d' ' -f3-`);
  }

  it("writes what is urgent enough, with its level", () => {
    assert.equal(
      "error: broken\ninfo: as usual",
      linesOf('log:error("broken") log:debug("detail") log:info("as usual")'),
    );
  });

  it("writes a repeated message once a minute", () => {
    const repeat = 'for i = 1, 5 do log:limited("warning", "subject", "again " .. i) end';
    assert.equal("warning: again 1", linesOf(repeat));
  });

  it("follows a level changed at run time", () => {
    assert.equal("debug: detail", linesOf('log:debug("lost") log.level = "debug" log:debug("detail")'));
  });

  it("to syslog does no harm where no syslog is", () => {
    const log = new Log({ level: "debug", to: "syslog", name: "vpnmasq-spec" });
    log.debug("a message from the specs, 100% harmless");
    log.close();
  });
});
