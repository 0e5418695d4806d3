// SPDX-License-Identifier: GPL-2.0-only
// The way to a dead state, a line a step, with what the table decided.

import type { DeadState } from "./exploration";
import { Kind, type Rules, type Step, World } from "./world";

const NAMES = ["Alice", "Bob", "Carol"];
const PLAIN: Partial<Record<Kind, string>> = {
  [Kind.Wait]: "Tout passes",
  [Kind.Silence]: "all is silent for longer than Tei",
  [Kind.Restart]: "the router restarts with its snapshot",
  [Kind.Crash]: "the router restarts without memory",
};

function stepText(world: World, { kind, client, epoch }: Step): string {
  const name = NAMES[client];
  const newest = world.clients[client].epochs.length;
  if (kind === Kind.Negotiate) return `${name} and the server negotiate epoch ${newest + 1}`;
  if (kind === Kind.Send) return `${name} sends on epoch ${newest}`;
  if (kind === Kind.Answer) return `the server answers ${name}'s epoch ${epoch + 1}`;
  if (kind === Kind.Lose) return `the answer to ${name}'s epoch ${epoch + 1} is lost`;
  if (kind === Kind.Push) return `the server sends on ${name}'s epoch ${newest}`;
  return PLAIN[kind] ?? "";
}

export function storyOf(rules: Rules, { choices, client, cause }: DeadState): string[] {
  const world = new World(rules);
  const lines: string[] = [];
  for (const choice of choices) {
    const step = world.possible()[choice];
    const text = stepText(world, step);
    world.take(step);
    const isPacket = step.kind === Kind.Send || step.kind === Kind.Answer || step.kind === Kind.Push;
    lines.push(isPacket ? `${text}: ${world.router.verdict.reason}` : text);
  }
  lines.push(`${NAMES[client]} is dead (${cause})`);
  return lines;
}
