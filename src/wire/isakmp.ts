// SPDX-License-Identifier: GPL-2.0-only
// The ISAKMP header (RFC 2408 §3.1), which IKEv1 and IKEv2 (RFC 7296 §3.1) share, and what else is on port 4500.
//
// Everything here travels in clear even when the payloads are encrypted: the two cookies (IKEv2 calls them SPIs) tell
// IKE SAs apart, the exchange type tells when a pair of ESP SAs is about to appear.

import { Bytes, readWord } from "./bytes";

/** The UDP port of IKE at both ends (RFC 2408 §2.5.1). */
export const ISAKMP_PORT = 500;

/** The UDP port of IKE and of ESP inside UDP once a NAT was detected (RFC 3947 §4, RFC 3948 §2). */
export const NAT_TRAVERSAL_PORT = 4500;

/** Where each field of the header starts, in bytes. */
export const enum IsakmpField {
  InitiatorCookie = 0,
  ResponderCookie = 8,
  NextPayload = 16,
  Version = 17,
  ExchangeType = 18,
  Flags = 19,
  MessageId = 20,
  Length = 24,
}

export const ISAKMP_HEADER_BYTES = 28;

/** The two cookies at the header's start: enough to tell whose message an ICMP error quotes. */
export const COOKIES_BYTES = 16;

/** Exchange types of IKEv1: RFC 2408 §3.1, RFC 2409 appendix A, draft-ietf-ipsec-isakmp-mode-cfg. */
export const enum ExchangeV1 {
  Base = 1,
  MainMode = 2,
  AuthenticationOnly = 3,
  AggressiveMode = 4,
  Informational = 5,
  Transaction = 6,
  QuickMode = 32,
  NewGroupMode = 33,
}

/** Exchange types of IKEv2: RFC 7296 §3.1, RFC 5723, RFC 9242, RFC 9370. */
export const enum ExchangeV2 {
  IkeSaInit = 34,
  IkeAuth = 35,
  CreateChildSa = 36,
  Informational = 37,
  IkeSessionResume = 38,
  IkeIntermediate = 43,
  IkeFollowupKe = 44,
}

/** Flags of IKEv1 (RFC 2408 §3.1). */
export const enum FlagV1 {
  Encryption = 0x01,
  Commit = 0x02,
  AuthenticationOnly = 0x04,
}

/** Flags of IKEv2 (RFC 7296 §3.1). */
export const enum FlagV2 {
  Initiator = 0x08,
  HigherVersion = 0x10,
  Response = 0x20,
}

/** Why bytes are not an IKE message. Unknown exchange types are values, not faults: they are the peers' business. */
export type IsakmpFault = "isakmp-truncated" | "isakmp-initiator-cookie-zero" | "isakmp-bad-version" | "isakmp-length";

/** One line for people about each fault. */
export const ISAKMP_FAULTS: Record<IsakmpFault, string> = {
  "isakmp-truncated": "the UDP packet ends before the IKE message does",
  "isakmp-initiator-cookie-zero": "the initiator cookie (SPI) of an IKE message is 0",
  "isakmp-bad-version": "the major version is neither IKEv1 nor IKEv2",
  "isakmp-length": "the length in the IKE header is below 28 bytes or above 2 GiB",
};

const EXCHANGE_NAMES_V1: Record<number, string | undefined> = {
  [ExchangeV1.Base]: "Base",
  [ExchangeV1.MainMode]: "Main Mode",
  [ExchangeV1.AuthenticationOnly]: "Authentication Only",
  [ExchangeV1.AggressiveMode]: "Aggressive Mode",
  [ExchangeV1.Informational]: "Informational",
  [ExchangeV1.Transaction]: "Transaction",
  [ExchangeV1.QuickMode]: "Quick Mode",
  [ExchangeV1.NewGroupMode]: "New Group Mode",
};

const EXCHANGE_NAMES_V2: Record<number, string | undefined> = {
  [ExchangeV2.IkeSaInit]: "IKE_SA_INIT",
  [ExchangeV2.IkeAuth]: "IKE_AUTH",
  [ExchangeV2.CreateChildSa]: "CREATE_CHILD_SA",
  [ExchangeV2.Informational]: "INFORMATIONAL",
  [ExchangeV2.IkeSessionResume]: "IKE_SESSION_RESUME",
  [ExchangeV2.IkeIntermediate]: "IKE_INTERMEDIATE",
  [ExchangeV2.IkeFollowupKe]: "IKE_FOLLOWUP_KE",
};

/** The name of an exchange for people, as its RFC writes it; "exchange 99" for an unknown one. */
export function exchangeName(majorVersion: number, exchangeType: number): string {
  const names = majorVersion === 1 ? EXCHANGE_NAMES_V1 : EXCHANGE_NAMES_V2;
  return names[exchangeType] ?? `exchange ${exchangeType}`;
}

/**
 * Whether an exchange can end with new ESP SAs, so that unknown SPIs are to be expected: IKEv1 Quick Mode, IKEv2
 * IKE_AUTH and CREATE_CHILD_SA. (A CREATE_CHILD_SA that rekeys the IKE SA looks the same from outside.)
 */
export function mayCreateChildSa(majorVersion: number, exchangeType: number): boolean {
  if (majorVersion === 1) return exchangeType === ExchangeV1.QuickMode;
  return exchangeType === ExchangeV2.IkeAuth || exchangeType === ExchangeV2.CreateChildSa;
}

/** What the payload of a UDP packet on port 4500 is (RFC 3948 §2). */
export type NatTraversalPayload = "keepalive" | "ike" | "esp-in-udp" | "unknown";

