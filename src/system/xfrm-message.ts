// SPDX-License-Identifier: GPL-2.0-only
// What the kernel's IPsec says and is told: SAs, policies and events, read from and written as bytes.
//
// Pure functions of bytes. Every length is checked before a structure is looked at, and what is cut short, of another
// address family or of a kind that is not understood reads as undefined. SPIs and addresses are words; what the kernel
// keeps in its own byte order (reqid, counters, times) becomes a number.

import type { Prefix } from "../wire/address";
import { type Bytes, read16, readWord } from "../wire/bytes";
import {
  ACQUIRE_BYTES,
  acquireField,
  attributeType,
  LIFETIME_NUMBERS,
  lifetimeField,
  MARK_BYTES,
  messageType,
  POLICY_BYTES,
  POLICY_EXPIRED_BYTES,
  POLICY_ID_BYTES,
  policyExpiredField,
  policyField,
  SA_BYTES,
  SA_EXPIRED_BYTES,
  SA_ID_BYTES,
  saExpiredField,
  saField,
  saIdField,
  SELECTOR_BYTES,
  selectorField,
  TEMPLATE_BYTES,
  templateField,
  TEMPLATES_MAX,
  USAGE_BYTES,
  usageField,
} from "./abi/xfrm";
import { isLittleEndian } from "./ffi";
import { Attributes, native16, native32, type NetlinkMessage, readNative16, readNative32 } from "./netlink";
import type { Resynchronise } from "./netlink-client";

/** Encapsulating Security Payload, RFC 4303. */
export const PROTOCOL_ESP = 50;

/** linux/socket.h */
const AF_INET = 2;
const ADDRESS_BYTES = 16;
const WORD_BYTES = 4;

/** linux/xfrm.h: XFRM_MODE_TRANSPORT and _TUNNEL; others are not for IPsec between networks. */
const modeNumbers = { transport: 0, tunnel: 1 } as const;
export type Mode = keyof typeof modeNumbers;

/** linux/xfrm.h: XFRM_POLICY_IN, _OUT and _FWD. */
const directionNumbers = { in: 0, out: 1, forward: 2 } as const;
export type Direction = keyof typeof directionNumbers;

/** A firewall mark that packets must have: `packet mark & mask = value`. */
export interface Mark {
  readonly value: number;
  readonly mask: number;
}

/** What names an SA (RFC 4301 §4.1), for the kernel with the mark that tells equal names apart. */
export interface SaId {
  readonly destination: number;
  readonly spi: number;
  /** 50 is ESP. */
  readonly protocol: number;
  readonly mark: Mark | undefined;
}

export interface Sa extends SaId {
  readonly source: number;
  readonly mode: Mode;
  /** What the IKE daemon ties SAs and policies together with. */
  readonly reqid: number;
  /** Of the XFRM interface it belongs to; 0 for none. */
  readonly interfaceId: number;
  /** Packets that passed: on an incoming SA those that were decrypted and are no replays. */
  readonly packets: number;
  readonly bytes: number;
  /** When it was made, in seconds since 1970 by a clock that may have jumped since. */
  readonly addedSeconds: number;
  /** When the last packet passed, likewise; undefined before the first, and on kernels that do not tell. */
  readonly lastUsedSeconds: number | undefined;
  /** How long the kernel lets it live, in seconds; Infinity without limit. */
  readonly hardLifetimeSeconds: number;
  /** An SPI that is taken and has no keys yet: it carries nothing. */
  readonly isLarval: boolean;
}

/** Ports that match: those equal to `value` in the bits of `mask`. Mask 0: all. */
export interface PortMatch {
  readonly value: number;
  readonly mask: number;
}

/** Which packets a policy is for. */
export interface Selector {
  readonly source: Prefix;
  readonly destination: Prefix;
  /** IP protocol; 0 for all. */
  readonly protocol: number;
  /** For ICMP the kernel takes the type as source port and the code as destination port. */
  readonly sourcePort: PortMatch;
  readonly destinationPort: PortMatch;
}

/** Which SA a policy's packets take. */
export interface Template {
  readonly source: number;
  readonly destination: number;
  /** 0: the newest that fits. */
  readonly spi: number;
  readonly protocol: number;
  readonly mode: Mode;
  readonly reqid: number;
}

