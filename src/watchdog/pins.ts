// SPDX-License-Identifier: GPL-2.0-only
// Makes placements true: which epoch carries a tunnel's data and pings, and whether data waits.
//
// What is wanted is kept, and the kernel is changed where it differs. Pins are leases: the kernel ends them soon after
// nobody renews them, so a dead watchdog leaves the tunnels to the IKE daemon, and the next watchdog adopts those it
// finds. A pin on an SA that is gone makes the kernel ask the IKE daemon for another, so data is held the moment an SA
// goes, and none is pinned that is not there.

import { fail, type Outcome, succeed } from "../system/outcome";
import { readSetting, writeSetting } from "../system/kernel-setting";
import { eventGroup, type Xfrm } from "../system/xfrm";
import {
  type Policy,
  type PolicyId,
  PROTOCOL_ESP,
  type SaId,
  type Template,
  type XfrmEvent,
} from "../system/xfrm-message";
import { isPlaceholder, Placeholder } from "./placeholder";
import {
  dataPins,
  isPin,
  isSameMark,
  isSameTemplate,
  type PinnedTunnel,
  pingPin,
  pinName,
  type PinTarget,
  templateOf,
} from "./pin-policy";

/** What pins have to be told of: see `XfrmSocket.follow`. */
export const PINS_EVENTS = eventGroup.sa + eventGroup.expire + eventGroup.policy;

/**
 * How long the kernel keeps a pin that is not renewed: long enough for a board that is busy for some seconds, and short
 * enough that the placeholder (30 s by default) outlives the pins that name it.
 */
const LEASE_SECONDS = 12;
const RENEW_INTERVAL_MS = 4000;
/** Packets that were held leave within a tick of the kernel's clock, which is 10 ms at most. */
const COUNT_AFTER_MS = 20;

/** 1, the default: packets without an SA are dropped. 0: they wait, at most about 100 a policy (XFRM_MAX_QUEUE_LEN). */
const LARVAL_DROP = "net.core.xfrm_larval_drop";

/** Where data and pings belong; the `Placement` of an epoch state machine, with the SAs behind its epochs. */
export interface PinPlacement {
  readonly data: PinTarget | "hold";
  readonly ping: PinTarget | undefined;
}

/** What holding has cost a tunnel, as far as the kernel tells. */
export interface HoldCounts {
  holds: number;
  /** Time in which data was held, of holds that ended, and the longest of them. */
  heldMs: number;
  longestMs: number;
  /** Since when data is held; undefined when it is not. */
  heldSinceMs: number | undefined;
  /** Packets that left within 20 ms of a release: those held, and the first that were not. */
  released: number;
  /** Holds whose queue somebody else removed, with the packets in it. What a full queue refuses no tunnel is told. */
  lostQueues: number;
}

interface Wanted {
  readonly tunnel: PinnedTunnel;
  readonly asked: PinPlacement;
  /** What was asked for, without the SAs that are gone. */
  placement: PinPlacement;
  readonly counts: HoldCounts;
  /** The counter of the SA that packets were released to, and when to look at it again. */
  counting: { readonly id: SaId; readonly packets: number; readonly dueMs: number } | undefined;
  /** What the last try to make it true failed of. */
  problem: string | undefined;
}

interface Pin {
  readonly policy: Policy;
  readonly renewedMs: number;
  /** The tunnel it is for; undefined: found, and not claimed yet. */
  readonly owner: string | undefined;
}

export class Pins {
  private readonly pins = new LuaMap<string, Pin>();
  private readonly wanted = new LuaMap<string, Wanted>();
  /** By XFRM interface. */
  private readonly placeholders = new LuaMap<number, Placeholder>();
  private settingBefore: string | undefined;

  /** @param leaseSeconds how long pins outlive their watchdog */
  constructor(
    private readonly xfrm: Xfrm,
    private readonly leaseSeconds: number = LEASE_SECONDS,
  ) {}

  /** Has the kernel hold packets instead of dropping them, and adopts the pins that are there. */
  start(nowMs: number): Outcome<true> {
    const [before, problem] = readSetting(LARVAL_DROP);
    if (before === undefined) return fail(problem);
    const [written, cause] = writeSetting(LARVAL_DROP, "0");
    if (written === undefined) return fail(cause);
    this.settingBefore = before;
    return this.adopt(nowMs);
  }

