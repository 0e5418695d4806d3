// SPDX-License-Identifier: GPL-2.0-only
// A router outside of the guest: how the guest is plugged into it, and the orders that the guest gives about it.
//
// An order is a line on the guest's console. Its answer is a file in the folder that both see: a console takes lines of
// 4 kB at most, and a table may be longer.

import fs from "node:fs";
import path from "node:path";

/** What the guest asks for, as test/lab/guest/host-order.ts writes it. */
export interface GuestOrder {
  readonly order: string;
  /** A name in the folder for answers. */
  readonly answerFile: string;
  /** Of "configure": keys of vpnmasq's configuration. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Of "ask": words of vpnmasq's command line. */
  readonly command?: string;
}

export interface OutsideRouter {
  /** The network namespace that the cables are in, as `ip netns` knows it. */
  readonly namespace: string;
  /** The tap interfaces in it that are the guest's ends of the cables. */
  readonly lanTap: string;
  readonly wanTap: string;
  /** Carries an order out. @returns what came of it @throws when it could not be done */
  readonly obey: (order: GuestOrder) => Promise<string>;
}

/** Of the locally administered ones (IEEE 802). To the board, each guest's next hop is to be the one that it knows. */
const HARDWARE_ADDRESSES = ["52:54:00:76:6d:11", "52:54:00:76:6d:12"];

/** The guest's network interfaces, on its kernel's command line: frames go through the taps as they are. */
export function cableWords({ lanTap, wanTap }: OutsideRouter): string[] {
  return [lanTap, wanTap].map(
    (tap, index) => `vec${index}:transport=tap,ifname=${tap},mac=${HARDWARE_ADDRESSES[index]}`,
  );
}

/** Has an order carried out, and leaves the answer. */
export async function answerOrder(router: OutsideRouter, line: string, folder: string): Promise<void> {
  const order = JSON.parse(line) as GuestOrder;
  const answer = await router.obey(order).then(
    (text) => ({ ok: true, text }),
    (problem: unknown) => ({ ok: false, text: String(problem) }),
  );
  const file = path.join(folder, order.answerFile);
  fs.writeFileSync(`${file}.partial`, JSON.stringify(answer));
  fs.renameSync(`${file}.partial`, file); // the guest takes what it finds for whole
}