/** What tells policies apart: no two have all of these in common. */
export interface PolicyId {
  readonly selector: Selector;
  readonly direction: Direction;
  readonly mark: Mark | undefined;
  readonly interfaceId: number;
}

export interface Policy extends PolicyId {
  /** Of several that match a packet the one with the lowest number is taken. */
  readonly priority: number;
  readonly isBlocking: boolean;
  readonly templates: readonly Template[];
  /** How long the kernel keeps it from when it was added or last updated, in seconds; Infinity without limit. */
  readonly hardLifetimeSeconds: number;
}

export type XfrmEvent =
  /** Made or changed. */
  | { readonly kind: "sa"; readonly sa: Sa }
  | { readonly kind: "sa gone"; readonly id: SaId }
  /** Old, but still usable: the IKE daemon is asked for another. */
  | { readonly kind: "sa ageing"; readonly sa: Sa }
  /** The kernel lacks an SA for a packet and asks the IKE daemons for one. */
  | { readonly kind: "acquire"; readonly id: SaId; readonly source: number; readonly selector: Selector | undefined }
  | { readonly kind: "policy"; readonly policy: Policy }
  | { readonly kind: "policy gone"; readonly id: PolicyId }
  /** All SAs, or all policies, were removed at once. */
  | { readonly kind: "sas flushed" }
  | { readonly kind: "policies flushed" }
  | Resynchronise;

// Reading

/** 64 bits in the CPU's byte order; exact below 2^53. All ones, the kernel's "no limit", becomes Infinity. */
function readNative64(bytes: Bytes, at: number): number {
  const first = readNative32(bytes, at);
  const second = readNative32(bytes, at + WORD_BYTES);
  if (first === 0xffffffff && second === 0xffffffff) return Infinity;
  return isLittleEndian ? first + second * 0x100000000 : first * 0x100000000 + second;
}

/** The kernel takes 0 for no limit too. */
function readLimit(bytes: Bytes, at: number): number {
  const limit = readNative64(bytes, at);
  return limit === 0 ? Infinity : limit;
}

function readMode(mode: number): Mode | undefined {
  if (mode === modeNumbers.tunnel) return "tunnel";
  return mode === modeNumbers.transport ? "transport" : undefined;
}

function readDirection(direction: number): Direction | undefined {
  if (direction === directionNumbers.out) return "out";
  if (direction === directionNumbers.in) return "in";
  return direction === directionNumbers.forward ? "forward" : undefined;
}

function readMark(attributes: Attributes): Mark | undefined {
  const bytes = attributes.bytesOf(attributeType.mark, MARK_BYTES);
  if (bytes === undefined) return undefined;
  return { value: readNative32(bytes, 0), mask: readNative32(bytes, WORD_BYTES) };
}

/** struct xfrm_selector at `at`, which the caller knows to be there. */
function readSelector(bytes: Bytes, at: number): Selector | undefined {
  // A selector for all packets may leave the family open.
  const family = readNative16(bytes, at + selectorField.family);
  if (family !== AF_INET && family !== 0) return undefined;
  return {
    source: readPrefix(bytes, at + selectorField.source, bytes[at + selectorField.sourceBits]),
    destination: readPrefix(bytes, at + selectorField.destination, bytes[at + selectorField.destinationBits]),
    protocol: bytes[at + selectorField.protocol],
    sourcePort: readPort(bytes, at + selectorField.sourcePort),
    destinationPort: readPort(bytes, at + selectorField.destinationPort),
  };
}

function readPrefix(bytes: Bytes, at: number, lengthBits: number): Prefix {
  return { network: readWord(bytes, at), lengthBits };
}

/** A port and the mask behind it. */
function readPort(bytes: Bytes, at: number): PortMatch {
  return { value: read16(bytes, at), mask: read16(bytes, at + 2) };
}

