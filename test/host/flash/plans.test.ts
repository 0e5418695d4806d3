// SPDX-License-Identifier: GPL-2.0-only
// Plans are data: whatever the board, nothing is written before the image was checked where it will be written from.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Board, LoaderWay } from "../../../src/host/board/board.js";
import { allBoards, readBoard } from "../../../src/host/board/catalogue.js";
import { flashCommand } from "../../../src/host/flash/command.js";
import { diskPlan } from "../../../src/host/flash/disk-plan.js";
import type { Image } from "../../../src/host/flash/image.js";
import { loaderPlan } from "../../../src/host/flash/loader-plan.js";
import { type Judge, type Plan, planDocument, planText, taskText, typed } from "../../../src/host/flash/plan.js";
import { recoveryText } from "../../../src/host/flash/recovery.js";
import { sysupgradePlan } from "../../../src/host/flash/sysupgrade-plan.js";
import { REVISION } from "./images.js";

const IMAGE: Image = {
  path: "/images/factory.img",
  bytes: 0x123456,
  sha256: "ab".repeat(32),
  crc32: "deadbeef",
  format: "uimage",
  metadata: { devices: ["x"], version: "24.10.0", revision: REVISION, target: "" },
  unpackedBytes: undefined,
};
const SSH = { address: "192.168.1.1", port: 22, isDroppingConfiguration: false };

function loaderWay(board: Board): LoaderWay | undefined {
  return board.ways.find((way) => way.way === "u-boot");
}

function everyPlan(): Plan[] {
  return allBoards().flatMap((board) => {
    const way = loaderWay(board);
    const loader = way === undefined ? [] : [loaderPlan(board, way, IMAGE)];
    return [...loader, sysupgradePlan(board, IMAGE, SSH), diskPlan(board, IMAGE, "/dev/sdx", false)];
  });
}

function commands(plan: Plan): string[] {
  return plan.steps.map(({ task }) => taskText(task));
}

/** What a step's judge says of an answer. */
function verdict(plan: Plan, does: RegExp, output: string, status = 0): string | undefined {
  const judge: Judge | undefined = plan.steps.find((step) => does.test(step.does))?.judge;
  assert.ok(judge !== undefined, `no step ${String(does)}`);
  return judge({ output, status });
}

describe("the plan of the emulated board", () => {
  it("is printed by --dry-run, and nothing is done", async () => {
    let [out, err] = ["", ""];
    const pages = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
    assert.equal(await flashCommand(["qemu-arm64", "--dry-run"], pages), 0);
    assert.match(out, /^ 1\. Builds the image.*^ 6\. Writes it into the slot that is not in use\. \[writes\]/ms);
    for (const line of out.split("\n")) assert.ok(line.length <= 80 || line.startsWith("It lies in"), line);
    out = "";
    assert.equal(await flashCommand(["qemu-arm64", "--dry-run", "--json"], pages), 0);
    assert.equal((JSON.parse(out) as { steps: unknown[] }).steps.length, 9);
    assert.equal(err, "", "something was done");
  });
});

describe("every plan", () => {
  it("writes nothing before a check of what it writes from", () => {
    for (const plan of everyPlan()) {
      const writes = plan.steps.findIndex((step) => step.writes === true);
      const check = plan.steps.findIndex(({ does }) => /^(Compares the copy|Checks the image in|Looks at)/.test(does));
      assert.ok(check >= 0 && check < writes, `${plan.board}, ${plan.way}`);
    }
  });

  it("reads back what it wrote, or asks the system that it started", () => {
    for (const plan of everyPlan()) {
      const writes = plan.steps.map((step) => step.writes === true).lastIndexOf(true);
      const checks = plan.steps.slice(writes + 1).map(({ does }) => does);
      assert.ok(checks.some((does) => /^(Checks what was written|Compares the disk|Asks the board)/.test(does)));
    }
  });

  it("says of each step what is left when it fails, within 80 columns but for commands", () => {
    for (const plan of everyPlan()) {
      for (const { otherwise, worked } of plan.steps) assert.ok(otherwise.length > 10 && worked.length > 5);
      const lines = planText(plan).split("\n");
      const wide = lines.filter(
        (line) => line.length > 80 && !/^ {4}(here|console|boot loader|you|dnsmasq)\b/.test(line),
      );
      assert.deepEqual(wide, []);
    }
  });

  it("is told as JSON with the very commands", () => {
    for (const plan of everyPlan()) {
      const { steps } = planDocument(plan) as { steps: { command: string }[] };
      assert.deepEqual(
        steps.map(({ command }) => command),
        commands(plan),
      );
    }
  });
});

