// SPDX-License-Identifier: GPL-2.0-only
// Which outgoing and which incoming SA are one epoch.
//
// The kernel keeps SAs one by one and the IKE daemons do not say which belong together. Those of one epoch have the
// same peers and reqid and are made in one negotiation; so an SA joins the one the other way that has no partner yet
// and was made closest to it, the newest of equals, and what was joined stays so. Pure: it is fed lists and events.

import type { Mark, Mode, Sa, SaId } from "../system/xfrm-message";
import { PROTOCOL_ESP } from "../system/xfrm-message";

/** What all epochs of one tunnel have in common, until its IKE session is replaced. Addresses are words. */
export interface Peers {
  readonly local: number;
  readonly peer: number;
  readonly reqid: number;
}

/** Both SAs of an epoch. SPIs are words. */
export interface EpochSas {
  readonly peers: Peers;
  readonly outSpi: number;
  readonly inSpi: number;
  readonly mode: Mode;
  /** Of the outgoing SA. */
  readonly mark: Mark | undefined;
  readonly interfaceId: number;
}

export type SaReport =
  /** It was made just now. */
  | { readonly kind: "appeared"; readonly epoch: EpochSas }
  /** It was there before we looked. Its age comes from a clock that may have jumped, but is never negative. */
  | { readonly kind: "found"; readonly epoch: EpochSas; readonly ageMs: number; readonly isAnswered: boolean }
  /** Packets have come in since the last report of it. */
  | { readonly kind: "used"; readonly epoch: EpochSas }
  /** Between two looks at all SAs packets went out, and none came in. */
  | { readonly kind: "unanswered"; readonly epoch: EpochSas }
  /** One of its SAs is not there any more. */
  | { readonly kind: "gone"; readonly epoch: EpochSas };

/** One SA, and what has become of it. */
interface Half {
  sa: Sa;
  readonly peers: Peers;
  readonly isOutgoing: boolean;
  /** By the clock that does not jump; undefined when it was there before us. */
  readonly appearedMs: number | undefined;
  /** The epoch it is part of; kept when the other half goes, so that it joins no other. */
  epoch: EpochSas | undefined;
  /** Packets of an incoming SA that were reported. */
  packetsReported: number;
  /** Packets at the last look at all SAs. */
  packetsAtLook: number;
  /** The other half of the epoch. */
  partner: Half | undefined;
}

/** SAs made further apart are not of one negotiation: libreswan's retransmit-timeout, the longest default there is. */
const NEGOTIATION_SECONDS_MAX = 60;
const NEGOTIATION_MS_MAX = NEGOTIATION_SECONDS_MAX * 1000;

const UNPAIRED = { epoch: undefined, partner: undefined, packetsReported: 0 };

export class EpochPairing {
  /** By the SA's name. */
  private readonly halves = new LuaMap<string, Half>();
  /** By peers and reqid, in the order in which they came. */
  private readonly groups = new LuaMap<string, Half[]>();

  /** @param isLocal tells this host's own addresses (words) */
  constructor(private readonly isLocal: (this: void, address: number) => boolean) {}

  /**
   * All SAs there are, the newest first, as the kernel lists them.
   * @param wallSeconds the time since 1970, which the kernel's times are in
   */
  synchronise(sas: readonly Sa[], wallSeconds: number): SaReport[] {
    const gone = this.removeOthers(sas);
    const newHalves: Half[] = [];
    for (const index of $range(sas.length - 1, 0, -1)) {
      const sa = sas[index];
      const known = this.halves.get(nameOf(sa));
      const half = known ?? this.add(sa, undefined);
      if (half !== undefined && known === undefined) newHalves.push(half);
      else if (half !== undefined) half.sa = sa;
    }
    // From the newest to the oldest, so that an SA that outlived its partner is left over, not a new one.
    for (const index of $range(newHalves.length - 1, 0, -1)) this.join(newHalves[index]);
    const reports: SaReport[] = [];
    for (const half of newHalves) this.reportFound(half, wallSeconds, reports);
    // New ones first: a rekey that nobody told of is no outage.
    for (const report of gone) reports.push(report);
    for (const [, half] of this.halves) this.reportUse(half, reports);
    for (const [, half] of this.halves) this.reportSilence(half, reports);
    for (const [, half] of this.halves) half.packetsAtLook = half.sa.packets;
    return reports;
  }

  /** One SA as it is now: new, or known with other counters. */
  seen(sa: Sa, nowMs: number): SaReport[] {
    const reports: SaReport[] = [];
    const known = this.halves.get(nameOf(sa));
    const half = known ?? this.add(sa, nowMs);
    if (half === undefined) return reports;
    half.sa = sa;
    const partner = known === undefined ? this.join(half) : undefined;
    if (partner !== undefined) {
      reports.push({ kind: "appeared", epoch: half.epoch! });
      this.reportUse(partner, reports);
    }
    this.reportUse(half, reports);
    return reports;
  }