/** struct xfrm_usersa_info at `at`, its attributes up to `end`. */
function readSaAt(bytes: Bytes, at: number, attributes: Attributes): Sa | undefined {
  const mode = readMode(bytes[at + saField.mode]);
  if (mode === undefined || readNative16(bytes, at + saField.family) !== AF_INET) return undefined;
  const usage = at + saField.usage;
  return {
    destination: readWord(bytes, at + saField.destination),
    spi: readWord(bytes, at + saField.spi),
    protocol: bytes[at + saField.protocol],
    mark: readMark(attributes),
    source: readWord(bytes, at + saField.source),
    mode,
    reqid: readNative32(bytes, at + saField.reqid),
    interfaceId: attributes.number32(attributeType.interfaceId) ?? 0,
    packets: readNative64(bytes, usage + usageField.packets),
    bytes: readNative64(bytes, usage + usageField.bytes),
    addedSeconds: readNative64(bytes, usage + usageField.addedSeconds),
    lastUsedSeconds: readLastUsed(attributes),
    hardLifetimeSeconds: readLimit(bytes, at + saField.lifetime + lifetimeField.hardAddSeconds),
    isLarval: !hasKeys(attributes),
  };
}

function readLastUsed(attributes: Attributes): number | undefined {
  const bytes = attributes.bytesOf(attributeType.lastUsed, 8);
  return bytes === undefined ? undefined : readNative64(bytes, 0);
}

/** The kernel does not tell an SA's state, but one without algorithms can only be larval. */
function hasKeys(attributes: Attributes): boolean {
  const { authentication, encryption, aead, truncatedAuthentication } = attributeType;
  return (
    attributes.has(authentication) ||
    attributes.has(encryption) ||
    attributes.has(aead) ||
    attributes.has(truncatedAuthentication)
  );
}

/** The IPv4 SA that a message describes. */
export function readSa(bytes: Bytes, message: NetlinkMessage): Sa | undefined {
  return readSaOf(bytes, message, SA_BYTES);
}

/** An SA at the start of a structure of `lengthBytes`. */
function readSaOf(bytes: Bytes, { at, end }: NetlinkMessage, lengthBytes: number): Sa | undefined {
  if (end - at < lengthBytes) return undefined;
  return readSaAt(bytes, at, new Attributes(bytes, at + lengthBytes, end));
}

/** struct xfrm_usersa_id, which XFRM_MSG_DELSA begins with. */
function readSaId(bytes: Bytes, { at, end }: NetlinkMessage): SaId | undefined {
  if (end - at < SA_ID_BYTES || readNative16(bytes, at + saIdField.family) !== AF_INET) return undefined;
  return {
    destination: readWord(bytes, at + saIdField.destination),
    spi: readWord(bytes, at + saIdField.spi),
    protocol: bytes[at + saIdField.protocol],
    mark: readMark(new Attributes(bytes, at + SA_ID_BYTES, end)),
  };
}

/** The IPv4 policy that a message describes; none for a socket's own. */
export function readPolicy(bytes: Bytes, message: NetlinkMessage): Policy | undefined {
  return readPolicyOf(bytes, message, POLICY_BYTES);
}

/** A policy at the start of a structure of `lengthBytes`. */
function readPolicyOf(bytes: Bytes, { at, end }: NetlinkMessage, lengthBytes: number): Policy | undefined {
  if (end - at < lengthBytes) return undefined;
  return readPolicyAt(bytes, at, new Attributes(bytes, at + lengthBytes, end));
}

function readPolicyAt(bytes: Bytes, at: number, attributes: Attributes): Policy | undefined {
  const selector = readSelector(bytes, at + policyField.selector);
  const direction = readDirection(bytes[at + policyField.direction]);
  if (selector === undefined || direction === undefined) return undefined;
  return {
    selector,
    direction,
    mark: readMark(attributes),
    interfaceId: attributes.number32(attributeType.interfaceId) ?? 0,
    priority: readNative32(bytes, at + policyField.priority),
    isBlocking: bytes[at + policyField.action] !== 0,
    templates: readTemplates(attributes),
    hardLifetimeSeconds: readLimit(bytes, at + policyField.lifetime + lifetimeField.hardAddSeconds),
  };
}

/** Those that are understood; a policy of IPComp and ESP has two. */
function readTemplates(attributes: Attributes): Template[] {
  const templates: Template[] = [];
  for (const count of $range(1, TEMPLATES_MAX)) {
    const bytes = attributes.bytesOf(attributeType.template, count * TEMPLATE_BYTES);
    if (bytes !== undefined) {
      for (const index of $range(0, count - 1)) {
        const template = readTemplate(bytes, index * TEMPLATE_BYTES);
        if (template !== undefined) templates.push(template);
      }
    }
  }
  return templates;
}