  /**
   * Makes a placement true, as far as it is not; may be called as often as one likes. What fails is tried again at every
   * tick until another is wanted. Of a placement on an SA that goes, or is gone, data is held and pings are not pinned.
   * @returns the reason when some of it is not true yet; then what was true before still is
   */
  place(tunnel: PinnedTunnel, asked: PinPlacement, nowMs: number): Outcome<true> {
    const before = this.wanted.get(tunnel.name);
    const isSame = before !== undefined && before.tunnel === tunnel && isSamePlacement(before.asked, asked);
    if (isSame && before.problem === undefined) return succeed(true as const);
    const counts = before?.counts ?? newCounts();
    const counting = before?.counting;
    const wanted = { tunnel, asked, placement: asked, counts, counting, problem: undefined };
    this.wanted.set(tunnel.name, wanted);
    return this.apply(wanted, nowMs);
  }

  /** Takes a tunnel's pins away: its packets follow the IKE daemon's policies. What is held is lost. */
  withdraw(name: string): void {
    this.wanted.delete(name);
    this.removePins((pin) => pin.owner === name);
    this.removeIdlePlaceholders();
  }

  /** What holding has cost a tunnel; undefined for one that was never placed. */
  countsOf(name: string): HoldCounts | undefined {
    return this.wanted.get(name)?.counts;
  }

  /** Data of some tunnel is held. */
  isHolding(): boolean {
    for (const [, { counts }] of this.wanted) if (counts.heldSinceMs !== undefined) return true;
    return false;
  }

  /** Why a tunnel's placement is not true; undefined when it is. */
  problemOf(name: string): string | undefined {
    return this.wanted.get(name)?.problem;
  }

  /** An event of {@link PINS_EVENTS}; others do no harm. */
  handle(event: XfrmEvent, nowMs: number): void {
    if (event.kind === "sa gone") this.saGone(event.id, nowMs);
    else if (event.kind === "policy gone") this.policyGone(event.id, nowMs);
    else if (event.kind === "policies flushed") this.policiesFlushed(nowMs);
    else if (event.kind === "sas flushed") this.sasFlushed(nowMs);
    else if (event.kind === "resynchronise") this.resynchronise(nowMs);
  }

  /** Renews what would end. To be called about once a second, or more often. */
  tick(nowMs: number): void {
    let isPlaceholderDue = false;
    for (const [, placeholder] of this.placeholders) isPlaceholderDue = isPlaceholderDue || placeholder.isDue(nowMs);
    for (const [name, wanted] of this.wanted) {
      this.count(wanted, nowMs);
      const isHeldAnew = isPlaceholderDue && wanted.placement.data === "hold";
      if (isHeldAnew || wanted.problem !== undefined || this.needsRenewal(name, nowMs)) this.apply(wanted, nowMs);
    }
    if (isPlaceholderDue) for (const [, placeholder] of this.placeholders) placeholder.removeFormer();
  }

  /**
   * Takes all pins away and gives the kernel its setting back. Place tunnels that are held on an epoch first and let
   * the kernel's clock tick once, or what they hold is lost.
   */
  close(): void {
    for (const [name] of this.wanted) this.wanted.delete(name);
    this.removePins(() => true);
    this.removeIdlePlaceholders();
    if (this.settingBefore !== undefined) writeSetting(LARVAL_DROP, this.settingBefore);
  }

  // What is in the kernel

  private adopt(nowMs: number): Outcome<true> {
    const [policies, problem] = this.xfrm.policies();
    if (policies === undefined) return fail(problem);
    const owners = new LuaMap<string, string>();
    for (const [name, { owner }] of this.pins) {
      if (owner !== undefined) owners.set(name, owner);
      this.pins.delete(name);
    }
    for (const policy of policies) {
      const name = pinName(policy);
      // How much is left of its lease is not known: it is renewed when it is claimed.
      if (isPin(policy)) this.pins.set(name, { policy, renewedMs: nowMs - RENEW_INTERVAL_MS, owner: owners.get(name) });
    }
    return succeed(true as const);
  }

  private needsRenewal(owner: string, nowMs: number): boolean {
    for (const [, pin] of this.pins) {
      if (pin.owner === owner && nowMs - pin.renewedMs >= RENEW_INTERVAL_MS) return true;
    }
    return false;
  }

  private removePins(which: (pin: Pin) => boolean): void {
    for (const [name, pin] of this.pins) {
      if (which(pin)) this.removeNamed(name);
    }
  }

  private removeNamed(name: string): void {
    const pin = this.pins.get(name);
    if (pin === undefined) return;
    // What cannot be removed ends with its lease.
    this.xfrm.removePolicy(pin.policy);
    this.pins.delete(name);
  }

  // Making it so

  private apply(wanted: Wanted, nowMs: number): Outcome<true> {
    const [done, problem] = this.applyPins(wanted, nowMs);
    wanted.problem = problem;
    if (done === undefined) return fail(problem);
    return succeed(true as const);
  }