/** Four zero bytes before an IKE message on port 4500, where an SPI would stand (RFC 3948 §2.2). */
export const NON_ESP_MARKER_BYTES = 4;

/** The only byte of a NAT keepalive (RFC 3948 §2.3). */
const KEEPALIVE_BYTE = 0xff;

/** Whether a UDP payload is a NAT keepalive: the single byte 0xff (RFC 3948 §2.3). */
export function isNatKeepalive(frame: Bytes, payloadAt: number, payloadBytes: number): boolean {
  return payloadBytes === 1 && frame[payloadAt] === KEEPALIVE_BYTE;
}

/** What a UDP payload on port 4500 is. "ike": the message starts {@link NON_ESP_MARKER_BYTES} further on. */
export function natTraversalPayload(frame: Bytes, payloadAt: number, payloadBytes: number): NatTraversalPayload {
  if (isNatKeepalive(frame, payloadAt, payloadBytes)) return "keepalive";
  if (payloadBytes < NON_ESP_MARKER_BYTES) return "unknown";
  return readWord(frame, payloadAt) === 0 ? "ike" : "esp-in-udp";
}

/** A view over one IKE message in a frame. Keep one instance and attach it to each message in turn. */
export class IsakmpView {
  frame: Bytes = {};
  at = 0;

  /**
   * Takes the IKE message at `at` (behind the non-ESP marker, on port 4500). Bytes behind its length are ignored.
   *
   * @param availableBytes the UDP payload, without a non-ESP marker
   * @param isFirstFragment whether the rest of the message comes in other IPv4 fragments, so that it may end early here
   * @returns why it is refused; undefined when it is well-formed
   */
  attach(frame: Bytes, at: number, availableBytes: number, isFirstFragment: boolean): IsakmpFault | undefined {
    if (availableBytes < ISAKMP_HEADER_BYTES) return "isakmp-truncated";
    if (readWord(frame, at) === 0 && readWord(frame, at + 4) === 0) return "isakmp-initiator-cookie-zero";
    const majorVersion = frame[at + IsakmpField.Version] >> 4;
    if (majorVersion !== 1 && majorVersion !== 2) return "isakmp-bad-version";
    const lengthBytes = readWord(frame, at + IsakmpField.Length);
    // A length of 2 GiB or more reads as a negative word; no datagram holds that, fragmented or not.
    if (lengthBytes < 0) return "isakmp-length";
    if (lengthBytes < ISAKMP_HEADER_BYTES) return "isakmp-length";
    if (lengthBytes > availableBytes && !isFirstFragment) return "isakmp-truncated";
    this.frame = frame;
    this.at = at;
    return undefined;
  }

  /** A word: the first half of the initiator's cookie (IKEv2: IKE SA initiator's SPI). */
  initiatorCookieHigh(): number {
    return readWord(this.frame, this.at + IsakmpField.InitiatorCookie);
  }

  /** A word: the second half. */
  initiatorCookieLow(): number {
    return readWord(this.frame, this.at + IsakmpField.InitiatorCookie + 4);
  }

  /** A word: the first half of the responder's cookie (IKEv2: IKE SA responder's SPI). */
  responderCookieHigh(): number {
    return readWord(this.frame, this.at + IsakmpField.ResponderCookie);
  }

  /** A word: the second half. */
  responderCookieLow(): number {
    return readWord(this.frame, this.at + IsakmpField.ResponderCookie + 4);
  }

  /** False in the first message of an IKE SA, before the responder chose its cookie. */
  hasResponderCookie(): boolean {
    return this.responderCookieHigh() !== 0 || this.responderCookieLow() !== 0;
  }

  nextPayload(): number {
    return this.frame[this.at + IsakmpField.NextPayload];
  }

  /** 1 or 2. */
  majorVersion(): number {
    return this.frame[this.at + IsakmpField.Version] >> 4;
  }

  minorVersion(): number {
    return this.frame[this.at + IsakmpField.Version] & 0xf;
  }

  /** A value of {@link ExchangeV1} or {@link ExchangeV2}, or any other number. */
  exchangeType(): number {
    return this.frame[this.at + IsakmpField.ExchangeType];
  }

  /** Bits of {@link FlagV1} or {@link FlagV2}. */
  flags(): number {
    return this.frame[this.at + IsakmpField.Flags];
  }

  /** IKEv1: whether the payloads are encrypted. */
  isEncrypted(): boolean {
    return this.majorVersion() === 1 && (this.flags() & FlagV1.Encryption) !== 0;
  }

  /** IKEv1: whether the sender wants the SA confirmed before use. */
  isCommit(): boolean {
    return this.majorVersion() === 1 && (this.flags() & FlagV1.Commit) !== 0;
  }

  /** IKEv2: whether the sender is the one who initiated this IKE SA. */
  isFromInitiator(): boolean {
    return this.majorVersion() === 2 && (this.flags() & FlagV2.Initiator) !== 0;
  }

  /** IKEv2: whether this answers a request with the same message ID. */
  isResponse(): boolean {
    return this.majorVersion() === 2 && (this.flags() & FlagV2.Response) !== 0;
  }

  /** A word: IKEv1 0 in phase 1 and random for each Quick Mode, IKEv2 a counter. */
  messageId(): number {
    return readWord(this.frame, this.at + IsakmpField.MessageId);
  }

  /** Header and payloads, as the header says. */
  lengthBytes(): number {
    return readWord(this.frame, this.at + IsakmpField.Length);
  }

  /** See {@link mayCreateChildSa}. */
  mayCreateChildSa(): boolean {
    return mayCreateChildSa(this.majorVersion(), this.exchangeType());
  }
}