function readTemplate(bytes: Bytes, at: number): Template | undefined {
  const mode = readMode(bytes[at + templateField.mode]);
  if (mode === undefined) return undefined;
  return {
    source: readWord(bytes, at + templateField.source),
    destination: readWord(bytes, at + templateField.destination),
    spi: readWord(bytes, at + templateField.spi),
    protocol: bytes[at + templateField.protocol],
    mode,
    reqid: readNative32(bytes, at + templateField.reqid),
  };
}

/** The event that a message tells of; undefined when it is none of ours. */
export function readEvent(bytes: Bytes, message: NetlinkMessage): XfrmEvent | undefined {
  switch (message.type) {
    case messageType.newSa:
    case messageType.updateSa:
      return saEvent(readSa(bytes, message));
    case messageType.deleteSa:
      return saGone(readSaId(bytes, message));
    case messageType.saExpired:
      return saExpired(bytes, message);
    case messageType.acquire:
      return acquire(bytes, message);
    case messageType.newPolicy:
    case messageType.updatePolicy:
      return policyEvent(readPolicy(bytes, message));
    case messageType.deletePolicy:
      return policyGone(readDeletedPolicy(bytes, message));
    case messageType.policyExpired:
      return policyExpired(bytes, message);
    case messageType.flushSas:
      return { kind: "sas flushed" };
    case messageType.flushPolicies:
      return { kind: "policies flushed" };
    default:
      return undefined;
  }
}

function saEvent(sa: Sa | undefined): XfrmEvent | undefined {
  return sa === undefined ? undefined : { kind: "sa", sa };
}

function saGone(id: SaId | undefined): XfrmEvent | undefined {
  return id === undefined ? undefined : { kind: "sa gone", id };
}

/** When its time is over the kernel has removed the SA already, and no other message tells so. */
function saExpired(bytes: Bytes, message: NetlinkMessage): XfrmEvent | undefined {
  const sa = readSaOf(bytes, message, SA_EXPIRED_BYTES);
  if (sa === undefined) return undefined;
  return bytes[message.at + saExpiredField.isHard] === 0 ? { kind: "sa ageing", sa } : { kind: "sa gone", id: sa };
}

function acquire(bytes: Bytes, { at, end }: NetlinkMessage): XfrmEvent | undefined {
  if (end - at < ACQUIRE_BYTES) return undefined;
  const id: SaId = {
    destination: readWord(bytes, at + acquireField.destination),
    spi: readWord(bytes, at + acquireField.spi),
    protocol: bytes[at + acquireField.protocol],
    mark: readMark(new Attributes(bytes, at + ACQUIRE_BYTES, end)),
  };
  const selector = readSelector(bytes, at + acquireField.selector);
  return { kind: "acquire", id, source: readWord(bytes, at + acquireField.source), selector };
}

function policyEvent(policy: Policy | undefined): XfrmEvent | undefined {
  return policy === undefined ? undefined : { kind: "policy", policy };
}

function policyGone(id: PolicyId | undefined): XfrmEvent | undefined {
  return id === undefined ? undefined : { kind: "policy gone", id };
}

/** XFRM_MSG_DELPOLICY names the policy by its number and carries the policy itself as an attribute. */
function readDeletedPolicy(bytes: Bytes, { at, end }: NetlinkMessage): Policy | undefined {
  if (end - at < POLICY_ID_BYTES) return undefined;
  const attributes = new Attributes(bytes, at + POLICY_ID_BYTES, end);
  const policy = attributes.bytesOf(attributeType.policy, POLICY_BYTES);
  return policy === undefined ? undefined : readPolicyAt(policy, 0, attributes);
}

/** As with SAs, the end of a policy's time is told by this alone. */
function policyExpired(bytes: Bytes, message: NetlinkMessage): XfrmEvent | undefined {
  const policy = readPolicyOf(bytes, message, POLICY_EXPIRED_BYTES);
  if (policy === undefined || bytes[message.at + policyExpiredField.isHard] === 0) return undefined;
  return { kind: "policy gone", id: policy };
}

// Writing: structures as text, in the order of their fields

/** Not a literal of escapes, which would be written as two bytes of UTF-8. */
const ALL_ONES = string.char(0xff);
const NO_LIMIT = string.rep(ALL_ONES, 8);

