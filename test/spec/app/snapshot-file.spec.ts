// SPDX-License-Identifier: GPL-2.0-only
// The journal on a file system: kill -9 costs nothing, damage is kept aside, a full disk is said once.

import { checkConfiguration, type Configuration } from "../../../src/app/configuration";
import { Journal } from "../../../src/app/snapshot-file";
import { Log } from "../../../src/system/log";
import { readFile, removeFile, replaceFile } from "../../../src/system/files";
import { CLIENT_A, CLIENT_B, SampleRouter } from "./sample-router";

const WAN = 0x01020304;
const FILE = { sync: false, mode: 0o600 };

class RecordingLog extends Log {
  readonly texts: string[] = [];
  override error(text: string): void {
    this.texts.push(text);
  }
  override warning(text: string): void {
    this.texts.push(text);
  }
  override notice(text: string): void {
    this.texts.push(text);
  }
}

let folder = "";
let log: RecordingLog;
let config: Configuration;

function configured(stateDirectory: string): Configuration {
  const keys = `"state_directory": "${stateDirectory}", "flash_snapshot": "${folder}/flash"`;
  return checkConfiguration(`{"lan": "eth0", "wan": "eth1", ${keys}}`)[0]!;
}

/** A router with one tunnel that its journal knows, as it is just before it is killed. */
function runningRouter(): LuaMultiReturn<[SampleRouter, Journal]> {
  const router = new SampleRouter();
  const journal = Journal.open(config, log);
  journal.restoreInto(router.esp, router.ike, WAN, router.nowIs);
  router.hasSession(CLIENT_A);
  router.ike.forEach((session) => router.ike.learned.push(session));
  router.sends(CLIENT_A, 0x1001, 100);
  router.answers(0x2001, 1, 100);
  journal.record(router.esp, router.ike, WAN, router.nowIs);
  return $multi(router, journal);
}

function restarted(): LuaMultiReturn<[SampleRouter, ReturnType<Journal["restoreInto"]>]> {
  const router = new SampleRouter();
  const report = Journal.open(config, log).restoreInto(router.esp, router.ike, WAN, router.nowIs);
  return $multi(router, report);
}

describe("the journal", () => {
  before_each(() => {
    folder = os.tmpname();
    removeFile(folder);
    config = configured(`${folder}/state`);
    log = new RecordingLog({ level: "debug", to: "stderr", name: "spec" });
  });
  after_each(() => {
    os.execute(`rm -r ${folder}`);
  });

  it("gives a killed router its tunnels back", () => {
    runningRouter();
    const [router, report] = restarted();
    assert.same({ source: "journal", espItems: 1, ikeSessions: 1, isComplete: true, notes: [] }, report);
    router.answers(0x2001, 2, 100);
    assert.equal("esp-established", router.verdict.reason);
    assert.equal(CLIENT_A, router.verdict.client);
  });

  it("forgets what the router forgot", () => {
    const [router, journal] = runningRouter();
    router.esp.forEach((record) => {
      router.esp.forget(record);
    });
    journal.record(router.esp, router.ike, WAN, router.nowIs);
    assert.equal(0, restarted()[1].espItems);
  });

  it("starts with nothing where there is nothing", () => {
    const [, report] = restarted();
    assert.same({ source: "none", espItems: 0, ikeSessions: 0, isComplete: false, notes: [] }, report);
    assert.same([], log.texts);
  });

  it("refuses a foreign file, keeps it aside, and says why", () => {
    runningRouter();
    replaceFile(`${folder}/state/journal`, "rubbish\n", FILE);
    const [, report] = restarted();
    assert.equal(0, report.espItems);
    assert.same(
      [`${folder}/state/journal: not a snapshot of vpnmasq`, `kept as ${folder}/state/journal.refused`],
      report.notes as string[],
    );
    assert.equal("rubbish\n", readFile(`${folder}/state/journal.refused`, 100)[0]!);
  });

  it("takes the good lines of a torn file, and does not claim to know all", () => {
    const [router, journal] = runningRouter();
    router.sends(CLIENT_B, 0x1002, 100);
    router.answers(0x2002, 1, 100);
    journal.record(router.esp, router.ike, WAN, router.nowIs);
    const text = readFile(`${folder}/state/journal`, 10000)[0]!;
    replaceFile(`${folder}/state/journal`, string.sub(text, 1, -5), FILE);
    const [, report] = restarted();
    assert.equal(1, report.espItems);
    assert.is_false(report.isComplete);
  });

  it("is copied to flash on a clean exit, and read from there when tmpfs is empty", () => {
    const [router, journal] = runningRouter();
    assert.is_nil(readFile(`${folder}/flash`, 10000)[0]);
    journal.close(router.esp, router.ike, WAN, router.nowIs);
    removeFile(`${folder}/state/journal`);
    const [, report] = restarted();
    assert.equal("flash", report.source);
    assert.equal(1, report.espItems);
  });

  it("is copied to flash when the interval is over and something changed, not before", () => {
    const [router, journal] = runningRouter();
    const tickAt = (nowMs: number): void => {
      journal.tick(router.esp, router.ike, WAN, nowMs);
    };
    tickAt(router.nowIs + config.flashIntervalMs - 1);
    assert.is_nil(readFile(`${folder}/flash`, 10000)[0]);
    tickAt(router.nowIs + config.flashIntervalMs);
    const first = readFile(`${folder}/flash`, 10000)[0];
    assert.is_not_nil(first);
    removeFile(`${folder}/flash`);
    tickAt(router.nowIs + 3 * config.flashIntervalMs);
    assert.is_nil(readFile(`${folder}/flash`, 10000)[0]);
  });

  it("stays short however often tunnels change", () => {
    const [router, journal] = runningRouter();
    for (const number of $range(1, 1000)) {
      router.esp.learned.push(0);
      journal.record(router.esp, router.ike, WAN, router.nowIs + number);
    }
    const [, lines] = string.gsub(readFile(`${folder}/state/journal`, 100000)[0]!, "\n", "");
    assert.is_true(lines < 100, `${lines} lines`);
    assert.equal(1, restarted()[1].espItems);
  });

  it("says once that it cannot be written, and is whole again afterwards", () => {
    replaceFile(folder, "a file where the folder should be", FILE);
    const [router, journal] = runningRouter();
    router.sends(CLIENT_B, 0x1002, 100);
    router.answers(0x2002, 1, 100);
    journal.record(router.esp, router.ike, WAN, router.nowIs);
    journal.tick(router.esp, router.ike, WAN, router.nowIs + 10_000);
    assert.equal(1, log.texts.length);
    removeFile(folder);
    os.execute(`mkdir -p ${folder}/state`);
    journal.tick(router.esp, router.ike, WAN, router.nowIs + 20_000);
    assert.equal("journal: written again", log.texts[1]);
    assert.equal(2, restarted()[1].espItems);
  });
});
