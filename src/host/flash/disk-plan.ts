// SPDX-License-Identifier: GPL-2.0-only
// A whole disk of this machine is written: a USB stick, or the disk of a machine that is started from another.

import type { Board } from "../board/board.js";
import { unverifiedOf } from "../board/unverified.js";
import type { Image } from "./image.js";
import { type Answer, endedWell, type Judge, type Plan, type Step } from "./plan.js";

const LOOK_SECONDS = 10;
const ANSWER_SECONDS = 600;
/** 1 GB at 2 MB/s, what slow USB sticks write. */
const WRITE_SECONDS = 900;

const SAME = "Nothing was written.";

interface BlockDevice {
  readonly path: string;
  readonly type: string;
  readonly size: number;
  readonly ro: boolean;
  readonly model: string | null;
  readonly mountpoints: readonly (string | null)[];
  readonly children?: readonly BlockDevice[];
}

function devicesOf({ output }: Answer): readonly BlockDevice[] {
  try {
    return (JSON.parse(output) as { blockdevices: readonly BlockDevice[] }).blockdevices;
  } catch {
    return [];
  }
}

/** Where the device or something on it is in use. */
function uses(device: BlockDevice): string[] {
  const here = device.mountpoints.filter((place) => place !== null).map((place) => `${device.path} at ${place}`);
  return [...here, ...(device.children ?? []).flatMap(uses)];
}

/** Judges what lsblk says of the device. */
export function diskJudge(image: Image): Judge {
  return (answer) => {
    const [device] = devicesOf(answer);
    if (device === undefined) return "it is no block device. lsblk lists those of this machine";
    if (device.type !== "disk" && device.type !== "loop") {
      return `${device.path} is a ${device.type}, not a whole disk`;
    }
    const inUse = uses(device);
    if (inUse.length > 0) return `it is in use: ${inUse.join(", ")}. Unmount it first`;
    if (device.ro) return "it is write-protected";
    const needed = image.unpackedBytes ?? image.bytes;
    return device.size >= needed ? undefined : `it has ${String(device.size)} bytes, the image ${String(needed)}`;
  };
}

/**
 * The plan to write a disk.
 *
 * @param isAgreed whether the person said --yes, and is not asked
 */
export function diskPlan(board: Board, image: Image, device: string, isAgreed: boolean): Plan {
  const bytes = image.unpackedBytes ?? image.bytes;
  const input = { file: image.path, isPacked: image.unpackedBytes !== undefined, bytes };
  const columns = "PATH,TYPE,SIZE,RO,MODEL,MOUNTPOINTS";
  const again = `${device} holds part of the image and starts nothing. Give the same command again.`;
  const look: Step = {
    does: `Looks at ${device}`,
    task: { kind: "program", words: ["lsblk", "--json", "--bytes", "--output", columns, device] },
    limitSeconds: LOOK_SECONDS,
    judge: diskJudge(image),
    worked: `it is a whole disk, unused, of at least ${String(bytes)} bytes`,
    otherwise: SAME,
  };
  const question: Step = {
    does: "Asks whether that is meant",
    task: { kind: "question", text: `All that is on ${device} will be lost. Type "yes" to go on:`, word: "yes" },
    limitSeconds: ANSWER_SECONDS,
    judge: endedWell,
    worked: "the answer is yes",
    otherwise: SAME,
  };
  const steps: Step[] = [
    {
      does: `Writes the image to ${device}`,
      task: {
        kind: "program",
        words: ["dd", `of=${device}`, "bs=4M", "iflag=fullblock", "conv=fsync", "status=none"],
        input,
      },
      limitSeconds: WRITE_SECONDS,
      judge: endedWell,
      worked: "dd ends well, after the disk has said that it has all",
      otherwise: again,
      writes: true,
    },
    {
      does: "Forgets what this machine remembers of the disk",
      task: { kind: "program", words: ["blockdev", "--flushbufs", device] },
      limitSeconds: LOOK_SECONDS,
      judge: endedWell,
      worked: "what is read next comes from the disk",
      otherwise: again,
    },
    {
      does: "Compares the disk with the image",
      task: { kind: "program", words: ["cmp", `--bytes=${String(bytes)}`, device, "-"], input },
      limitSeconds: WRITE_SECONDS,
      judge: endedWell,
      worked: "there is no difference",
      otherwise: `${again} If it happens again, the disk is broken.`,
    },
  ];
  return {
    board: board.title,
    way: `disk ${device}`,
    loses: `All that is on ${device} is lost.`,
    unverified: unverifiedOf(board, "disk"),
    services: [],
    steps: [look, ...(isAgreed ? [] : [question]), ...steps],
  };
}
