// SPDX-License-Identifier: GPL-2.0-only
// Which part of a long list a request asks for: no reply is longer than a reader expects.

import type { Request } from "./request-line";

export interface Page {
  /** Items left out first. */
  readonly offset: number;
  readonly limit: number;
}

export interface PageBounds {
  /** Items, when the request does not say. */
  readonly standard: number;
  readonly most: number;
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return type(value) === "number" && Math.floor(value as number) === value && value >= least && value <= most;
}

/** The page asked for, or what is wrong with it. */
export function readPage(request: Request, bounds: PageBounds): Page | string {
  const offset = request.offset ?? 0;
  const limit = request.limit ?? bounds.standard;
  if (!isWhole(offset, 0, 1e9)) return "offset: use a whole number from 0";
  if (!isWhole(limit, 1, bounds.most)) return `limit: use a whole number from 1 to ${bounds.most}`;
  return { offset, limit };
}