  /** An SA is not there any more. */
  gone(id: SaId): SaReport[] {
    const half = this.halves.get(nameOf(id));
    if (half === undefined) return [];
    this.halves.delete(nameOf(id));
    const key = groupOf(half.peers);
    const group = (this.groups.get(key) ?? []).filter((other) => other !== half);
    if (group.length > 0) this.groups.set(key, group);
    else this.groups.delete(key);
    const { epoch } = half;
    // The first half that goes ends the epoch; of the second nobody needs to know.
    const isFirst = epoch !== undefined && group.some((other) => other.epoch === epoch);
    return isFirst ? [{ kind: "gone", epoch }] : [];
  }

  /** The incoming SAs of these SPIs, as they were last seen. */
  incoming(spis: LuaSet<number>): Sa[] {
    const found: Sa[] = [];
    for (const [, half] of this.halves) {
      if (!half.isOutgoing && spis.has(half.sa.spi)) found.push(half.sa);
    }
    return found;
  }

  private removeOthers(sas: readonly Sa[]): SaReport[] {
    const present = new LuaSet<string>();
    for (const sa of sas) present.add(nameOf(sa));
    const absent: Sa[] = [];
    for (const [name, half] of this.halves) {
      if (!present.has(name)) absent.push(half.sa);
    }
    return absent.flatMap((sa) => this.gone(sa));
  }

  /** Takes in an SA that is one of ours and carries packets. */
  private add(sa: Sa, appearedMs: number | undefined): Half | undefined {
    if (sa.isLarval || sa.protocol !== PROTOCOL_ESP) return undefined;
    const isOutgoing = this.isLocal(sa.source);
    if (!isOutgoing && !this.isLocal(sa.destination)) return undefined;
    const [local, peer] = isOutgoing ? [sa.source, sa.destination] : [sa.destination, sa.source];
    const peers = { local, peer, reqid: sa.reqid };
    const half = { sa, peers, isOutgoing, appearedMs, ...UNPAIRED, packetsAtLook: sa.packets };
    this.halves.set(nameOf(sa), half);
    const key = groupOf(peers);
    this.groups.set(key, [...(this.groups.get(key) ?? []), half]);
    return half;
  }

  /** Joins an SA with its partner, if that is there. */
  private join(half: Half): Half | undefined {
    if (half.epoch !== undefined) return undefined;
    let partner: Half | undefined;
    for (const other of this.groups.get(groupOf(half.peers)) ?? []) {
      const isCandidate = other.isOutgoing !== half.isOutgoing && other.epoch === undefined;
      // Those that came later win against equals.
      if (
        isCandidate &&
        areClose(half, other) &&
        (partner === undefined || apart(half, other) <= apart(half, partner))
      ) {
        partner = other;
      }
    }
    if (partner === undefined) return undefined;
    const epoch = half.isOutgoing ? epochOf(half, partner) : epochOf(partner, half);
    half.epoch = epoch;
    half.partner = partner;
    partner.epoch = epoch;
    partner.partner = half;
    return partner;
  }

  private reportFound(half: Half, wallSeconds: number, reports: SaReport[]): void {
    const { epoch, sa } = half;
    if (half.isOutgoing || epoch === undefined) return;
    half.packetsReported = sa.packets;
    const ageMs = Math.max(0, wallSeconds - sa.addedSeconds) * 1000;
    reports.push({ kind: "found", epoch, ageMs, isAnswered: sa.packets > 0 });
  }

  private reportUse(half: Half, reports: SaReport[]): void {
    const { epoch, sa } = half;
    if (half.isOutgoing || epoch === undefined || sa.packets <= half.packetsReported) return;
    half.packetsReported = sa.packets;
    reports.push({ kind: "used", epoch });
  }

  private reportSilence(half: Half, reports: SaReport[]): void {
    const { epoch, partner } = half;
    if (!half.isOutgoing || epoch === undefined || partner === undefined) return;
    const hasSent = half.sa.packets > half.packetsAtLook;
    const hasReceived = partner.sa.packets > partner.packetsAtLook;
    if (hasSent && !hasReceived) reports.push({ kind: "unanswered", epoch });
  }
}

function epochOf(outgoing: Half, incoming: Half): EpochSas {
  const { mode, mark, interfaceId } = outgoing.sa;
  return { peers: outgoing.peers, outSpi: outgoing.sa.spi, inSpi: incoming.sa.spi, mode, mark, interfaceId };
}

function apart(one: Half, other: Half): number {
  return Math.abs(one.sa.addedSeconds - other.sa.addedSeconds);
}

/** The kernel's times have jumped when the clock was set in between; ours have not. */
function areClose(one: Half, other: Half): boolean {
  if (apart(one, other) <= NEGOTIATION_SECONDS_MAX) return true;
  if (one.appearedMs === undefined || other.appearedMs === undefined) return false;
  return Math.abs(one.appearedMs - other.appearedMs) <= NEGOTIATION_MS_MAX;
}

function nameOf({ destination, spi, mark }: SaId): string {
  return `${destination} ${spi} ${mark?.value ?? 0} ${mark?.mask ?? 0}`;
}

function groupOf({ local, peer, reqid }: Peers): string {
  return `${local} ${peer} ${reqid}`;
}
