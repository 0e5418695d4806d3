// SPDX-License-Identifier: GPL-2.0-only
// What ./flash.sh does: the board, its image checked, the plan, and its steps.

import { spawnSync } from "node:child_process";
import type { Board, DiskWay, LoaderWay, SysupgradeWay } from "../board/board.js";
import { allBoards, readBoard } from "../board/catalogue.js";
import { ConsoleLink } from "../console/link.js";
import { openPlace, placeOf } from "../console/port.js";
import type { Pages } from "../console/command.js";
import type { Figure, ResultDocument } from "../document.js";
import { wrapLines } from "../page.js";
import { Refusal } from "../refusal.js";
import { diskPlan } from "./disk-plan.js";
import { EMULATED_BOARD } from "../emulator/disk.js";
import { flashEmulated } from "./emulated.js";
import { emulatedPlanDocument, emulatedPlanText } from "./emulated-plan.js";
import { ESPRUINO, flashSupervisor } from "./espruino.js";
import { imageProblem } from "./image-fit.js";
import { buildImage, imageAdvice } from "./image-builder.js";
import { readImage } from "./image.js";
import { loaderPlan } from "./loader-plan.js";
import { rememberPasswords } from "./password.js";
import { type Plan, planDocument, planHead, planText } from "./plan.js";
import { recoveryText } from "./recovery.js";
import { chosenWay, type FlashWords, flashWords, sshPlace, USAGE } from "./request.js";
import { runPlan, type StepTime } from "./run-plan.js";
import { sysupgradePlan } from "./sysupgrade-plan.js";

type ImageWay = SysupgradeWay | LoaderWay | DiskWay;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const JSON_INDENT = 2;
/** `npm run board`: the checks have a board of their own. */
const BOARD_CHECKS = "build/host/test/board/host/board.js";

function json(document: unknown): string {
  return `${JSON.stringify(document, undefined, JSON_INDENT)}\n`;
}

function listText(): string {
  const lines = allBoards().map(({ name, title, ways }) => {
    const names = [...new Set(ways.map(({ way }) => way))].join(", ");
    return `${name.padEnd(15)}${title}\n${" ".repeat(15)}${names}`;
  });
  return `${lines.join("\n")}\n`;
}

/** The image's file, as it is given or made. */
async function imageFile(board: Board, way: ImageWay, { values }: FlashWords, pages: Pages): Promise<string> {
  const folder = values["image-builder"];
  if (values.image !== undefined && folder !== undefined) {
    throw new Refusal("Either --image or --image-builder, not both. Nothing was done.");
  }
  if (values.image !== undefined) return values.image;
  if (folder === undefined) throw new Refusal(imageAdvice(board));
  const options = { folder, packageFile: values.package, files: values.files };
  return await buildImage(board, way.image, options, (text) => {
    pages.err(`${text}\n`);
  });
}

function requiredDevice({ values }: FlashWords): string {
  if (values.device === undefined) {
    throw new Refusal("Which disk is to be written? --device /dev/sdX (lsblk lists them). Nothing was done.");
  }
  return values.device;
}

async function planOf(board: Board, way: ImageWay, words: FlashWords, pages: Pages): Promise<Plan> {
  const device = way.way === "disk" ? requiredDevice(words) : "";
  const image = readImage(await imageFile(board, way, words, pages));
  const problem = imageProblem(image, board, way.image, words.flags.has("unchecked-image"));
  if (problem !== undefined)
    throw new Refusal(`${image.path} is not right for ${board.name}.\n${problem}\nNothing was done.`);
  if (way.way === "disk") return diskPlan(board, image, device, words.flags.has("yes"));
  if (way.way === "u-boot") return loaderPlan(board, way, image);
  const place = sshPlace(words.values.to ?? way.address);
  return sysupgradePlan(board, image, { ...place, isDroppingConfiguration: words.flags.has("drop-configuration") });
}

function resultOf(board: Board, times: readonly StepTime[]): ResultDocument {
  const total = times.reduce((sum, { seconds }) => sum + seconds, 0);
  const figures: Record<string, Figure> = { duration: { value: total, unit: "s" } };
  return {
    name: `flash ${board.name}`,
    ok: true,
    figures,
    notes: times.map(({ does, seconds }) => `${does}: ${seconds.toFixed(1)} s`),
  };
}