function zeros(lengthBytes: number): string {
  return string.rep("\0", lengthBytes);
}

function network16(value: number): string {
  return string.char((value >> 8) & 0xff, value & 0xff);
}

function network32(word: number): string {
  return network16((word >> 16) & 0xffff) + network16(word & 0xffff);
}

function native64(value: number): string {
  const high = native32(Math.floor(value / 0x100000000));
  const low = native32(value - Math.floor(value / 0x100000000) * 0x100000000);
  return isLittleEndian ? low + high : high + low;
}

/** union xfrm_address_t */
function addressText(word: number): string {
  return network32(word) + zeros(ADDRESS_BYTES - WORD_BYTES);
}

function portText(port: PortMatch): string {
  return network16(port.value) + network16(port.mask);
}

/** struct xfrm_selector */
export function selectorText({ source, destination, protocol, sourcePort, destinationPort }: Selector): string {
  const addresses = addressText(destination.network) + addressText(source.network);
  const ports = portText(destinationPort) + portText(sourcePort);
  const lengths = string.char(destination.lengthBits, source.lengthBits);
  return addresses + ports + native16(AF_INET) + lengths + string.char(protocol) + zeros(11);
}

/** struct xfrm_lifetime_cfg: no limit but the one of time since it was added. */
function lifetimeText(hardSeconds: number): string {
  const hardAt = lifetimeField.hardAddSeconds / 8;
  const hard = hardSeconds === Infinity ? zeros(8) : native64(hardSeconds);
  // Limits of bytes and packets are all ones; those of time are 0.
  return string.rep(NO_LIMIT, 4) + zeros(8) + hard + zeros(8 * (LIFETIME_NUMBERS - hardAt - 1));
}

/** struct xfrm_id */
function idText(destination: number, spi: number, protocol: number): string {
  return addressText(destination) + network32(spi) + string.char(protocol) + zeros(3);
}

/** struct xfrm_usersa_id */
export function saIdText({ destination, spi, protocol }: SaId): string {
  return addressText(destination) + network32(spi) + native16(AF_INET) + string.char(protocol) + zeros(1);
}

/** A larval SA that is wanted: an SPI in a range, held by the kernel as if an IKE daemon were negotiating it. */
export interface LarvalRequest {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly mode: Mode;
  readonly reqid: number;
  readonly interfaceId: number;
  /** Unsigned; both ends belong to the range. */
  readonly spiMin: number;
  readonly spiMax: number;
}

/** struct xfrm_userspi_info */
export function larvalText(request: LarvalRequest): string {
  const id = idText(request.destination, 0, request.protocol) + addressText(request.source);
  const unused = zeros(saField.reqid - saField.lifetime);
  const head = zeros(SELECTOR_BYTES) + id + unused;
  const kind = native32(request.reqid) + native16(AF_INET) + string.char(modeNumbers[request.mode]);
  const text = head + kind;
  return text + zeros(SA_BYTES - string.len(text)) + native32(request.spiMin) + native32(request.spiMax);
}

/** struct xfrm_userpolicy_info */
export function policyText(policy: Policy): string {
  const head = selectorText(policy.selector) + lifetimeText(policy.hardLifetimeSeconds) + zeros(USAGE_BYTES);
  const kind = string.char(directionNumbers[policy.direction], policy.isBlocking ? 1 : 0);
  const text = head + native32(policy.priority) + native32(0) + kind;
  return text + zeros(POLICY_BYTES - string.len(text));
}

/** struct xfrm_userpolicy_id */
export function policyIdText({ selector, direction }: PolicyId): string {
  return selectorText(selector) + native32(0) + string.char(directionNumbers[direction]) + zeros(3);
}

/** struct xfrm_user_tmpl, for any algorithm. */
export function templateText(template: Template): string {
  const id = idText(template.destination, template.spi, template.protocol);
  const addresses = id + native16(AF_INET) + zeros(2) + addressText(template.source);
  const kind = native32(template.reqid) + string.char(modeNumbers[template.mode]) + zeros(3);
  return addresses + kind + string.rep(ALL_ONES, 3 * WORD_BYTES);
}

/** struct xfrm_mark */
export function markText({ value, mask }: Mark): string {
  return native32(value) + native32(mask);
}
