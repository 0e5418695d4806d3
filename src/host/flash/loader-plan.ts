// SPDX-License-Identifier: GPL-2.0-only
// The board's boot loader writes the image, driven over the serial console: load by tftp, check, write, read back, check.

import path from "node:path";
import type { Board, LoaderCommand, LoaderWay } from "../board/board.js";
import { unverifiedOf } from "../board/unverified.js";
import type { Image } from "./image.js";
import { endedWell, type Judge, type Plan, type Service, type Step } from "./plan.js";

const BLOCK_BYTES = 512;

/** For a person to switch the board off and on. */
const STOP_SECONDS = 120;
const COMMAND_SECONDS = 10;
/** tftp brings 1 MB/s where each block of 1468 bytes waits for its answer for a millisecond. */
const LOAD_SECONDS = 180;
const CHECKSUM_SECONDS = 60;
/** The first start after flashing makes the overlay. */
const START_SECONDS = 300;

const SAME = "Nothing was written: the board is as it was. Switch it off and on, or give the same command again.";

/** What boot loaders say when a command failed; U-Boot's commands have no status that one could see. */
const COMPLAINT = /Unknown command|^Usage:|\berror\b|\bfail(ed|ure)\b|\bcannot\b|not found|Retry count exceeded/i;

function complaint(output: string): string | undefined {
  const line = output.split("\n").find((candidate) => COMPLAINT.test(candidate));
  return line === undefined ? undefined : `the boot loader says: ${line.trim()}`;
}

function commandJudge(expect: string | undefined): Judge {
  return ({ output }) => {
    const problem = complaint(output);
    if (problem !== undefined) return problem;
    if (expect === undefined || new RegExp(expect).test(output)) return undefined;
    return `the boot loader did not say /${expect}/, but: ${output.trim().split("\n").slice(-2).join(" / ")}`;
  };
}

function loadedJudge(image: Image): Judge {
  return ({ output }) => {
    const bytes = /Bytes transferred = (\d+)/.exec(output)?.[1];
    if (bytes === undefined) return complaint(output) ?? "the boot loader loaded nothing";
    return Number(bytes) === image.bytes ? undefined : `it loaded ${bytes} bytes of ${String(image.bytes)}`;
  };
}

function checksumJudge(image: Image): Judge {
  return ({ output }) => {
    const found = /==> ([0-9a-f]{8})/i.exec(output)?.[1]?.toLowerCase();
    if (found === undefined) return complaint(output) ?? "the boot loader printed no CRC-32";
    return found === image.crc32 ? undefined : `the CRC-32 is ${found}, the image's ${image.crc32}`;
  };
}

function filled(line: string, way: LoaderWay, image: Image): string {
  const values: Readonly<Record<string, string>> = {
    "{load}": way.loadAddress,
    "{back}": way.readBackAddress,
    "{size}": `0x${image.bytes.toString(16)}`,
    "{blocks}": `0x${Math.ceil(image.bytes / BLOCK_BYTES).toString(16)}`,
  };
  return line.replace(/\{[a-z]+\}/g, (name) => values[name] ?? name);
}

/** The tftp server: dnsmasq without anything else, in the foreground, on one address. */
function tftpService(way: LoaderWay, folder: string): Service {
  const words = ["dnsmasq", "--keep-in-foreground", "--port=0", "--conf-file=/dev/null", "--bind-interfaces"];
  const server = [`--listen-address=${way.serverAddress}`, "--enable-tftp", `--tftp-root=${folder}`, "--user=root"];
  return { does: "a tftp server offers the image", words: [...words, ...server] };
}

function addressStep({ serverAddress }: LoaderWay): Step {
  return {
    does: "Looks for this machine's address on the cable to the board",
    task: { kind: "program", words: ["ip", "-oneline", "address", "show", "to", `${serverAddress}/32`] },
    limitSeconds: COMMAND_SECONDS,
    judge: (answer) => {
      if (answer.output.trim() !== "") return endedWell(answer);
      return `no interface has ${serverAddress}. Give it to the cable's: ip address add ${serverAddress}/24 dev INTERFACE`;
    },
    worked: `an interface has ${serverAddress}`,
    otherwise: SAME,
  };
}

