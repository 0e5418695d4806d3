// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq watch` without its terminal: the keys it knows, what it shows, and how little of that it sends.

import { healthReport } from "../../../src/app/report/health-report";
import { statusReport } from "../../../src/app/report/status-report";
import { tableReport } from "../../../src/app/report/table-report";
import { itemsShown, type Look, watchPage } from "../../../src/app/watch/page";
import { KeyReader } from "../../../src/app/watch/keys";
import { Screen, type ScreenLine } from "../../../src/app/watch/screen";
import { Random } from "../random";
import { routerWithWaitingClient, SampleRouter } from "./sample-router";
import { TerminalModel } from "./terminal-model";

const SIZE = { height: 22, width: 80 };

function texts(lines: readonly ScreenLine[]): string[] {
  return lines.map(({ text }) => string.gsub(text, "%s+$", "")[0]);
}

function lookAt(router: SampleRouter, offset = 0): Look {
  return {
    atMs: router.nowMs(),
    health: healthReport(router),
    status: statusReport(router),
    table: tableReport(router, "esp", { offset, limit: itemsShown(SIZE.height) }),
  };
}

describe("the keys of `vpnmasq watch`", () => {
  it("are letters and the cursor's, in whatever pieces they come", () => {
    const bytes = "q\x1b[Aj\x1b[5~ b\x1b[6~\x1bOBgG\x03";
    const keys = [
      "quit",
      "up",
      "down",
      "page-up",
      "page-down",
      "page-up",
      "page-down",
      "down",
      "first",
      "last",
      "quit",
    ];
    assert.same(keys, new KeyReader().take(bytes));
    const reader = new KeyReader();
    const single: string[] = [];
    for (const at of $range(1, string.len(bytes))) single.push(...reader.take(string.sub(bytes, at, at)));
    assert.same(keys, single);
  });

  it("leave out what means nothing, and never wait for the end of what has none", () => {
    const reader = new KeyReader();
    assert.same([], reader.take("xyz\x1b[99~\x1b[?"));
    assert.same(["quit"], reader.take("q"));
    assert.same([], reader.take(`\x1b[${string.rep("9", 20)}`));
    assert.same(["quit"], reader.take("q"));
  });
});

describe("the page of `vpnmasq watch`", () => {
  it("reads like this", () => {
    const router = routerWithWaitingClient();
    const before = lookAt(router);
    router.nowIs += 1000;
    router.sends(0xc0a8010a - 0x100000000, 0x1001, 614400);
    const lines = texts(watchPage(lookAt(router), before, { table: "esp", offset: 0, ...SIZE }));
    assert.same(
      [
        "vpnmasq 0.1.0, scope vpn   ok: forwarding                             up 3 m 6 s",
        "LAN  eth0     192.168.1.1     up     in            -  out            -",
        "WAN  eth1     203.0.113.1     up     in            -  out            -",
        "ESP 1 up, 1 outstanding, 1 waiting   IKE 2   held 1",
        "",
        "Client          Server          SPI out    Phase             out/s       in/s",
        "192.168.1.10    198.51.100.1    0x00001001 established   600.0 KiB          -",
        "192.168.1.10    198.51.100.1    0x00001002 outstanding           -          -",
        "192.168.1.11    198.51.100.1    0x00001003 waiting               -          -",
      ],
      lines.slice(0, 9),
    );
    assert.equal(22, lines.length);
    assert.equal("q quit  arrows, space, b page  e ESP  i IKE  f flows                1-3 of 3 esp", lines[21]);
  });

  it("says that the router does not answer, and keeps the size", () => {
    const health = { health: "absent", reason: "no-router", meaning: "no vpnmasq router answers at /run/x" } as const;
    const lines = texts(watchPage({ atMs: 0, health }, undefined, { table: "esp", offset: 0, ...SIZE }));
    assert.equal("vpnmasq   absent: no vpnmasq router answers at /run/x", lines[0]);
    assert.equal(22, lines.length);
  });

  it("fits every size, with long values", () => {
    const router = new SampleRouter();
    router.sends(-1, 0x7fffffff, 2 ** 40);
    for (const [height, width] of [
      [8, 40],
      [22, 80],
      [50, 200],
    ]) {
      const screen = new Screen(height + 2, width, false);
      const model = new TerminalModel(height + 2, width);
      model.take(screen.draw(watchPage(lookAt(router), undefined, { table: "esp", offset: 0, height, width })));
      assert.equal(height, screen.height());
      assert.is_false(model.hasWrapped);
    }
  });
});

describe("the screen of `vpnmasq watch`", () => {
  const randomLines = (random: Random, like: readonly ScreenLine[]): ScreenLine[] =>
    like.map(({ text }) => {
      if (random.below(3) > 0) return { text };
      const length = random.below(90);
      const from = random.below(80);
      const letters = string.rep(string.char(97 + random.below(26)), random.below(9));
      return {
        text: string.sub(string.sub(text, 1, from) + letters + string.sub(text, from + 4) + "......", 1, length),
      };
    });

  it("shows the same as if everything were sent, whatever changes", () => {
    const random = new Random(17);
    const screen = new Screen(24, 80, false);
    const model = new TerminalModel(24, 80);
    let lines: ScreenLine[] = [];
    for (const row of $range(1, 22)) lines.push({ text: `line ${row} of a table` });
    for (const _ of $range(1, 300)) {
      lines = randomLines(random, lines);
      model.take(screen.draw(lines));
      const wanted = lines.map(({ text }) => string.gsub(string.sub(text, 1, 80), "%s+$", "")[0]);
      assert.same(wanted, model.lines().slice(0, 22));
    }
    assert.is_false(model.hasWrapped);
  });

  it("sends nothing when nothing changed, and a few bytes for a few", () => {
    const screen = new Screen(24, 80, false);
    const lines: ScreenLine[] = [];
    for (const row of $range(1, 22)) lines.push({ text: `${string.rep("x", 78)}${row}` });
    const whole = string.len(screen.draw(lines));
    assert.is_true(whole < 2200, `${whole} bytes`);
    assert.equal("", screen.draw(lines));
    lines[4] = { text: `${string.rep("x", 30)}y${string.rep("x", 49)}` };
    assert.is_true(string.len(screen.draw(lines)) < 40);
  });

  it("keeps what others write to the last two lines, and survives it there", () => {
    const screen = new Screen(24, 80, false);
    const model = new TerminalModel(24, 80);
    model.take(screen.draw([{ text: "the first line" }]));
    for (const number of $range(1, 50)) model.take(`\r\n[  ${number}.0] eth0: link up\r\n`);
    assert.equal("the first line", model.lines()[0]);
    for (const row of $range(1, 21)) assert.equal("", model.lines()[row]);
  });

  it("leaves a terminal that scrolls again, with its cursor", () => {
    const screen = new Screen(24, 80, false);
    const model = new TerminalModel(24, 80);
    model.take(screen.draw([{ text: "x" }]));
    assert.is_true(model.isCursorHidden);
    model.take(screen.leave());
    assert.is_false(model.isCursorHidden);
    assert.same([1, 24], model.region());
  });
});