  private applyPins(wanted: Wanted, nowMs: number): Outcome<true> {
    const { tunnel } = wanted;
    this.leaveWhatIsGone(wanted);
    const { placement, counts } = wanted;
    const isHeld = placement.data === "hold";
    const [template, problem] = this.dataTemplate(tunnel, placement, nowMs);
    if (template === undefined) return fail(problem);
    const packetsBefore = counts.heldSinceMs !== undefined && !isHeld ? this.packetsOf(placement.data) : undefined;
    const policies = dataPins(tunnel, template, this.leaseSeconds);
    if (policies.length === 0) return fail(`${tunnel.name}: no traffic of it can be pinned`);
    const ping = placement.ping === undefined ? template : templateOf(placement.ping);
    const pinOfPings = pingPin(tunnel, ping, this.leaseSeconds);
    // One that was found and that nobody has claimed goes too.
    if (placement.ping === undefined && pinOfPings !== undefined) this.removeNamed(pinName(pinOfPings));
    else if (pinOfPings !== undefined) policies.push(pinOfPings);
    const [done, cause] = this.put(tunnel.name, policies, nowMs);
    if (done === undefined) return fail(cause);
    countHolding(counts, isHeld, nowMs);
    if (packetsBefore !== undefined) wanted.counting = { ...packetsBefore, dueMs: nowMs + COUNT_AFTER_MS };
    this.removeIdlePlaceholders();
    return succeed(true as const);
  }

  /** An SA may be gone before the pins are told. */
  private leaveWhatIsGone(wanted: Wanted): void {
    const { data, ping } = wanted.placement;
    const isDataGone = data !== "hold" && this.isGone(data);
    const isPingGone = ping !== undefined && this.isGone(ping);
    if (isDataGone || isPingGone) leave(wanted, isDataGone, isPingGone);
  }

  private isGone(target: PinTarget): boolean {
    const [sa] = this.xfrm.sa(idOf(target));
    return sa === "absent";
  }

  private dataTemplate(tunnel: PinnedTunnel, { data }: PinPlacement, nowMs: number): Outcome<Template> {
    if (data !== "hold") return succeed(templateOf(data));
    const { interfaceId } = tunnel.traffic;
    let placeholder = this.placeholders.get(interfaceId);
    if (placeholder === undefined) {
      placeholder = new Placeholder(this.xfrm, interfaceId, this.leaseSeconds * 1000 + RENEW_INTERVAL_MS);
      this.placeholders.set(interfaceId, placeholder);
    }
    return placeholder.template(nowMs);
  }

  /** Puts these pins in place for a tunnel, and no others. */
  private put(owner: string, policies: readonly Policy[], nowMs: number): Outcome<true> {
    const names = new LuaSet<string>();
    for (const policy of policies) {
      const name = pinName(policy);
      names.add(name);
      const [done, problem] = this.putOne(name, owner, policy, nowMs);
      if (done === undefined) return fail(`${owner}: ${problem}`);
    }
    for (const [name, pin] of this.pins) {
      if (pin.owner === owner && !names.has(name)) this.removeNamed(name);
    }
    return succeed(true as const);
  }

  private putOne(name: string, owner: string, policy: Policy, nowMs: number): Outcome<true> {
    const there = this.pins.get(name);
    if (there !== undefined && isAsWanted(there, policy, nowMs)) {
      if (there.owner !== owner) this.pins.set(name, { ...there, owner });
      return succeed(true as const);
    }
    const [done, problem] = there === undefined ? this.add(name, policy) : this.xfrm.updatePolicy(policy);
    if (done === undefined) return fail(problem);
    this.pins.set(name, { policy, renewedMs: nowMs, owner });
    return succeed(true as const);
  }

  /** A policy of somebody else is never replaced. */
  private add(name: string, policy: Policy): Outcome<true> {
    const [added, problem] = this.xfrm.addPolicy(policy);
    if (added === undefined) return fail(problem);
    if (added === "added") return succeed(true as const);
    const [policies, cause] = this.xfrm.policies();
    if (policies === undefined) return fail(cause);
    if (policies.some((other) => isPin(other) && pinName(other) === name)) return this.xfrm.updatePolicy(policy);
    return fail("another program has a policy for the same packets, so they cannot be pinned");
  }

  private removeIdlePlaceholders(): void {
    for (const [interfaceId, placeholder] of this.placeholders) {
      if (!this.isHeldBy(interfaceId)) {
        placeholder.remove();
        this.placeholders.delete(interfaceId);
      }
    }
  }

  private isHeldBy(interfaceId: number): boolean {
    for (const [, { policy }] of this.pins) {
      if (policy.interfaceId === interfaceId && isPlaceholder(policy.templates[0])) return true;
    }
    return false;
  }

  // What others did

