// SPDX-License-Identifier: GPL-2.0-only
// The router's watch for tunnels that lost their way back, and the recovery it can force without the client's help.
//
// A client without a watchdog of its own goes on sending on an epoch that nobody answers until its IKE daemon's dead
// peer detection fails, which IKE's own traffic prevents: IKE passes, so the peer looks alive. When the loss is proven
// and neither turns nor copies have helped, we stop passing that one IKE session. Dead peer detection then does what it
// is for, the client starts a new session with new cookies, and that passes.
//
// (The tracker stops the sessions that exist when the block begins; new ones pass.)
//
// Proven means that state was lost, not that nobody answers: the epoch is older than our memory, or the public address
// changed since its last answer. A tunnel that only ever sends one way is never touched.

export interface NatLossLimits {
  /** How long a tunnel may stay unanswered: some turns (Tout) and the copies that follow them. */
  readonly patienceMs: number;
  /** How long its IKE session is stopped at most: longer than the dead peer detection of common daemons (120 s). */
  readonly blockMs: number;
  /** A client and server are left alone for this long after a block, whatever came of it. */
  readonly restMs: number;
  /** Sessions stopped at once: beyond that the cause is not ours. */
  readonly blockedMax: number;
}

export const DEFAULT_NAT_LOSS_LIMITS: NatLossLimits = {
  patienceMs: 15000,
  blockMs: 180000,
  restMs: 600000,
  blockedMax: 64,
};

/** A client's use of one server's ESP, summed up over its epochs. Addresses are words. */
export interface TunnelUse {
  readonly client: number;
  readonly server: number;
  readonly lastOutMs: number;
  /** Undefined: nothing ever came in. */
  readonly lastInMs: number | undefined;
  /** An epoch in use that is older than our memory and was not answered since, or may get others' copies only. */
  readonly hasUnseenUnanswered: boolean;
}

export type NatLossPhase = "suspected" | "blocked" | "resting";

export interface NatLoss {
  readonly client: number;
  readonly server: number;
  phase: NatLossPhase;
  sinceMs: number;
  untilMs: number;
  /** When the client was last seen to send without an answer. */
  provenMs: number;
  /** The proof, for people. */
  readonly because: string;
}

/** A client that sent this recently is still using the tunnel. */
const IN_USE_MS = 5000;
/**
 * A suspicion waits for so long for the client to try again: what is not answered is repeated ever more seldom, in the
 * end once a minute (RFC 6298 §5.5 and §2.5).
 */
const RETRY_MS = 60000;

export class NatLossWatch {
  private readonly losses = new LuaMap<string, NatLoss>();
  private blocked = 0;

  constructor(private readonly limits: NatLossLimits) {}

  /**
   * Looks at every tunnel in use; call about once a second.
   * @param wanChangedMs when the public address changed last; undefined: never
   * @returns what changed, for the log
   */
  tick(uses: readonly TunnelUse[], wanChangedMs: number | undefined, nowMs: number): NatLoss[] {
    const changed: NatLoss[] = [];
    for (const use of uses) {
      const loss = this.consider(use, wanChangedMs, nowMs);
      if (loss !== undefined) changed.push(loss);
    }
    for (const [key, loss] of this.losses) {
      if (nowMs >= loss.untilMs) this.endPhase(key, loss, nowMs, changed);
    }
    return changed;
  }

  /** What is known of a client and a server; undefined: all is well. */
  of(client: number, server: number): NatLoss | undefined {
    return this.losses.get(keyOf(client, server));
  }

  list(): NatLoss[] {
    const all: NatLoss[] = [];
    for (const [, loss] of this.losses) all.push(loss);
    return all;
  }

  private consider(use: TunnelUse, wanChangedMs: number | undefined, nowMs: number): NatLoss | undefined {
    const key = keyOf(use.client, use.server);
    const known = this.losses.get(key);
    const proof = proofOf(use, wanChangedMs);
    const isInUse = nowMs - use.lastOutMs < IN_USE_MS;
    if (known !== undefined) {
      if (proof !== undefined && isInUse) known.provenMs = nowMs;
      this.follow(key, known, use, proof !== undefined, nowMs);
      return undefined;
    }
    if (proof === undefined || !isInUse) return undefined;
    const { patienceMs } = this.limits;
    const loss: NatLoss = {
      client: use.client,
      server: use.server,
      phase: "suspected",
      sinceMs: nowMs,
      untilMs: nowMs + patienceMs,
      provenMs: nowMs,
      because: proof,
    };
    this.losses.set(key, loss);
    return loss;
  }

  /** A suspicion that is disproved is dropped; a block ends at the first answer. */
  private follow(key: string, loss: NatLoss, use: TunnelUse, isProven: boolean, nowMs: number): void {
    if (loss.phase === "suspected" && !isProven) this.losses.delete(key);
    const isAnswered = use.lastInMs !== undefined && use.lastInMs > loss.sinceMs;
    if (loss.phase === "blocked" && isAnswered && !isProven) loss.untilMs = nowMs;
  }

  private endPhase(key: string, loss: NatLoss, nowMs: number, changed: NatLoss[]): void {
    const { blockMs, restMs, blockedMax } = this.limits;
    if (loss.phase === "resting") {
      this.losses.delete(key);
      return;
    }
    if (loss.phase === "suspected" && nowMs - loss.provenMs >= IN_USE_MS) {
      // Nothing was sent lately, so there was nothing to answer: the next try decides.
      if (nowMs - loss.provenMs >= RETRY_MS) this.losses.delete(key);
      return;
    }
    const blocks = loss.phase === "suspected" && this.blocked < blockedMax;
    this.blocked += blocks ? 1 : loss.phase === "blocked" ? -1 : 0;
    loss.phase = blocks ? "blocked" : "resting";
    loss.sinceMs = nowMs;
    loss.untilMs = nowMs + (blocks ? blockMs : restMs);
    changed.push(loss);
  }
}

function proofOf(use: TunnelUse, wanChangedMs: number | undefined): string | undefined {
  if (use.hasUnseenUnanswered) return "an epoch older than the router's memory is not answered";
  if (wanChangedMs === undefined || use.lastOutMs <= wanChangedMs) return undefined;
  const answeredSince = use.lastInMs !== undefined && use.lastInMs > wanChangedMs;
  return answeredSince ? undefined : "nothing came in since the public address changed";
}

function keyOf(client: number, server: number): string {
  return `${client}>${server}`;
}
