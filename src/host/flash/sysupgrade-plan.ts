// SPDX-License-Identifier: GPL-2.0-only
// OpenWrt runs on the board: the image is copied to its memory, compared, tested by the board itself, then installed.
//
// The copy in /tmp is also the sign that the board has restarted: /tmp is memory, so the restart takes it away.

import type { Board } from "../board/board.js";
import { unverifiedOf } from "../board/unverified.js";
import type { Image } from "./image.js";
import { type Answer, endedWell, type Judge, type Plan, type Step } from "./plan.js";

export interface SysupgradeOptions {
  readonly address: string;
  /** Of the board's ssh server. */
  readonly port: number;
  readonly isDroppingConfiguration: boolean;
}

const COPY = "/tmp/vpnmasq-flash.img";

/** A board that is switched off answers nothing; one that is busy answers late. */
const CONNECT_SECONDS = 10;
const LOOK_SECONDS = 30;
/** The first step's: a person may have to look for the password. */
const LOGIN_SECONDS = 180;
/** 30 MB over the slowest Ethernet that boards have, 10 Mbit/s, take half a minute; Dropbear's cipher longer. */
const COPY_SECONDS = 600;
const TEST_SECONDS = 60;
/** Erasing and writing 16 MB of NOR takes 2 minutes; the restart, with the first start's set-up, another 2. */
const INSTALL_SECONDS = 300;
const RETURN_SECONDS = 420;
const RETRY_SECONDS = 3;

/** ssh's own status, when it did not come to the command. */
const SSH_FAILED = 255;
const NOT_LET_IN =
  "the board does not let root in. Give it your key (ssh-copy-id root@ADDRESS), or a root without a password";

const OTHER_KEY =
  "the board there has another host key than the one that was known. If it was reset, forget the old: " +
  "ssh-keygen -R ADDRESS. If not, it is another machine";

/**
 * All steps of this process use the connection of its first; after the board's restart there is a new one, with the password
 * that is remembered (password.ts). It ends by itself when nothing has used it for so many seconds. ssh makes ~/.ssh before
 * it connects.
 */
const ONE_CONNECTION = ["ControlMaster=auto", `ControlPath=~/.ssh/vpnmasq-${process.pid}-%C`, "ControlPersist=30"];

const SAME = "Nothing was written: the board is as it was.";
const RESUME = "Give the same command again; a copy that is whole is used.";

interface Shell {
  /** The words of a command on the board. */
  readonly on: (line: string) => string[];
}

/**
 * @param isKnown whether the board's host key is to be the one that this machine knows. After an installation that
 *   drops the configuration it is a new one.
 */
function shell({ address, port }: SysupgradeOptions, isKnown: boolean): Shell {
  const keys = isKnown
    ? ["-o", "StrictHostKeyChecking=accept-new"]
    : ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
  // Without its warnings (a key that is new): they would stand before what the board says.
  const limits = [
    "-o",
    "LogLevel=ERROR",
    "-o",
    `ConnectTimeout=${String(CONNECT_SECONDS)}`,
    "-o",
    "ServerAliveInterval=5",
  ];
  const sharing = ONE_CONNECTION.flatMap((option) => ["-o", option]);
  return { on: (line) => ["ssh", ...keys, ...limits, ...sharing, "-p", String(port), `root@${address}`, line] };
}

/** What the running system says of itself. */
const LOOK = "cat /tmp/sysinfo/board_name /etc/openwrt_release; df -k /tmp | tail -n 1";

function freeKibibytes(output: string): number {
  const line = output.trim().split("\n").at(-1) ?? "";
  return Number(line.split(/\s+/)[3]);
}

function connectionProblem(output: string): string {
  if (/Permission denied/.test(output)) return NOT_LET_IN;
  if (/Host key verification failed/.test(output)) return OTHER_KEY;
  return `the board cannot be reached by ssh: ${output.trim()}`;
}

function lookJudge(board: Board, image: Image): Judge {
  return (answer) => {
    if (answer.status === SSH_FAILED) return connectionProblem(answer.output);
    // Before it ssh may have said that a password was wrong.
    const lines = answer.output.split("\n").filter((line) => !/^Permission denied/.test(line));
    const name = lines[0]?.trim() ?? "";
    if (!board.openwrt.supportedDevices.includes(name)) {
      const wanted = board.openwrt.supportedDevices.join(" or ");
      return `the board there says that it is "${name}", and ${board.title} says ${wanted}`;
    }
    const free = freeKibibytes(answer.output) * 1024;
    if (free >= image.bytes) return undefined;
    return `/tmp there has ${String(free)} bytes free, the image ${String(image.bytes)}. Stop what uses memory, or restart it`;
  };
}

function checksumJudge(image: Image): Judge {
  return ({ output }) =>
    output.includes(image.sha256)
      ? undefined
      : `the copy's SHA-256 is not ${image.sha256.slice(0, 16)}...: it was damaged`;
}