  private saGone(id: SaId, nowMs: number): void {
    let isPlaceholderGone = false;
    for (const [, placeholder] of this.placeholders) isPlaceholderGone = placeholder.gone(id) || isPlaceholderGone;
    for (const [, wanted] of this.wanted) {
      const { data, ping } = wanted.placement;
      const isDataGone = data !== "hold" && isOf(data, id);
      const isPingGone = ping !== undefined && isOf(ping, id);
      if (isDataGone || isPingGone) {
        leave(wanted, isDataGone, isPingGone);
        this.apply(wanted, nowMs);
      } else if (isPlaceholderGone && data === "hold") this.apply(wanted, nowMs);
    }
  }

  private policyGone(id: PolicyId, nowMs: number): void {
    if (id.direction !== "out") return;
    const name = pinName(id);
    const pin = this.pins.get(name);
    if (pin === undefined) return;
    this.pins.delete(name);
    const wanted = pin.owner === undefined ? undefined : this.wanted.get(pin.owner);
    if (wanted === undefined) return;
    if (isPlaceholder(pin.policy.templates[0])) wanted.counts.lostQueues += 1;
    this.apply(wanted, nowMs);
  }

  private policiesFlushed(nowMs: number): void {
    for (const [name] of this.pins) this.pins.delete(name);
    for (const [, wanted] of this.wanted) {
      if (wanted.counts.heldSinceMs !== undefined) wanted.counts.lostQueues += 1;
      this.apply(wanted, nowMs);
    }
  }

  /** All, or only those of another protocol: what is left is seen when it is looked for. */
  private sasFlushed(nowMs: number): void {
    for (const [, placeholder] of this.placeholders) placeholder.forget();
    for (const [, wanted] of this.wanted) this.apply(wanted, nowMs);
  }

  private resynchronise(nowMs: number): void {
    this.adopt(nowMs);
    for (const [, wanted] of this.wanted) this.apply(wanted, nowMs);
  }

  // Counting

  private packetsOf(target: PinTarget | "hold"): { readonly id: SaId; readonly packets: number } | undefined {
    if (target === "hold") return undefined;
    const id = idOf(target);
    const [sa] = this.xfrm.sa(id);
    return sa === undefined || sa === "absent" ? undefined : { id, packets: sa.packets };
  }

  private count(wanted: Wanted, nowMs: number): void {
    const { counting, counts } = wanted;
    if (counting === undefined || nowMs < counting.dueMs) return;
    wanted.counting = undefined;
    const [sa] = this.xfrm.sa(counting.id);
    if (sa !== undefined && sa !== "absent") counts.released += sa.packets - counting.packets;
  }
}

function newCounts(): HoldCounts {
  return { holds: 0, heldMs: 0, longestMs: 0, heldSinceMs: undefined, released: 0, lostQueues: 0 };
}

function countHolding(counts: HoldCounts, isHeld: boolean, nowMs: number): void {
  if (isHeld) {
    if (counts.heldSinceMs === undefined) counts.holds += 1;
    counts.heldSinceMs = counts.heldSinceMs ?? nowMs;
    return;
  }
  if (counts.heldSinceMs === undefined) return;
  const heldMs = nowMs - counts.heldSinceMs;
  counts.heldMs += heldMs;
  counts.longestMs = Math.max(counts.longestMs, heldMs);
  counts.heldSinceMs = undefined;
}

function isAsWanted(pin: Pin, policy: Policy, nowMs: number): boolean {
  const isRight = isSameTemplate(pin.policy.templates[0], policy.templates[0]);
  return isRight && pin.policy.priority === policy.priority && nowMs - pin.renewedMs < RENEW_INTERVAL_MS;
}

function leave(wanted: Wanted, isDataGone: boolean, isPingGone: boolean): void {
  const { data, ping } = wanted.placement;
  wanted.placement = { data: isDataGone ? "hold" : data, ping: isPingGone ? undefined : ping };
}

function isSamePlacement(one: PinPlacement, other: PinPlacement): boolean {
  return isSameTarget(one.data, other.data) && isSameTarget(one.ping, other.ping);
}

function isSameTarget(one: PinTarget | "hold" | undefined, other: PinTarget | "hold" | undefined): boolean {
  if (one === undefined || other === undefined || one === "hold" || other === "hold") return one === other;
  return isSameTemplate(templateOf(one), templateOf(other)) && isSameMark(one.mark, other.mark);
}

function idOf({ peers, outSpi, mark }: PinTarget): SaId {
  return { destination: peers.peer, spi: outSpi, protocol: PROTOCOL_ESP, mark };
}

function isOf(target: PinTarget, id: SaId): boolean {
  return target.outSpi === id.spi && target.peers.peer === id.destination && isSameMark(target.mark, id.mark);
}
