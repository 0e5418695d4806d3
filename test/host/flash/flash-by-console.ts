// SPDX-License-Identifier: GPL-2.0-only
// A program for a test: flashes the board of board-by-console.sh, by the plan for a real board's boot loader.
//
// Usage: node flash-by-console.js FOLDER IMAGE [WRITE_LINE]. Of the plan, the start of the new system is left out: what is
// written is noise.

import path from "node:path";
import type { LoaderWay } from "../../../src/host/board/board.js";
import { readBoard } from "../../../src/host/board/catalogue.js";
import { ConsoleLink } from "../../../src/host/console/link.js";
import { openPlace, placeOf } from "../../../src/host/console/port.js";
import { readImage } from "../../../src/host/flash/image.js";
import { loaderPlan } from "../../../src/host/flash/loader-plan.js";
import { runPlan } from "../../../src/host/flash/run-plan.js";
import { Refusal } from "../../../src/host/refusal.js";

const [, , folder = "", file = "", writeLine = "virtio write {load} 0x800 {blocks} && echo all is written"] =
  process.argv;
const WAY: LoaderWay = {
  way: "u-boot",
  image: "factory",
  interrupt: { when: "Hit any key to stop autoboot", send: " " },
  prompt: "(^|\\n)=> $",
  boardAddress: "192.168.1.1",
  serverAddress: "192.168.1.2",
  loadAddress: "0x44000000",
  readBackAddress: "0x48000000",
  write: [
    { line: "virtio scan", limitSeconds: 10 },
    { line: writeLine, expect: "all is written", limitSeconds: 60 },
  ],
  readBack: [
    { line: "virtio read {back} 0x800 {blocks} && echo all is read", expect: "all is read", limitSeconds: 60 },
  ],
  loses: "This is a test.",
};

try {
  const plan = loaderPlan(readBoard("qemu-arm64"), WAY, readImage(file));
  const tested = { ...plan, steps: plan.steps.slice(0, -2) };
  const link = new ConsoleLink(await openPlace(placeOf(path.join(folder, "console")), 115200));
  const say = (text: string): void => {
    console.error(text);
  };
  try {
    const times = await runPlan(tested, { link, say, signal: new AbortController().signal });
    console.log(JSON.stringify(times));
  } finally {
    link.close();
  }
} catch (problem) {
  if (!(problem instanceof Refusal)) throw problem;
  console.error(problem.message);
  process.exitCode = 1;
}