/** sysupgrade ends the connection itself, so its status says nothing. */
function installJudge({ output, status }: Answer): string | undefined {
  if (/Commencing upgrade|Closing all shell sessions/i.test(output)) return undefined;
  return `sysupgrade did not begin (status ${String(status)}): ${output.trim().split("\n").slice(-3).join(" / ")}`;
}

/** The version that the installed system must say it is; empty when the image does not tell. */
function revisionOf({ metadata }: Image): string {
  return metadata?.revision ?? "";
}

function confirmJudge(image: Image): Judge {
  const revision = revisionOf(image);
  return (answer) => {
    const bad = endedWell(answer);
    if (bad !== undefined) return bad;
    if (revision === "" || answer.output.includes(revision)) return undefined;
    return `the board runs another version than the image's (${revision}): it fell back, or did not install`;
  };
}

function copySteps(image: Image, { on }: Shell): Step[] {
  const remove = on(`rm -f ${COPY}`);
  return [
    {
      does: "Copies the image to the board's memory",
      task: {
        kind: "program",
        words: on(`cat > ${COPY}`),
        input: { file: image.path, isPacked: false, bytes: image.bytes },
      },
      already: { words: on(`sha256sum ${COPY}`), judge: checksumJudge(image) },
      limitSeconds: COPY_SECONDS,
      judge: endedWell,
      worked: "ssh ends well",
      otherwise: `${SAME} ${RESUME}`,
      undo: remove,
    },
    {
      does: "Compares the copy with the image",
      task: { kind: "program", words: on(`sha256sum ${COPY}`) },
      limitSeconds: LOOK_SECONDS,
      judge: checksumJudge(image),
      worked: "the SHA-256 there and here are the same",
      otherwise: `${SAME} ${RESUME}`,
    },
  ];
}

function installSteps(board: Board, image: Image, options: SysupgradeOptions): Step[] {
  const { on } = shell(options, true);
  const after = shell(options, !options.isDroppingConfiguration);
  const drop = options.isDroppingConfiguration ? " -n" : "";
  return [
    {
      does: "Has the board test the image",
      task: { kind: "program", words: on(`sysupgrade -T${drop} ${COPY}`) },
      limitSeconds: TEST_SECONDS,
      judge: endedWell,
      worked: "sysupgrade -T ends well: the image is for this board, and the configuration fits it",
      otherwise: SAME,
    },
    {
      does: options.isDroppingConfiguration
        ? "Installs, dropping the configuration"
        : "Installs, keeping the configuration",
      task: { kind: "program", words: on(`sysupgrade${drop} ${COPY}`) },
      limitSeconds: INSTALL_SECONDS,
      judge: installJudge,
      worked: "sysupgrade says that it begins; it then closes the connection",
      otherwise: "The board may be writing: leave the power on for 5 minutes, then see whether it answers.",
      writes: true,
    },
    {
      does: "Waits for the board to restart",
      task: { kind: "program", words: after.on(`test ! -e ${COPY}`) },
      limitSeconds: RETURN_SECONDS,
      retrySeconds: RETRY_SECONDS,
      judge: endedWell,
      worked: "it answers by ssh, and the copy in its memory is gone",
      otherwise: `If the board answers at another address, that is its new configuration. If it stays silent: ./flash.sh ${board.name} --recover`,
    },
    {
      does: "Asks the board for its version",
      task: { kind: "program", words: after.on("cat /etc/openwrt_release") },
      limitSeconds: LOOK_SECONDS,
      judge: confirmJudge(image),
      worked: revisionOf(image) === "" ? "it answers" : `it is ${revisionOf(image)}, as the image's`,
      otherwise: "The board runs, but not what was to be installed. Look at its log: logread.",
    },
  ];
}

/** The plan to install an image on a board that runs OpenWrt. */
export function sysupgradePlan(board: Board, image: Image, options: SysupgradeOptions): Plan {
  const before = shell(options, true);
  const look: Step = {
    does: "Asks the board what it is",
    task: { kind: "program", words: before.on(LOOK) },
    limitSeconds: LOGIN_SECONDS,
    judge: lookJudge(board, image),
    worked: `it is ${board.openwrt.supportedDevices.join(" or ")}, and has memory for the image`,
    otherwise: `${SAME} Another address is given with --to ADDRESS.`,
  };
  return {
    board: board.title,
    way: `sysupgrade by ssh at ${options.address}`,
    loses: options.isDroppingConfiguration
      ? "The configuration is lost."
      : "The configuration is kept. Packages that were installed by hand are not.",
    unverified: unverifiedOf(board, "sysupgrade"),
    services: [],
    steps: [look, ...copySteps(image, before), ...installSteps(board, image, options)],
  };
}