/** Loads the image into the board's memory and checks it there. */
function loadSteps(way: LoaderWay, image: Image, loader: (line: string) => Step["task"]): Step[] {
  const load = `tftpboot ${way.loadAddress} ${path.basename(image.path)}`;
  const size = `0x${image.bytes.toString(16)}`;
  const set = (name: string, address: string): Step => ({
    does: `Sets the boot loader's ${name}`,
    task: loader(`setenv ${name} ${address}`),
    limitSeconds: COMMAND_SECONDS,
    judge: commandJudge(undefined),
    worked: "the boot loader does not complain; the setting is not saved",
    otherwise: SAME,
  });
  return [
    set("ipaddr", way.boardAddress),
    set("serverip", way.serverAddress),
    {
      does: "Loads the image into the board's memory",
      task: loader(load),
      limitSeconds: LOAD_SECONDS,
      judge: loadedJudge(image),
      worked: `the boot loader says that ${String(image.bytes)} bytes came`,
      otherwise: `${SAME} Is the cable in the right port?`,
    },
    {
      does: "Checks the image in the board's memory",
      task: loader(`crc32 ${way.loadAddress} ${size}`),
      limitSeconds: CHECKSUM_SECONDS,
      judge: checksumJudge(image),
      worked: `the CRC-32 is ${image.crc32}, as the file's`,
      otherwise: SAME,
    },
  ];
}

/** Writes what was checked, and checks what was written. */
function writeSteps(way: LoaderWay, image: Image, loader: (line: string) => Step["task"]): Step[] {
  const otherwise =
    "The board stays at its boot loader's prompt, with the whole image in memory. Leave it on and give the same command again.";
  const commandStep = ({ line, expect, limitSeconds }: LoaderCommand, does: string, writes: boolean): Step => ({
    does,
    task: loader(filled(line, way, image)),
    limitSeconds,
    judge: commandJudge(expect),
    worked: expect === undefined ? "the boot loader does not complain" : `the boot loader says /${expect}/`,
    otherwise,
    writes,
  });
  return [
    ...way.write.map((command) => commandStep(command, "Writes the image", true)),
    ...way.readBack.map((command) => commandStep(command, "Reads back what was written", false)),
    {
      does: "Checks what was written",
      task: loader(`crc32 ${way.readBackAddress} 0x${image.bytes.toString(16)}`),
      limitSeconds: CHECKSUM_SECONDS,
      judge: checksumJudge(image),
      worked: `the CRC-32 is ${image.crc32}, as the file's`,
      otherwise,
    },
  ];
}

/** The plan to have the board's boot loader write an image. */
export function loaderPlan(board: Board, way: LoaderWay, image: Image): Plan {
  const { when, send } = way.interrupt;
  const loader = (line: string): Step["task"] => ({ kind: "loader", line, prompt: way.prompt });
  const stop: Step = {
    does: "Stops the boot loader: switch the board off and on now",
    task: { kind: "stop-loader", when, send, prompt: way.prompt },
    limitSeconds: STOP_SECONDS,
    judge: endedWell,
    worked: `its prompt comes, /${way.prompt}/`,
    otherwise: `${SAME} Is it the right console, and are RX and TX crossed?`,
  };
  const start: Step = {
    does: "Starts the new system",
    task: { kind: "loader", line: "reset", prompt: "Please press Enter|login: $|[#$] $" },
    limitSeconds: START_SECONDS,
    judge: endedWell,
    worked: "its shell answers on the console",
    otherwise: `What was written is whole, but does not start. Its messages are above; ./flash.sh ${board.name} --recover`,
  };
  const confirm: Step = {
    does: "Asks the board for its version",
    task: { kind: "shell", line: "cat /etc/openwrt_release" },
    limitSeconds: COMMAND_SECONDS,
    judge: endedWell,
    worked: "it answers",
    otherwise: "The board has started, but not as OpenWrt does. Look at it: npm run console.",
  };
  return {
    board: board.title,
    way: `U-Boot over the serial console${way.needs === undefined ? "" : `; it needs ${way.needs}`}`,
    loses: way.loses,
    unverified: unverifiedOf(board, "u-boot"),
    services: [tftpService(way, path.resolve(path.dirname(image.path)))],
    steps: [
      addressStep(way),
      stop,
      ...loadSteps(way, image, loader),
      ...writeSteps(way, image, loader),
      start,
      confirm,
    ],
  };
}
