// SPDX-License-Identifier: GPL-2.0-only
// The kernel's rules over the router's life: put in place, kept in step with its territory, and what became of it.

import { fail, type Outcome, succeed } from "../system/outcome";
import { randomWord } from "../system/random";
import { KernelGuard } from "./kernel-guard";
import { kernelRules } from "./kernel-rules";
import type { Territory } from "./territory";

export class KeptRules {
  /** One line for people. */
  state = "not in place yet";
  /** Whether the kernel leaves our packets alone, by our rules or by somebody else's, who said so. */
  areSettled: boolean;
  private guard: KernelGuard | undefined;

  /** @param by who makes the rules: we, with nftables, or somebody else */
  constructor(
    private readonly by: "nftables" | "none",
    private readonly scope: Territory["scope"],
  ) {
    this.areSettled = by === "none";
    if (by === "none") this.state = "left to somebody else (kernel_rules is none)";
  }

  /** Makes the rules fit; an error is a line for people, and the rules are as they were. */
  apply(territory: Territory, isLanThere: boolean, isWanThere: boolean): Outcome<true> {
    if (this.by === "none") return succeed(true as const);
    const [done, problem] = this.guarded(territory, isLanThere, isWanThere);
    this.areSettled = done !== undefined;
    this.state = done !== undefined ? "in place (nftables table netdev vpnmasq)" : `NOT in place: ${problem}`;
    return done === undefined ? fail(problem) : succeed(done);
  }

  /** What was applied may be gone: the next {@link apply} does it anew. */
  forget(): void {
    this.guard?.forget();
  }

  close(): void {
    this.guard?.close();
  }

  private guarded(territory: Territory, isLanThere: boolean, isWanThere: boolean): Outcome<true> {
    if (this.guard === undefined) {
      const [guard, problem] = KernelGuard.start(this.scope === "all", randomWord());
      if (guard === undefined) return fail(problem);
      this.guard = guard;
    }
    return this.guard.apply(kernelRules(territory, isLanThere, isWanThere, this.guard.owner));
  }
}