describe("the plan over a boot loader", () => {
  const board = readBoard("gl-ar300m");
  const way = loaderWay(board);
  assert.ok(way !== undefined);
  const plan = loaderPlan(board, way, IMAGE);

  it("types the board's own commands with the image's size", () => {
    const lines = commands(plan);
    for (const line of [
      "tftpboot 0x81000000 factory.img",
      "nand write 0x81000000 0 0x123456",
      "nand read 0x83000000 0 0x123456",
    ])
      assert.ok(lines.includes(line), line);
  });

  it("fills blocks in where a board writes blocks", () => {
    const emmc = readBoard("gl-mt6000");
    const emmcWay = loaderWay(emmc);
    assert.ok(emmcWay !== undefined);
    assert.ok(
      commands(loaderPlan(emmc, emmcWay, IMAGE)).some((line) =>
        line.startsWith("mmc write 0x46000000 ${vpnmasq_start} 0x91b "),
      ),
    );
  });

  it("takes no other number of bytes for the image", () => {
    assert.equal(verdict(plan, /^Loads/, "Bytes transferred = 1193046 (123456 hex)"), undefined);
    assert.match(verdict(plan, /^Loads/, "Bytes transferred = 1193045 (123455 hex)") ?? "", /1193045 bytes of 1193046/);
    assert.match(verdict(plan, /^Loads/, "Retry count exceeded; starting again") ?? "", /says: Retry count/);
    assert.match(verdict(plan, /^Loads/, "TFTP error: 'File not found' (1)") ?? "", /says: TFTP error/);
    assert.match(verdict(plan, /^Loads/, "") ?? "", /loaded nothing/);
  });

  it("takes no other checksum for the image's, however it is printed", () => {
    const answer = (sum: string): string => `CRC32 for 81000000 ... 81123455 ==> ${sum}`;
    assert.equal(verdict(plan, /^Checks the image/, answer("DEADBEEF")), undefined);
    assert.match(verdict(plan, /^Checks the image/, answer("deadbeee")) ?? "", /is deadbeee, the image's deadbeef/);
    assert.match(verdict(plan, /^Checks the image/, "Unknown command 'crc32'") ?? "", /says: Unknown command/);
  });

  it("sees a complaint in a write's output", () => {
    assert.equal(verdict(plan, /^Writes/, "Skipping bad block at 0x00020000\n1193046 bytes written: OK"), undefined);
    assert.match(verdict(plan, /^Writes/, "NAND write: error -5") ?? "", /says: NAND write: error -5/);
  });

  it("tells how to give this machine the address that the boot loader asks", () => {
    assert.match(verdict(plan, /^Looks for/, "") ?? "", /ip address add 192\.168\.1\.2\/24 dev INTERFACE/);
  });
});

describe("the plan by sysupgrade", () => {
  const board = readBoard("gl-mt300n-v2");
  const plan = sysupgradePlan(board, IMAGE, SSH);
  const look = (name: string, free: number): string =>
    `${name}\nDISTRIB_ID='OpenWrt'\ntmpfs  60000 4 ${String(free)}   0% /tmp`;

  it("looks whether it is that board, and has room", () => {
    assert.equal(verdict(plan, /what it is/, look("glinet,gl-mt300n-v2", 60000)), undefined);
    assert.match(
      verdict(plan, /what it is/, look("glinet,gl-mt6000", 60000)) ?? "",
      /"glinet,gl-mt6000", and GL\.iNet GL-MT300/,
    );
    assert.match(verdict(plan, /what it is/, look("glinet,gl-mt300n-v2", 1000)) ?? "", /has 1024000 bytes free/);
    assert.match(
      verdict(plan, /what it is/, "connect: No route to host", 255) ?? "",
      /cannot be reached by ssh: connect/,
    );
  });

  it("keeps the configuration unless it is to be dropped", () => {
    assert.ok(commands(plan).some((line) => line.endsWith("'sysupgrade /tmp/vpnmasq-flash.img'")));
    const dropping = sysupgradePlan(board, IMAGE, { ...SSH, isDroppingConfiguration: true });
    assert.ok(commands(dropping).some((line) => line.endsWith("'sysupgrade -n /tmp/vpnmasq-flash.img'")));
  });

  it("takes only the image's version for a success", () => {
    assert.equal(verdict(plan, /for its version/, `DISTRIB_REVISION='${REVISION}'`), undefined);
    assert.match(verdict(plan, /for its version/, "DISTRIB_REVISION='r1-old'") ?? "", /runs another version/);
  });
});

describe("words of a command", () => {
  it("are printed so that a shell takes them as they are", () => {
    assert.equal(typed(["a", "b c", "it's", "x=1"]), "a 'b c' 'it'\\''s' x=1");
  });
});

describe("the way by hand", () => {
  it("is printed in 80 columns, with the image's file", () => {
    for (const board of allBoards().filter(({ ways }) => ways.some(({ way }) => way === "by-hand"))) {
      const text = recoveryText(board, "/images/mine.bin");
      assert.match(text, /\/images\/mine\.bin/);
      const isUrl = (line: string): boolean => line.includes("openwrt-mediatek-filogic");
      assert.deepEqual(
        text.split("\n").filter((line) => line.length > 80 && !isUrl(line)),
        [],
      );
    }
  });
});
