// SPDX-License-Identifier: GPL-2.0-only
// Many sites, one seed after the other, until so many epochs have passed or a promise is broken.

import { drawScenario, type Profile } from "./profiles";
import type { NatKind, Scenario } from "./plan";
import type { Violation } from "./promises";
import { Site } from "./site";

/** The state is audited after so many events: a whole audit costs as much as fifty of them. */
const AUDIT_EVERY = 500;

export interface Broken {
  readonly scenario: Scenario;
  readonly violation: Violation;
}

/** What a campaign adds up. */
export interface Totals {
  sites: number;
  epochs: number;
  events: number;
  /** ESP packets from servers that reached their owner; copies that went to others; packets that went to others alone. */
  toOwner: number;
  copies: number;
  toOthers: number;
  broken: Broken | undefined;
  /** The seed after the last one. */
  nextSeed: number;
}

export interface CampaignOptions {
  readonly profileName: string;
  readonly profile: Profile;
  readonly nat: NatKind;
  readonly seed: number;
  /** Between two seeds: processes that share a campaign take turns. */
  readonly stride: number;
  readonly epochs: number;
}

/** @param progress told of the epochs, after each site */
export function runCampaign(options: CampaignOptions, progress: (this: void, epochs: number) => void): Totals {
  const { profileName, profile, nat, stride, epochs } = options;
  const none = { sites: 0, epochs: 0, events: 0, toOwner: 0, copies: 0, toOthers: 0 };
  const totals: Totals = { ...none, broken: undefined, nextSeed: options.seed };
  while (totals.epochs < epochs && totals.broken === undefined) {
    const scenario = drawScenario(profileName, profile, totals.nextSeed, nat);
    const site = new Site(scenario, AUDIT_EVERY, undefined);
    const outcome = site.run();
    totals.sites += 1;
    totals.epochs += outcome.epochs;
    totals.events += outcome.events;
    totals.toOwner += site.promises.toOwner;
    totals.copies += site.promises.copies;
    totals.toOthers += site.promises.toOthers;
    totals.nextSeed += stride;
    if (outcome.violation !== undefined) totals.broken = { scenario, violation: outcome.violation };
    progress(totals.epochs);
  }
  return totals;
}
