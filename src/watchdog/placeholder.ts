// SPDX-License-Identifier: GPL-2.0-only
// An SA that never comes: what held packets wait for.
//
// Packets whose policy names an SA under negotiation wait in the policy's own queue, and leave in order when the policy
// is given another. A larval SA makes the kernel believe in such a negotiation; without one it would ask the IKE daemon
// (XFRM_MSG_ACQUIRE), which would negotiate an SA that nobody wants. The kernel ends a larval SA after
// net.core.xfrm_acq_expires seconds, so it is replaced in time.
//
// One is enough for all tunnels: it lies between two addresses of documentation (RFC 5737), where no tunnel ends.

import { fail, type Outcome, succeed } from "../system/outcome";
import type { Xfrm } from "../system/xfrm";
import { PROTOCOL_ESP, type Sa, type SaId, type Template } from "../system/xfrm-message";

/** 192.0.2.1 and 192.0.2.2 */
const SOURCE = 0xc0000201 - 0x100000000;
const DESTINATION = 0xc0000202 - 0x100000000;
/** RFC 4303 §2.1: SPIs up to 255 are reserved, so no peer chooses one. 0 stands for none. */
const SPI_MIN = 1;
const SPI_MAX = 255;

interface Larval {
  readonly sa: Sa;
  readonly renewAtMs: number;
}

export class Placeholder {
  private current: Larval | undefined;
  /** Those that were replaced, and that policies may still name. */
  private former: SaId[] = [];

  /**
   * @param interfaceId of the XFRM interface that the held policies belong to; 0 for none
   * @param remainingMsMin how long it has to live on after whoever renews it has died: the policies' lease
   */
  constructor(
    private readonly xfrm: Xfrm,
    private readonly interfaceId: number,
    private readonly remainingMsMin: number,
  ) {}

  /** The template that makes packets wait; that of a new SA when the old one nears its end. */
  template(nowMs: number): Outcome<Template> {
    if (this.current === undefined || nowMs >= this.current.renewAtMs) {
      const [, problem] = this.replace(nowMs);
      if (problem !== undefined) return fail(problem);
    }
    const { spi } = this.current!.sa;
    const kind = { protocol: PROTOCOL_ESP, mode: "tunnel", reqid: 0 } as const;
    return succeed({ source: SOURCE, destination: DESTINATION, spi, ...kind });
  }

  isDue(nowMs: number): boolean {
    return this.current !== undefined && nowMs >= this.current.renewAtMs;
  }

  /** No policy names former ones any more. */
  removeFormer(): void {
    // What cannot be removed ends by itself.
    for (const id of this.former) this.xfrm.removeSa(id);
    this.former = [];
  }

  /** No policy names it any more. */
  remove(): void {
    if (this.current !== undefined) this.former.push(this.current.sa);
    this.current = undefined;
    this.removeFormer();
  }

  /** Whether the SA that is gone was this one; if so, the next template names a new one. */
  gone(id: SaId): boolean {
    const { sa } = this.current ?? {};
    if (sa === undefined || sa.spi !== id.spi || sa.destination !== id.destination) return false;
    this.current = undefined;
    return true;
  }

  /** It may be gone; if it is not, it ends by itself. */
  forget(): void {
    this.current = undefined;
    this.former = [];
  }

  private replace(nowMs: number): Outcome<true> {
    const range = { spiMin: SPI_MIN, spiMax: SPI_MAX };
    const where = { source: SOURCE, destination: DESTINATION, interfaceId: this.interfaceId };
    const [sa, problem] = this.xfrm.allocate({
      ...where,
      ...range,
      protocol: PROTOCOL_ESP,
      mode: "tunnel",
      reqid: 0,
    });
    if (sa === undefined) return fail(problem);
    if (this.current !== undefined) this.former.push(this.current.sa);
    const lifetimeMs = sa.hardLifetimeSeconds * 1000;
    // Where the administrator made larval SAs short-lived, this is as good as it gets.
    this.current = { sa, renewAtMs: nowMs + Math.max(lifetimeMs / 4, lifetimeMs - this.remainingMsMin) };
    return succeed(true as const);
  }
}

/** Whether a template names a placeholder, of whatever process. */
export function isPlaceholder({ source, destination }: Template): boolean {
  return source === SOURCE && destination === DESTINATION;
}
