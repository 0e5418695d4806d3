// SPDX-License-Identifier: GPL-2.0-only
// libreswan and strongSwan as the watchdog drives them, with a script in place of their command, which notes what it is
// asked and answers as the daemons were seen to.

import { monotonicMs } from "../../../src/system/clock";
import { EventLoop } from "../../../src/system/event-loop";
import type { CommandReport, IkeConnection, IkeDaemon } from "../../../src/watchdog/ike-daemon";
import { Libreswan } from "../../../src/watchdog/libreswan";
import { StrongSwan } from "../../../src/watchdog/strongswan";
import { outputOf } from "../system/network";
import { LIBRESWAN_STATUS, STRONGSWAN_CONNECTIONS } from "./ike-captures";

const LIMIT_MS = 12_000;

let folder: string;
let loop: EventLoop;
let reports: CommandReport[];

function note(this: void, report: CommandReport): void {
  reports.push(report);
}

/** Writes the daemon's command: a shell script that notes its arguments, then does as told. */
function answer(script: string): void {
  const [file] = io.open(`${folder}/command`, "w");
  file!.write(`#!/bin/sh\necho "$*" >> ${folder}/asked\n${script}\n`);
  file!.close();
  os.execute(`chmod +x ${folder}/command`);
}

function asked(): string[] {
  const text = outputOf(`cat ${folder}/asked 2>/dev/null`);
  return text === "" ? [] : text.split("\n");
}

/** Runs the loop until so many reports have come. */
function awaitReports(daemon: IkeDaemon, count: number): void {
  const endMs = monotonicMs() + LIMIT_MS;
  loop.tick(10, (nowMs) => {
    daemon.tick(nowMs);
  });
  while (reports.length < count && monotonicMs() < endMs) loop.runOnce(50);
  assert.equal(count, reports.length);
}

function listOf(daemon: IkeDaemon): { connections: readonly IkeConnection[] | undefined; problem: string | undefined } {
  let connections: readonly IkeConnection[] | undefined;
  daemon.list((list, problem) => {
    connections = list;
    reports.push({ text: "", problem });
  });
  awaitReports(daemon, 1);
  return { connections, problem: reports[0].problem };
}

