// SPDX-License-Identifier: GPL-2.0-only
// How the two versions of IKE make a new epoch: which message lets which end use it, and what becomes of the old one.
//
// This is all that a NAT can notice of the difference: an end that may send early makes the NAT see the server first or
// the client first, and an old epoch that lives on makes packets of both come in.

import { ExchangeV1, ExchangeV2 } from "../../src/wire/isakmp";

export type IkeVersion = 1 | 2;

export interface RenewalStyle {
  readonly version: IkeVersion;
  /** The exchange's number on the wire, the first epoch's of a session and a later one's. */
  readonly firstExchange: number;
  readonly laterExchange: number;
  /** Messages of the exchange; the initiator sends the odd ones. */
  readonly messages: 2 | 3;
  /** From which message on, sent or received, each end has both SAs and uses them. */
  readonly initiatorUsesAt: 2;
  readonly responderUsesAt: 2 | 3;
  /** From which message on the responder can receive on the new epoch. */
  readonly responderReceivesAt: 2;
  /** The initiator deletes the old epoch so long after the new one is there; undefined: it lives on until its end. */
  readonly deletesOldMs: number | undefined;
  /** Round trips that make an IKE SA, before its first epoch. */
  readonly sessionRounds: number;
  readonly sessionExchange: number;
  readonly informationalExchange: number;
}

/** RFC 2409 §5 and §5.5: Main Mode's six messages, Quick Mode's three. The old epoch lives on. */
export const IKE_V1: RenewalStyle = {
  version: 1,
  firstExchange: ExchangeV1.QuickMode,
  laterExchange: ExchangeV1.QuickMode,
  messages: 3,
  initiatorUsesAt: 2,
  responderUsesAt: 3,
  responderReceivesAt: 2,
  deletesOldMs: undefined,
  sessionRounds: 3,
  sessionExchange: ExchangeV1.MainMode,
  informationalExchange: ExchangeV1.Informational,
};

/** RFC 7296 §1.2, §1.3 and §2.8; libreswan deletes the old epoch a second after the new one is there (measured). */
export const IKE_V2: RenewalStyle = {
  version: 2,
  firstExchange: ExchangeV2.IkeAuth,
  laterExchange: ExchangeV2.CreateChildSa,
  messages: 2,
  initiatorUsesAt: 2,
  responderUsesAt: 2,
  responderReceivesAt: 2,
  deletesOldMs: 1000,
  sessionRounds: 1,
  sessionExchange: ExchangeV2.IkeSaInit,
  informationalExchange: ExchangeV2.Informational,
};

export function styleOf(version: IkeVersion): RenewalStyle {
  return version === 1 ? IKE_V1 : IKE_V2;
}

/** SPIs 1 to 255 are reserved (RFC 4303 §2.1). */
const SPI_LEAST = 256;

/** An SPI as daemons draw them: any that may travel, as a word. @param random gives whole numbers below its argument */
export function drawSpi(random: (this: void, limit: number) => number): number {
  return (random(0x10000) << 16) | (SPI_LEAST + random(0x10000 - SPI_LEAST));
}