/** Opens what the plan needs, and carries it out; a signal ends the step that is under way. */
async function carryOut(board: Board, plan: Plan, words: FlashWords, pages: Pages): Promise<StepTime[]> {
  const { port } = words.values;
  const link = port === undefined ? undefined : new ConsoleLink(await openPlace(placeOf(port), board.console.baud));
  const ending = new AbortController();
  const end = (): void => {
    ending.abort();
    link?.close();
  };
  for (const signal of SIGNALS) process.once(signal, end);
  const forgetPasswords = await rememberPasswords();
  const say = (text: string): void => {
    pages.err(`${text}\n`);
  };
  try {
    return await runPlan(plan, { say, signal: ending.signal, ...(link === undefined ? {} : { link }) });
  } finally {
    for (const signal of SIGNALS) process.off(signal, end);
    forgetPasswords();
    link?.close();
  }
}

async function flashWithImage(board: Board, way: ImageWay, words: FlashWords, pages: Pages): Promise<void> {
  if (way.way === "u-boot" && words.values.port === undefined && !words.flags.has("dry-run")) {
    throw new Refusal("This way needs the board's console: --port PLACE, such as /dev/ttyUSB0. Nothing was done.");
  }
  const plan = await planOf(board, way, words, pages);
  const isJson = words.flags.has("json");
  if (words.flags.has("dry-run")) {
    pages.out(isJson ? json(planDocument(plan)) : `${planText(plan)}\n`);
    return;
  }
  pages.err(`${planHead(plan).join("\n")}\n`);
  const times = await carryOut(board, plan, words, pages);
  if (isJson) pages.out(json(resultOf(board, times)));
  else pages.out(`${board.title} is flashed. Its console: npm run console -- ${board.name}\n`);
}

/** An emulated board needs no image by name: it is built. */
async function flashOrCheckEmulated(board: Board, { flags }: FlashWords, pages: Pages): Promise<void> {
  if (board.name !== EMULATED_BOARD) throw new Refusal(`${board.title} cannot be flashed yet; ${EMULATED_BOARD} can.`);
  const say = (text: string): void => {
    pages.err(`${text}\n`);
  };
  if (flags.has("dry-run")) {
    if (flags.has("check")) throw new Refusal("Either --check or --dry-run, not both. Nothing was done.");
    pages.out(flags.has("json") ? json(emulatedPlanDocument(board.title)) : `${emulatedPlanText(board.title)}\n`);
    return;
  }
  if (!flags.has("check")) {
    await flashEmulated({ say });
    return;
  }
  const words = flags.has("json") ? ["--json"] : [];
  const { status } = spawnSync(process.execPath, [BOARD_CHECKS, ...words], { stdio: "inherit" });
  if (status !== 0) throw new Refusal("The board's checks did not pass; what went wrong stands above.");
}

async function flash(words: FlashWords, pages: Pages): Promise<void> {
  const [name, ...others] = words.names;
  if (name === undefined || others.length > 0) {
    throw new Refusal(
      `One board is to be named, here are ${String(words.names.length)}.\n./flash.sh --help; ./flash.sh --list`,
    );
  }
  if (name === ESPRUINO) {
    if (words.flags.has("dry-run")) {
      throw new Refusal("--dry-run is for boards; docs/supervisor.md tells how this one is flashed. Nothing was done.");
    }
    await flashSupervisor(words.values.port, words.values.wiring, (line) => {
      pages.err(`${line}\n`);
    });
    return;
  }
  const board = readBoard(name);
  if (words.flags.has("recover")) {
    pages.out(`${recoveryText(board, words.values.image)}\n`);
    return;
  }
  const way = chosenWay(board, words);
  if (way === undefined) pages.out(`${recoveryText(board, words.values.image)}\n`);
  else if (way.way === "emulated") await flashOrCheckEmulated(board, words, pages);
  else await flashWithImage(board, way, words, pages);
}

/** @returns the exit status */
export async function flashCommand(argv: readonly string[], pages: Pages): Promise<number> {
  try {
    const words = flashWords(argv);
    if (words.flags.has("help") || argv.length === 0) pages.out(`${USAGE}\n`);
    else if (words.flags.has("list")) pages.out(words.flags.has("json") ? json(allBoards()) : listText());
    else await flash(words, pages);
    return argv.length === 0 ? 1 : 0;
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    pages.err(`${wrapLines(problem.message)}\n`);
    return 1;
  }
}
