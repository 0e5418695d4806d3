// SPDX-License-Identifier: GPL-2.0-only
// What a person does by hand to get an image on a board: the board's own steps, with the image's file in them.

import type { Board, HandWay } from "../board/board.js";
import { unverifiedOf } from "../board/unverified.js";
import { wrap } from "../page.js";
import { Refusal } from "../refusal.js";
import { unverifiedText } from "./plan.js";

function handWays(board: Board): HandWay[] {
  return board.ways.filter((way) => way.way === "by-hand");
}

function imageName(board: Board, way: HandWay, image: string | undefined): string {
  return image ?? `openwrt-*${board.openwrt.profile}${board.images[way.image]?.fileNameEnd ?? ""}`;
}

/** @throws Refusal for a board that needs none */
export function recoveryText(board: Board, image: string | undefined): string {
  const ways = handWays(board);
  if (ways.length === 0) {
    throw new Refusal(`${board.title} needs no recovery: give ./flash.sh ${board.name} again, and it is made anew.`);
  }
  const texts = ways.map((way) => {
    const steps = way.steps.map((step, index) => {
      const text = wrap(step.replaceAll("{image}", imageName(board, way, image)), "    ");
      return `${String(index + 1).padStart(2)}.${text.slice(3)}`;
    });
    return `${wrap(`${board.title}, by hand: ${way.when}.`)}\n${steps.join("\n")}`;
  });
  return [...texts, unverifiedText(unverifiedOf(board, "by-hand")).join("\n")]
    .filter((text) => text !== "")
    .join("\n\n");
}