describe("an IKE daemon", () => {
  before_each(() => {
    folder = outputOf("mktemp -d");
    loop = new EventLoop();
    reports = [];
  });

  after_each(() => {
    os.execute(`rm -r ${folder}`);
  });

  function libreswan(): Libreswan {
    return new Libreswan(loop, [`${folder}/command`]);
  }

  function strongSwan(): StrongSwan {
    return new StrongSwan(loop, `${folder}/command`);
  }

  describe("libreswan", () => {
    it("is asked for a rekey once when that makes a new epoch", () => {
      answer("exit 0");
      const daemon = libreswan();
      daemon.rekeyChild("office", () => true, note);
      awaitReports(daemon, 1);
      assert.same(["--name office --rekey-ipsec"], asked());
      assert.equal("there", daemon.presence());
    });

    it("is made to initiate when a rekey claims success and nothing has come of it", () => {
      answer(`case "$*" in *rekey*) echo "002 cannot force rekey of IKEv1 connection";; esac`);
      const daemon = libreswan();
      daemon.rekeyChild("office", () => asked().length > 1, note);
      awaitReports(daemon, 1);
      assert.same(["--name office --rekey-ipsec", "--name office --initiate --asynchronous"], asked());
      assert.matches("cannot force rekey", reports[0].text);
    });

    it("is made to initiate at once where its list has shown IKEv1, which knows no rekey", () => {
      const [file] = io.open(`${folder}/status`, "w");
      file!.write(LIBRESWAN_STATUS);
      file!.close();
      answer(`case "$*" in *status*) cat ${folder}/status;; esac`);
      const daemon = libreswan();
      listOf(daemon);
      daemon.rekeyChild("office-3", () => false, note);
      awaitReports(daemon, 2);
      assert.same(["--status", "--name office-3 --initiate --asynchronous"], asked());
      daemon.rekeyChild("office-1", () => true, note);
      awaitReports(daemon, 3);
      assert.equal("--name office-1 --rekey-ipsec", asked()[2]);
    });

    it("drops its session and initiates for a new IKE session, whatever the first command said", () => {
      answer("exit 21");
      const daemon = libreswan();
      daemon.restartIke("office", note);
      awaitReports(daemon, 1);
      assert.same(["--name office --terminate", "--name office --initiate --asynchronous"], asked());
    });

    it("that waits for a silent peer is not taken for hung, and not asked again by the same order", () => {
      answer("sleep 30");
      const daemon = libreswan();
      daemon.rekeyChild("office", () => false, note);
      awaitReports(daemon, 1);
      assert.matches("not done after 5000 ms", reports[0].problem!);
      assert.equal("unknown", daemon.presence());
      assert.equal(1, asked().length);
    });

    it("that does not answer a plain question is hung", () => {
      answer("sleep 30");
      const daemon = libreswan();
      const { connections, problem } = listOf(daemon);
      assert.is_nil(connections);
      assert.matches("not done after 3000 ms", problem!);
      assert.equal("hung", daemon.presence());
    });

    it("that is not running is missing, with its own words, and is there again when it answers", () => {
      answer(`echo 'whack: Pluto is not running (no "/run/pluto/pluto.ctl")' >&2; exit 33`);
      const daemon = libreswan();
      daemon.restartIke("office", note);
      awaitReports(daemon, 1);
      assert.equal("missing", daemon.presence());
      assert.equal('whack: Pluto is not running (no "/run/pluto/pluto.ctl")', daemon.trouble()!);
      assert.equal(1, asked().length);
      answer("exit 0");
      daemon.initiate("office", note);
      awaitReports(daemon, 2);
      assert.equal("there", daemon.presence());
      assert.is_nil(daemon.trouble());
    });

    it("that is not installed is missing", () => {
      const daemon = new Libreswan(loop, ["/no/such/ipsec"]);
      daemon.initiate("office", note);
      awaitReports(daemon, 1);
      assert.equal("missing", daemon.presence());
      assert.equal("/no/such/ipsec: cannot be started: No such file or directory", daemon.trouble()!);
    });

    it("lists its connections", () => {
      const [file] = io.open(`${folder}/status`, "w");
      file!.write(LIBRESWAN_STATUS);
      file!.close();
      answer(`cat ${folder}/status`);
      const { connections } = listOf(libreswan());
      assert.equal(3, connections!.length);
    });

    it("is not asked for its list twice at once", () => {
      answer("sleep 0.2");
      const daemon = libreswan();
      const problems: (string | false)[] = [];
      for (const _ of $range(1, 2)) daemon.list((_, problem) => problems.push(problem ?? false));
      assert.same(["libreswan is being asked already"], problems);
      daemon.initiate("office", note);
      awaitReports(daemon, 1);
    });
  });

  describe("strongSwan", () => {
    it("is asked by the names of connection and child", () => {
      answer("exit 1");
      const daemon = strongSwan();
      daemon.rekeyChild("gw-2/office-1", () => false, note);
      awaitReports(daemon, 1);
      daemon.restartIke("gw-2/office-1", note);
      awaitReports(daemon, 2);
      daemon.initiate("home", note);
      awaitReports(daemon, 3);
      assert.same(
        [
          "--rekey --child office-1",
          "--terminate --ike gw-2 --force --timeout 1",
          "--initiate --ike gw-2 --child office-1 --timeout 1",
          "--initiate --ike home --child home --timeout 1",
        ],
        asked(),
      );
    });

    it("that is not running is missing, in one line", () => {
      answer(`echo "plugin 'ldap': failed to load - ldap_plugin_create not found and no plugin file available
connecting to 'unix:///run/charon.vici' failed: Connection refused
Error: connecting to 'unix:///run/charon.vici' URI failed: Connection refused" >&2; exit 111`);
      const daemon = strongSwan();
      daemon.restartIke("gw-2/office-1", note);
      awaitReports(daemon, 1);
      assert.equal("missing", daemon.presence());
      assert.equal("connecting to 'unix:///run/charon.vici' failed: Connection refused", daemon.trouble()!);
      assert.equal(1, asked().length);
    });

    it("lists its connections from both of its lists", () => {
      const [file] = io.open(`${folder}/list`, "w");
      file!.write(STRONGSWAN_CONNECTIONS);
      file!.close();
      answer(`case "$*" in *conns*) cat ${folder}/list;; *) echo "list-sas reply {}";; esac`);
      const { connections } = listOf(strongSwan());
      assert.equal(3, connections!.length);
      assert.same(["--list-conns --raw", "--list-sas --raw --noblock"], asked());
    });
  });

  it("gets a newer order for a connection instead of the one that runs", () => {
    answer(`case "$*" in *rekey*) sleep 30;; esac`);
    const daemon = libreswan();
    daemon.rekeyChild("office", () => false, note);
    loop.tick(10, (nowMs) => {
      daemon.tick(nowMs);
    });
    while (asked().length === 0) loop.runOnce(20);
    daemon.restartIke("office", note);
    assert.equal("replaced by a newer order", reports[0].problem!);
    const startMs = monotonicMs();
    awaitReports(daemon, 2);
    assert.is_true(monotonicMs() - startMs < 3000);
    assert.equal(3, asked().length);
  });

  it("is driven for many connections at once, but by few programs at a time", () => {
    answer("sleep 0.2");
    const daemon = libreswan();
    for (const number of $range(1, 20)) daemon.initiate(`office-${number}`, note);
    const startMs = monotonicMs();
    awaitReports(daemon, 20);
    const tookMs = monotonicMs() - startMs;
    assert.equal(20, asked().length);
    assert.is_true(tookMs >= 600 && tookMs < 4000, `${tookMs} ms`);
  });

  it("that is closed reports nothing more", () => {
    answer("sleep 30");
    const daemon = libreswan();
    daemon.initiate("office", note);
    daemon.tick(monotonicMs());
    daemon.close();
    daemon.tick(monotonicMs() + LIMIT_MS);
    assert.equal(0, reports.length);
  });
});
