// SPDX-License-Identifier: GPL-2.0-only
// Which places a program may be attached at: what the configuration allows, the fastest first, less what would do harm.

import type { LinkPlace } from "../../system/bpf-program";
import type { OffloadChoice } from "./choice";

/** Where a program can be; at tc it hangs on no link. */
export type Place = LinkPlace | "tc clsact";

/** What matters of an interface that packets come in by, and of the one that they leave by. */
export interface Surroundings {
  /** The other interface's driver takes frames that XDP redirects (kernels from 6.3 say so). */
  readonly takesRedirected: boolean;
  /** VLANs on top of this interface: at XDP, a frame of theirs may have lost its tag and look like one of this one's. */
  readonly hasVlans: boolean;
  /** A queueing discipline of the other interface that shapes traffic, which frames of XDP pass by; undefined: none. */
  readonly shaper: string | undefined;
  /**
   * A queueing discipline for what comes in by this interface, whose filters may send it round by an ifb, as SQM does:
   * programs at XDP and tcx would pass that by, and one at tc gets nothing.
   */
  readonly hasIngressQueueing: boolean;
  /** By the loopback interface programs at tcx and tc hand over what they leave to the daemon. */
  readonly hasLoopback: boolean;
}

/** A place, and what speaks against it; undefined: nothing does. */
export interface Candidate {
  readonly place: Place;
  readonly objection: string | undefined;
}

const PLACES: Record<OffloadChoice, readonly Place[]> = {
  auto: ["native XDP", "generic XDP", "tcx", "tc clsact"],
  off: [],
  xdp: ["native XDP", "generic XDP"],
  tcx: ["tcx"],
  tc: ["tc clsact"],
};

function objectionTo(place: Place, surroundings: Surroundings): string | undefined {
  const { takesRedirected, hasVlans, shaper, hasIngressQueueing, hasLoopback } = surroundings;
  if (hasIngressQueueing) return "tc's ingress is in use (SQM?)";
  if (place === "tcx" || place === "tc clsact") return hasLoopback ? undefined : "lo is down";
  if (hasVlans) return "VLANs lie on it";
  if (shaper !== undefined) return `it would pass the other side's ${shaper} by`;
  if (place === "native XDP" && !takesRedirected) return "the other side's driver takes no such frames";
  return undefined;
}

export function candidates(choice: OffloadChoice, surroundings: Surroundings): Candidate[] {
  return PLACES[choice].map((place) => ({ place, objection: objectionTo(place, surroundings) }));
}
